"""What goes in and what comes out about tiers, schemes and the network."""

from rest_framework import serializers

from inventory.models import Assessment, Dependency, TieringScheme
from web.serializers import StrictSerializer


class Answer(StrictSerializer):
    factor = serializers.CharField(max_length=300, help_text="Name of a factor of the scheme in force")
    level = serializers.CharField(max_length=300, help_text="Name of one of its levels")
    rationale = serializers.CharField(max_length=2_000, help_text="Why this level; part of the record")


class RatingInput(StrictSerializer):
    answers = Answer(many=True, help_text="One for each factor; those about controls may be left out")
    exposure = serializers.DecimalField(
        max_digits=14,
        decimal_places=2,
        min_value=0,
        required=False,
        allow_null=True,
        default=None,
        help_text="In millions of the bank's currency, where it is known",
    )


class RatingOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref", help_text="Id of the model")
    tier_in_force = serializers.IntegerField(source="model.tier", help_text="The granted tier, else the computed one")
    computed_tier = serializers.IntegerField(source="tier", help_text="What the answers give")
    scheme = serializers.IntegerField(source="scheme.number", help_text="Number of the scheme that computed it")
    answered_by = serializers.CharField(source="answered_by.hr_number", help_text="HR number of who answered")

    class Meta:
        model = Assessment
        fields = [
            "model", "tier_in_force", "computed_tier", "scheme", "state", "answers", "exposure", "bands", "scores",
            "residual", "answered_at", "answered_by",
        ]  # fmt: skip
        extra_kwargs = {
            "state": {"help_text": "provisional, confirmed or challenged"},
            "bands": {"help_text": "Inherent risk, materiality and controls, each by its band"},
        }


class SchemeOutput(serializers.ModelSerializer):
    class Meta:
        model = TieringScheme
        fields = ["number", "name", "state", "note", "content", "drafted_at", "published_at"]
        extra_kwargs = {
            "state": {"help_text": "draft, published, superseded or discarded"},
            "drafted_at": {"help_text": "When it was drafted"},
            "published_at": {"help_text": "When it came into force; empty before"},
        }


class Move(serializers.Serializer):
    model = serializers.CharField(source="model.ref", help_text="Id of the model")
    before = serializers.IntegerField(allow_null=True, help_text="The tier in force now")
    after = serializers.IntegerField(allow_null=True, help_text="The tier in force under this scheme")
    missing = serializers.SerializerMethodField(help_text="Factors that decide and were not answered")

    def get_missing(self, line) -> list[str]:
        return [factor.name for factor in line.rating.missing]


class EffectOutput(serializers.Serializer):
    rated = serializers.IntegerField(help_text="Models that would be rated")
    moved = serializers.IntegerField(help_text="Models that would move to another tier")
    lacking = serializers.IntegerField(help_text="Models that lack an answer and would keep their tier")
    moving = Move(many=True, help_text="Those that move")
    without_answer = Move(many=True, help_text="Those that lack an answer")


class LineOutput(serializers.ModelSerializer):
    source = serializers.SerializerMethodField(help_text="Where it begins: a model's id, or an asset's name")
    target = serializers.SerializerMethodField(help_text="Where it ends: a model's id, or an asset's name")

    class Meta:
        model = Dependency
        fields = ["id", "kind", "source", "target", "note", "added_at"]
        extra_kwargs = {
            "kind": {"help_text": "What the line says"},
            "added_at": {"help_text": "Since when it is recorded"},
        }

    def get_source(self, line) -> str:
        return getattr(line.source, "ref", None) or str(line.source)

    def get_target(self, line) -> str:
        return getattr(line.target, "ref", None) or str(line.target)


class ImpactLine(serializers.Serializer):
    model = serializers.CharField(help_text="Id of the model")
    steps = serializers.IntegerField(help_text="How many lines away it is")


class NetworkOutput(serializers.Serializer):
    lines = LineOutput(many=True, help_text="The lines that begin or end at the model")
    downstream = ImpactLine(many=True, help_text="Models that feel its change, of those that you see")
    tier_1_share = serializers.FloatField(
        allow_null=True, help_text="Fraction 0..1 of tier-1 exposure that is downstream, of the models that you see"
    )
    is_on_cycle = serializers.BooleanField(help_text="Whether its change comes back to it")


class ConcentrationOutput(serializers.Serializer):
    asset = serializers.CharField(source="asset.name", help_text="Source, vendor, component or assumption")
    kind = serializers.CharField(source="asset.kind", help_text="Which of these it is")
    models = serializers.IntegerField(source="weight.models", help_text="Models that rest on it")
    tier_1_models = serializers.IntegerField(source="weight.tier_1", help_text="Those of tier 1")
    tier_1_exposure = serializers.DecimalField(
        source="weight.tier_1_exposure", max_digits=16, decimal_places=2, help_text="Their exposure, in millions"
    )
    tier_1_share = serializers.FloatField(
        source="share.tier_1_exposure", allow_null=True, help_text="As a fraction 0..1 of all tier-1 exposure"
    )
