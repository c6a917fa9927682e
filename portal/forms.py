"""Forms of the portal's own pages. Refusals of the services come back to their fields."""

from django import forms

from accounts.models import Account, Person, Unit
from accounts.permissions import may
from accounts.roles import SCOPES, Permission, Role


class ServiceForm(forms.Form):
    """A form whose service may refuse single fields."""

    def add_problems(self, problems: dict[str, str]) -> None:
        for name, words in problems.items():
            self.add_error(name if name in self.fields else None, words)


class RoleForm(ServiceForm):
    person = forms.ModelChoiceField(Person.objects.filter(is_active=True).select_related("details"), label="Person")
    role = forms.TypedChoiceField(
        choices=[(role.value, role.label) for role in Role if role != Role.SERVICE], coerce=Role, label="Role"
    )
    unit = forms.ModelChoiceField(
        Unit.objects.all(),
        required=False,
        empty_label="Whole bank",
        label="Unit",
        help_text="Covers all units below it",
    )
    reason = forms.CharField(label="Reason", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class DecisionForm(ServiceForm):
    decision = forms.ChoiceField(choices=[("accept", "Accept"), ("decline", "Decline")])
    reason = forms.CharField(max_length=1000)


class TokenForm(ServiceForm):
    name = forms.CharField(max_length=80, label="What it is for", help_text="Deploy pipeline of cards")
    account = forms.ModelChoiceField(
        Account.objects.none(), required=False, empty_label="My own account", label="Account"
    )
    scopes = forms.MultipleChoiceField(
        choices=[(name, name) for name in SCOPES], widget=forms.CheckboxSelectMultiple, label="What it may do"
    )
    unit = forms.ModelChoiceField(
        Unit.objects.all(), label="Unit", help_text="It reaches models of this unit and below"
    )
    days = forms.TypedChoiceField(
        choices=[(30, "30 days"), (90, "90 days"), (365, "1 year")], coerce=int, label="Ends in"
    )

    def __init__(self, *args, by: Account, **kwargs):
        super().__init__(*args, **kwargs)
        self.by = by
        if may(by, Permission.MANAGE_PEOPLE):
            self.fields["account"].queryset = Account.objects.filter(kind=Account.Kind.SERVICE, is_active=True)
        else:
            del self.fields["account"]

    def clean(self) -> dict:
        return {"account": None} | super().clean()
