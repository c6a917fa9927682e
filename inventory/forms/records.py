"""Forms of the register's pages: each field as its row keeps it, refusals of the services beside their fields."""

from __future__ import annotations

from django import forms
from django.db.models import Field, QuerySet, TextField

from accounts.access import people_beside
from accounts.models import Account, Person
from inventory.models import NOUNS, FieldDefinition, Framework, Model, ModelVersion, Noun, Profile, Verdict
from inventory.models.verdict import CRITERIA

MOST_OFFERED = 50
OWN = "own_"
YES_NO = [("", "Not said"), ("yes", "Yes"), ("no", "No")]
GROUPS = (
    ("Identity", ("name", "description", "origin", "legal_entity", "kind", "method")),
    ("Use", ("purpose", "products", "users", "jurisdictions")),
    ("People", ("owner", "developer")),
    (
        "Risk",
        (
            "rating_basis",
            "rating_inputs",
            "inherent_risk",
            "residual_risk",
            "next_rating_on",
            "negligible_exemption",
        ),
    ),
    ("Inputs, outputs, relations", ("data_sources", "inputs", "outputs", "alternative_data", "dependencies")),
    (
        "Status",
        (
            "deployed_on",
            "monitoring_exceptions",
            "last_review_on",
            "next_review_on",
            "validation_months",
            "validation_rationale",
            "valid_from",
            "valid_until",
            "open_findings",
            "approval_conditions",
        ),
    ),
)
HELP = {
    "name": "What people call it",
    "description": "Its key features and how it is used",
    "kind": "Some kinds have further fields of their own",
    "owner": "Name or HR number",
    "developer": "Name or HR number; empty: nobody",
}


class PersonField(forms.CharField):
    """A person by name or HR number; the box offers those beside the one who fills it in."""

    def __init__(self, **options):
        super().__init__(max_length=200, **options)
        self.people: QuerySet[Person] = Person.objects.none()

    def offer(self, by: Account) -> None:
        self.people = people_beside(by)[:MOST_OFFERED]

    def clean(self, value):
        typed = super().clean(value)
        if not typed:
            return None
        number = typed.rpartition("(")[2].rstrip(") ")
        active = Person.objects.filter(is_active=True).select_related("details")
        if person := active.filter(hr_number__iexact=number).first():
            return person
        named = list(active.filter(details__full_name__iexact=typed)[:2])
        if len(named) == 1:
            return named[0]
        raise forms.ValidationError(
            f"{'Several people are' if named else 'No active person is'} called “{typed}”. Give the HR number."
        )

    def prepare_value(self, value):
        return f"{value} ({value.hr_number})" if isinstance(value, Person) else value


class DayInput(forms.DateInput):
    input_type = "date"

    def format_value(self, value):
        return value.isoformat() if hasattr(value, "isoformat") else value


class RegisterForm(forms.Form):
    """A form whose service may refuse single fields."""

    def add_problems(self, problems: dict[str, str]) -> None:
        for name, words in problems.items():
            field = name.replace("own/", OWN)
            self.add_error(field if field in self.fields else None, words)

    def stored_fields(self, row: type, names: tuple[str, ...]) -> None:
        for name in names:
            self.fields[name] = form_field(row._meta.get_field(name))


def form_field(stored: Field) -> forms.Field:
    """The form's field for a column, with its own help."""
    help_text = HELP.get(stored.name, "") if stored.model is Model else ""
    help_text = help_text or stored.help_text
    label = f"{str(stored.verbose_name)[:1].upper()}{str(stored.verbose_name)[1:]}"
    if stored.related_model is Person:
        return PersonField(required=not stored.null, label=label, help_text=help_text)
    made = stored.formfield(label=label, help_text=help_text)
    if isinstance(made, forms.DateField):
        made.widget = DayInput()
    elif stored.choices and stored.blank:
        made.choices = [("", "Not said"), *stored.choices]
    elif isinstance(stored, TextField):
        made.widget.attrs["rows"] = 3
    return made


class RecordForm(RegisterForm):
    """The record of a model, as far as it is single values; `read` is what the editor read."""

    read = forms.CharField(widget=forms.HiddenInput, max_length=200, required=False)

    def __init__(self, data=None, *, values: dict, further: list[FieldDefinition], by: Account, read: str):
        own = {f"{OWN}{key}": _own_text(value) for key, value in values["own"].items()}
        super().__init__(data, initial=values | own | {"read": read}, label_suffix="")
        for _, names in GROUPS:
            for name in names:
                self.stored_fields(Profile if name in PROFILE_NAMES else Model, (name,))
        self.further = {f"{OWN}{entry.key}": entry for entry in further}
        for name, entry in self.further.items():
            self.fields[name] = own_field(entry)
        for field in self.fields.values():
            if isinstance(field, PersonField):
                field.offer(by)

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Fields under their headings, those of the packs and of the bank last."""
        shown = [(heading, [self[name] for name in names]) for heading, names in GROUPS]
        return [*shown, ("Further fields", [self[name] for name in self.further])] if self.further else shown

    def changes(self) -> dict:
        """What the service is asked to store."""
        told = {name: self.cleaned_data[name] for _, names in GROUPS for name in names}
        own = {entry.key: _own_value(entry, self.cleaned_data[name]) for name, entry in self.further.items()}
        return told | ({"own": own} if own else {})


PROFILE_NAMES = {field.name for field in Profile._meta.concrete_fields} - {"id", "model"}


def own_field(entry: FieldDefinition) -> forms.Field:
    """The form's field for a further one, by its type. Nothing is required: a record is filled in step by step."""
    options = {"label": entry.label, "help_text": entry.help, "required": False}
    if entry.type == FieldDefinition.Type.NUMBER:
        return forms.FloatField(**options)
    if entry.type == FieldDefinition.Type.DAY:
        return forms.DateField(widget=DayInput(), **options)
    if entry.type == FieldDefinition.Type.YES_NO:
        return forms.ChoiceField(choices=YES_NO, **options)
    if entry.type == FieldDefinition.Type.CHOICE:
        return forms.ChoiceField(choices=[("", "Not said"), *((c, c) for c in entry.choices)], **options)
    return forms.CharField(max_length=10_000, widget=forms.Textarea(attrs={"rows": 2}), **options)


