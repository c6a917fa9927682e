"""Bodies about a model's record: input and output apart, fields listed."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account
from inventory.api.fields import NamedByCode, PersonByNumber
from inventory.models import NOUNS, Framework, Limitation, Model, ModelVersion, Overlay, OverlayValue, Profile, Verdict
from inventory.models.verdict import CRITERIA
from web.serializers import StrictSerializer
from web.wording import SAID, quoted

OF_PROFILE = [field.name for field in Profile._meta.concrete_fields if field.name not in ("id", "model")]
OF_MODEL = ["name", "description", "purpose", "kind"]


class RecordFields(serializers.ModelSerializer):
    """Every field of the record that can be set."""

    name = serializers.CharField()
    description = serializers.CharField()
    purpose = serializers.CharField()
    kind = serializers.CharField()
    owner = serializers.CharField(source="owner.hr_number")
    developer = serializers.CharField(source="developer.hr_number", default=None)

    class Meta:
        model = Profile
        fields = [*OF_MODEL, "owner", "developer", *OF_PROFILE]


class RecordChange(StrictSerializer, serializers.ModelSerializer):
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    kind = serializers.ChoiceField(Model.Kind.choices, required=False)
    owner = PersonByNumber(required=False, help_text="HR number of the owner")
    developer = PersonByNumber(required=False, allow_null=True, help_text="HR number of the developer; null for none")
    own = serializers.DictField(
        required=False, help_text="Further fields by their keys, as the page of record fields lists them; null empties"
    )

    class Meta:
        model = Profile
        fields = [*OF_MODEL, "owner", "developer", *OF_PROFILE]


class ScoreOutput(serializers.Serializer):
    regime = serializers.CharField(help_text="Code of the regime; own: what the bank itself asks for")
    counts = serializers.BooleanField(help_text="false: it does not fall under the regime")
    asked = serializers.IntegerField()
    filled = serializers.IntegerField()
    missing = serializers.ListField(child=serializers.CharField())


class VerdictOutput(serializers.ModelSerializer):
    regime = serializers.CharField(source="framework.code")
    version = serializers.IntegerField(source="framework.version")
    decided_by = serializers.CharField(source="decided_by.hr_number")

    class Meta:
        model = Verdict
        fields = [
            "regime", "version", "scope", "rationale", "answers", *CRITERIA, "decided_on", "decided_at", "decided_by",
        ]  # fmt: skip


class RecordOutput(serializers.Serializer):
    ref = serializers.CharField()
    fields = RecordFields()
    completeness = ScoreOutput(many=True)
    verdicts = VerdictOutput(many=True)


class RegimeByCode(NamedByCode):
    """A regime by which models are judged, in its newest version."""

    def __init__(self, **options):
        super().__init__("code", queryset=Framework.objects.judged_by(), **options)

    def unknown(self, code: str, account: Account) -> str:
        codes = ", ".join(self.get_queryset().values_list("code", flat=True))
        return f"There is no regime with the code {code}. There are: {codes or 'none yet'}."


class CriteriaInput(StrictSerializer):
    is_complex_method = serializers.BooleanField(
        required=False, allow_null=True, help_text=CRITERIA["is_complex_method"]
    )
    applies_theory = serializers.BooleanField(required=False, allow_null=True, help_text=CRITERIA["applies_theory"])
    gives_estimates = serializers.BooleanField(required=False, allow_null=True, help_text=CRITERIA["gives_estimates"])


class VerdictInput(StrictSerializer):
    regime = RegimeByCode(source="framework", help_text="Its code, such as ss1-23")
    scope = serializers.ChoiceField(Verdict.Scope.choices)
    rationale = serializers.CharField(max_length=5_000)
    decided_on = serializers.DateField(required=False, help_text="Without it, today")
    answers = serializers.DictField(
        required=False, child=serializers.CharField(allow_blank=True), help_text="To the regime's questions, by key"
    )
    criteria = CriteriaInput(required=False, help_text="All three, where it is no model at all")


class ChangeClassInput(StrictSerializer):
    change_class = serializers.ChoiceField(["minor", "notify", "material"])
    reason = serializers.CharField(max_length=2_000)


class ChangeClassOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref")

    class Meta:
        model = ModelVersion
        fields = ["model", "label", "change_class", "change_reason", "classified_at"]


class ReasonInput(StrictSerializer):
    reason = serializers.CharField(max_length=2_000, help_text="Why; it stands on the trail")


class ValueInput(ReasonInput):
    value = serializers.DecimalField(max_digits=20, decimal_places=4)
    effective_on = serializers.DateField(help_text="From which day")


class RenewalInput(ReasonInput):
    expires_on = serializers.DateField(help_text="Its new last day")


# ---- the records below a model's ----------------------------------------------------------------------------------
@extend_schema_field(OpenApiTypes.INT)
class LimitationByNumber(serializers.RelatedField):
    """A limitation of the same model, by its number."""

    def get_queryset(self):
        return Limitation.objects.filter(model=self.context.get("model"))

    def to_internal_value(self, data):
        found = self.get_queryset().filter(number=data).first() if isinstance(data, int) else None
        if found is None:
            raise serializers.ValidationError(
                f"The model has no limitation with the number {quoted(str(data))}.", code=SAID
            )
        return found

    def to_representation(self, value):
        return value.number


class ValueOutput(serializers.ModelSerializer):
    class Meta:
        model = OverlayValue
        fields = ["effective_on", "value", "reason"]


ENDS = ["closed_at", "closing_reason"]
APPROVAL = ["approved_at", "approved_by"]
SPECIAL = {
    "responsibilities": {"person": PersonByNumber(help_text="HR number")},
    "overlays": {"limitation": LimitationByNumber(required=False, allow_null=True, queryset=Limitation.objects.all())},
}
SHOWN = {
    "responsibilities": {"person": serializers.CharField(source="person.hr_number")},
    "overlays": {
        "limitation": serializers.IntegerField(source="limitation.number", default=None),
        "values": ValueOutput(many=True),
        "renewals": serializers.IntegerField(source="renewals.count"),
    },
}


def _body(name: str, bases: tuple, key: str, fields: tuple[str, ...], declared: dict) -> type[serializers.Serializer]:
    noun = NOUNS[key]
    meta = type("Meta", (), {"model": noun.part, "fields": list(fields)})
    return type(f"{noun.part.__name__}{name}", bases, declared | {"Meta": meta})


def _output(key: str) -> type[serializers.Serializer]:
    noun = NOUNS[key]
    people = {"added_by": serializers.CharField(source="added_by.hr_number")}
    approval = {"approved_by": serializers.CharField(source="approved_by.hr_number", default=None)}
    declared = people | (approval if noun.takes_approval else {}) | SHOWN.get(key, {})
    more = ["values", "renewals"] if noun.part is Overlay else []
    fields = ["number", *noun.fields, *more, "added_at", "added_by", *(APPROVAL if noun.takes_approval else []), *ENDS]
    return _body("Output", (serializers.ModelSerializer,), key, tuple(fields), declared)


STRICT = (StrictSerializer, serializers.ModelSerializer)
OUTPUTS = {key: _output(key) for key in NOUNS}
INPUTS = {key: _body("Input", STRICT, key, noun.fields, SPECIAL.get(key, {})) for key, noun in NOUNS.items()}
CHANGES = {
    key: _body(
        "Change",
        STRICT,
        key,
        noun.editable,
        {name: field for name, field in SPECIAL.get(key, {}).items() if name in noun.editable},
    )
    for key, noun in NOUNS.items()
}
