"""Forms of the portal's own pages. Refusals of the services come back to their fields."""

from datetime import timedelta

from django import forms
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.access import units_in_words, units_of
from accounts.models import Account, Person, Unit
from accounts.roles import SCOPES, Role
from portal.lookups import LOOKUPS, Offer

MOST_OFFERED = 50  # without script
MOST_NAMED = 5  # in a refusal


class NamedInput(forms.TextInput):
    """A box that offers records while one types: combo.js asks the server; without script, the first few by name."""

    def __init__(self, kind: str, records: QuerySet):
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false"})
        self.kind, self.records = kind, records

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        offers = f"{(attrs or {}).get('id') or name}_offers"
        own = {"list": offers, "data-find": reverse("find", args=[self.kind])}
        return super().render(name, value, (attrs or {}) | own, renderer) + format_html(
            '<datalist id="{}">{}</datalist>',
            offers,
            format_html_join("", '<option value="{}"></option>', ((offer.value,) for offer in self.offers())),
        )

    def offers(self) -> list[Offer]:
        lookup = LOOKUPS[self.kind]
        return [lookup.offer(record) for record in self.records.order_by(lookup.names[0])[:MOST_OFFERED]]


MOST_OPTIONS = 50  # of a <select>; a longer list is typed
NO_UNITS = "You have no role over a unit yet, so a token could reach nothing; an administrator can propose one."


class NamedField(forms.CharField):
    """A record given by what people call it: a bank has more of them than a list can hold.

    kind     of portal.lookups
    records  those that the form takes
    """

    def __init__(self, kind: str, records: QuerySet, **options):
        super().__init__(max_length=200, widget=NamedInput(kind, records), **options)
        self.kind, self.records = kind, records

    def clean(self, value):
        typed = super().clean(value)
        if not typed:
            return None
        lookup = LOOKUPS[self.kind]
        record = lookup.find(self.records, typed)
        if record is None:
            raise forms.ValidationError(f"There is no {lookup.noun} “{typed}”. {self._choices()}")
        return record

    def _choices(self) -> str:
        named = [offer.value for offer in self.widget.offers()[: MOST_NAMED + 1]]
        more = " …" if len(named) > MOST_NAMED else "."
        return f"Choose from: {', '.join(named[:MOST_NAMED])}{more}" if named else "There is none to choose."


class OwnUnitField(NamedField):
    """A unit that an account's roles cover: chosen by its name while there are few, else typed, code or name."""

    def __init__(self, **options):
        super().__init__("units", Unit.objects.none(), **options)

    def offer(self, units: QuerySet[Unit]) -> None:
        self.records = self.widget.records = units
        offered = list(units[: MOST_OPTIONS + 1])
        if not offered:
            self.help_text = NO_UNITS
        if len(offered) <= MOST_OPTIONS:
            choices = [(unit.code, f"{unit.name} ({unit.code})") for unit in offered]
            self.widget = forms.Select(choices=choices if len(choices) == 1 else [("", "Choose a unit"), *choices])
            self.widget.is_required = self.required

    def clean(self, value):
        name = forms.CharField.clean(self, value)
        if meant := LOOKUPS[self.kind].find(self.records, name):
            return meant
        are_several = self.records.filter(name__iexact=name).exists()
        problem = (
            f"There are several units “{name}”: give the code." if are_several else f"“{name}” is no unit of yours."
        )
        yours = units_in_words(self.records)
        raise forms.ValidationError(f"{problem} {f'Yours are: {yours}.' if yours else NO_UNITS}")


class ServiceForm(forms.Form):
    """A form whose service may refuse single fields."""

    def add_problems(self, problems: dict[str, str]) -> None:
        for name, words in problems.items():
            self.add_error(name if name in self.fields else None, words)


class RoleForm(ServiceForm):
    person = NamedField(
        "people",
        Person.objects.filter(is_active=True).select_related("details"),
        label="Person",
        help_text="Name or HR number",
    )
    role = forms.TypedChoiceField(
        choices=[(role.value, role.label) for role in Role if role != Role.SERVICE], coerce=Role, label="Role"
    )
    unit = NamedField(
        "units",
        Unit.objects.all(),
        required=False,
        label="Unit",
        help_text="Name or code; covers all units below it. Empty: the whole bank, as for officers, auditors and "
        "administrators",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Part of the record; the second administrator reads it",
    )


class DecisionForm(ServiceForm):
    decision = forms.ChoiceField(choices=[("accept", "Accept"), ("decline", "Decline")])
    reason = forms.CharField(max_length=1000)