def _own_text(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _own_value(entry: FieldDefinition, value: object) -> object:
    return {"yes": True, "no": False}.get(value) if entry.type == FieldDefinition.Type.YES_NO else value


class PartForm(RegisterForm):
    """One use, assumption, limitation …; `read` is what the editor read, of a new one nothing."""

    read = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, data=None, *, noun: Noun, model: Model, values: dict, by: Account, read: str = ""):
        super().__init__(data, initial=values | {"read": read}, label_suffix="")
        self.stored_fields(noun.part, noun.editable if read else noun.fields)
        if "limitation" in self.fields:
            limitations = NOUNS["limitations"].part.objects.filter(model=model).open()
            self.fields["limitation"].queryset = limitations
        if not (values and values.get("review_asked_on")):
            self.fields.pop("review_outcome", None)
        for field in self.fields.values():
            if isinstance(field, PersonField):
                field.offer(by)

    def changes(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "read"}


class ReasonForm(RegisterForm):
    reason = forms.CharField(
        label="Reason", max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}), help_text="Part of the record"
    )


class DecisionForm(ReasonForm):
    decision = forms.ChoiceField(choices=[("accept", "Accept"), ("decline", "Decline")])


class RenewalForm(ReasonForm):
    expires_on = forms.DateField(label="Ends now", widget=DayInput(), help_text="Its new last day")
    field_order = ("expires_on", "reason")


class ValueForm(ReasonForm):
    value = forms.DecimalField(label="Value", max_digits=20, decimal_places=4)
    effective_on = forms.DateField(label="From", widget=DayInput(), help_text="Earlier values stay")
    field_order = ("value", "effective_on", "reason")


class ChangeClassForm(ReasonForm):
    change_class = forms.ChoiceField(
        label="Change class", choices=[c for c in ModelVersion.ChangeClass.choices if c[0] != "unstated"]
    )


class VerdictForm(RegisterForm):
    """A verdict of scope on one regime, with the regime's own questions and the three criteria."""

    framework = forms.ModelChoiceField(Framework.objects.none(), label="Regime", to_field_name="code", empty_label=None)
    scope = forms.ChoiceField(
        choices=Verdict.Scope.choices,
        label="Verdict",
        help_text="What takes duties off the model is said by a person who neither owns nor built it",
    )
    rationale = forms.CharField(
        max_length=5_000, widget=forms.Textarea(attrs={"rows": 4}), help_text="Why; part of the record"
    )
    decided_on = forms.DateField(label="Decided on", widget=DayInput(), required=False, help_text="Empty: today")

    def __init__(self, data=None, *, framework: Framework):
        super().__init__(data, initial={"framework": framework.code}, label_suffix="")
        self.fields["framework"].queryset = Framework.objects.judged_by()
        self.questions = {f"answer_{q['key']}": q for q in framework.scope_questions}
        for name, question in self.questions.items():
            self.fields[name] = forms.CharField(
                label=question["text"], required=False, max_length=1_000, widget=forms.Textarea(attrs={"rows": 1})
            )
        for name, words in CRITERIA.items():
            self.fields[name] = forms.ChoiceField(label=words, choices=YES_NO, required=False)

    def given(self) -> dict:
        """What the service is asked to store."""
        told = self.cleaned_data
        answers = {question["key"]: told[name] for name, question in self.questions.items()}
        criteria = {name: {"yes": True, "no": False}.get(told[name]) for name in CRITERIA}
        plain = {name: told[name] for name in ("framework", "scope", "rationale", "decided_on")}
        return plain | {"answers": answers, "criteria": criteria}


class LinesField(forms.CharField):
    """A list, one to a line."""

    def __init__(self, **options):
        super().__init__(widget=forms.Textarea(attrs={"rows": 3}), **options)

    def clean(self, value):
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class FieldForm(RegisterForm):
    """A field of the bank's own."""

    key = forms.SlugField(max_length=40, help_text="Its word in filters and the API: residency_zone; it never changes")
    label = forms.CharField(max_length=100, help_text="What people read")
    help = forms.CharField(max_length=300, required=False, help_text="What is to be filled in")
    type = forms.ChoiceField(choices=FieldDefinition.Type.choices, help_text="It never changes")
    choices = LinesField(required=False, label="Choices", help_text="Of a list: one to a line")
    kinds = forms.MultipleChoiceField(
        choices=Model.Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Which models have it; none ticked: all",
    )
    required_tiers = forms.TypedMultipleChoiceField(
        choices=[(n, f"Tier {n}") for n in (1, 2, 3, 4)],
        coerce=int,
        required=False,
        label="Required for",
        widget=forms.CheckboxSelectMultiple,
    )