class ReasonForm(ServiceForm):
    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Part of the record",
    )


def own_password() -> forms.CharField:
    """One's password once more, for what one signs for."""
    return forms.CharField(
        strip=False,
        label="Your password, again",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="You sign for it with your name",
    )


class EpochForm(ServiceForm):
    of = forms.ChoiceField(
        choices=[
            ("rotation", "Rotation: the log goes on under another key"),
            ("restore", "Restore: the database came back from a backup"),
        ],
        label="What for",
    )
    new_key = forms.CharField(
        max_length=400,
        label="The new key",
        help_text="Its public half, as “manage.py epoch new-key” printed it; compare it with whoever made it",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Part of the record; the second administrator reads it",
    )
    password = own_password()


class EpochDecisionForm(DecisionForm):
    password = own_password()


class UnitForm(ServiceForm):
    name = forms.CharField(max_length=120, label="Name", help_text="As people call it, such as “Retail credit”")
    code = forms.SlugField(
        max_length=50, label="Code", help_text="Small letters, digits and hyphens; pipelines name the unit by it"
    )
    parent = NamedField(
        "units",
        Unit.objects.all(),
        required=False,
        label="Below",
        help_text="Name or code of the unit above it; whoever has a role there covers the new one too",
    )


class PersonForm(ServiceForm):
    full_name = forms.CharField(
        max_length=120, label="Name", help_text="Stands apart from the trail, so that it can be erased"
    )
    hr_number = forms.CharField(max_length=40, label="HR number", help_text="Names the person on the trail, for good")
    mail = forms.EmailField(required=False, label="E-mail")
    unit = NamedField("units", Unit.objects.all(), label="Unit", help_text="Name or code")
    line_manager = NamedField(
        "people",
        Person.objects.filter(is_active=True).select_related("details"),
        required=False,
        label="Line manager",
        help_text="Name or HR number",
    )


class AccountForm(ServiceForm):
    person = NamedField(
        "people",
        Person.objects.filter(is_active=True).select_related("details"),
        label="Person",
        help_text="Name or HR number; of a service account, who answers for it",
    )
    kind = forms.ChoiceField(choices=Account.Kind.choices, label="Who signs in with it")
    username = forms.CharField(max_length=80, label="User name", validators=[UnicodeUsernameValidator()])
    password = forms.CharField(
        required=False,
        strip=False,
        label="First password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="People need one of at least 12 characters; a service account has none, it comes with tokens",
    )

    def clean(self) -> dict:
        given = super().clean()
        is_service = given.get("kind") == Account.Kind.SERVICE
        if is_service and given.get("password"):
            self.add_error("password", "A service account has no password; leave this empty.")
        if not is_service and not given.get("password") and "password" not in self.errors:
            self.add_error("password", "A person needs a password to sign in.")
        return given | {"password": given.get("password") or None}


class TokenForm(ServiceForm):
    name = forms.CharField(
        max_length=80, label="What it is for", help_text="Such as “Deploy pipeline of cards”; it stands on the trail"
    )
    scopes = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {', '.join(sorted(permits))}") for name, permits in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
    )
    unit = OwnUnitField(label="Unit", help_text="The token reaches models of this unit and below")
    days = forms.TypedChoiceField(
        choices=[(30, "30 days"), (90, "90 days"), (365, "1 year")], coerce=int, label="Ends in"
    )

    def __init__(self, *args, by: Account, **kwargs):
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["unit"].offer(units_of(by))


class ServiceTokenForm(ServiceForm):
    account = NamedField(
        "service-accounts",
        Account.objects.filter(kind=Account.Kind.SERVICE, is_active=True).select_related("person__details"),
        label="Service account",
    )
    name = forms.CharField(
        max_length=80, label="What it is for", help_text="Such as “Deploy pipeline of cards”; it stands on the trail"
    )
    scopes = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {', '.join(sorted(permits))}") for name, permits in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
    )
    unit = NamedField(
        "units",
        Unit.objects.all(),
        label="Unit",
        help_text="Name or code; the token reaches models of this unit and below",
    )
    days = forms.TypedChoiceField(
        choices=[(30, "30 days"), (90, "90 days"), (365, "1 year")], coerce=int, label="Ends in"
    )
    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Part of the record; the second administrator reads it",
    )

    def clean(self) -> dict:
        given = super().clean()
        if "days" in given:
            given["expires_at"] = timezone.now() + timedelta(days=given.pop("days"))
        return given
