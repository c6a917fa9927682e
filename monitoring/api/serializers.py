"""Runs, windows, breaches and reports over REST: input and output apart, fields listed."""

from django.urls import reverse
from rest_framework import serializers

from audit.services import Retention
from monitoring.models import Breach, ExactCheck, Explanation, Measurement, Run, Window
from web.serializers import StrictSerializer


class RunInput(StrictSerializer):
    labels_as_of = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Labels known later are not used; without it, now"
    )


class RunOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref")
    monitor = serializers.CharField(source="monitor.name")
    state = serializers.CharField(source="job.state")
    step = serializers.CharField(source="job.step")
    percent = serializers.IntegerField(source="job.percent")

    class Meta:
        model = Run
        fields = [
            "id", "ref", "model", "monitor", "state", "step", "percent", "outcome", "reasons", "labels_as_of",
            "inputs", "input_digest", "result_digest", "same_bits", "differences", "code_version", "rows_read",
            "rows_refused", "partitions_read", "partitions_reused", "asked_at", "finished_at",
        ]  # fmt: skip


class RunPage(serializers.Serializer):
    runs = RunOutput(many=True)
    next = serializers.CharField(allow_null=True, help_text="Pass as `after` for the next page; null at the end")


class FigureOutput(serializers.ModelSerializer):
    level = serializers.SerializerMethodField(help_text="good, watch or breach; empty where no threshold governs it")

    def get_level(self, figure: Measurement) -> str:
        return self.context["levels"].of(figure)

    class Meta:
        model = Measurement
        fields = ["metric", "column", "segment", "value", "n", "bound", "low", "high", "reason", "level"]


class WindowOutput(serializers.ModelSerializer):
    figures = FigureOutput(source="measurements", many=True)

    class Meta:
        model = Window
        fields = [
            "id", "start_on", "end_on", "revision", "is_newest", "rows", "labelled", "state_sha256", "figures_sha256",
            "versions", "figures",
        ]  # fmt: skip


class BreachOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref", help_text="Ref of the model")
    monitor = serializers.IntegerField(source="window.monitor_id", help_text="Id of the monitor")
    window = serializers.IntegerField(source="window_id", help_text="Id of the window")
    run = serializers.IntegerField(source="window.run_id", help_text="Id of the run that measured it")
    start_on = serializers.DateField(source="window.start_on", help_text="First day of the window")
    end_on = serializers.DateField(source="window.end_on", help_text="Last day of the window")
    stands = serializers.BooleanField(help_text="Whether nothing newer says otherwise: no restatement, no later window")
    side = serializers.CharField(
        source="threshold.side", default=None, allow_null=True, help_text="above or below; null without a threshold"
    )
    threshold = serializers.SerializerMethodField(
        help_text="Level that was crossed; null for what is a breach by itself"
    )

    def get_threshold(self, breach: Breach) -> float | None:
        return getattr(breach.threshold, breach.level) if breach.threshold else None

    class Meta:
        model = Breach
        fields = [
            "id", "level", "model", "metric", "column", "segment", "value", "side", "threshold", "monitor", "window",
            "run", "start_on", "end_on", "stands", "opened_at", "ended_at", "end_reason",
        ]  # fmt: skip


class BreachPage(serializers.Serializer):
    breaches = BreachOutput(many=True)
    next = serializers.CharField(allow_null=True, help_text="Pass as `after` for the next page; null at the end")


class ReasonOutput(serializers.Serializer):
    feature = serializers.CharField()
    range = serializers.CharField(
        required=False, help_text="Where in the reference its value lies: a range or a level, not the value"
    )
    contribution = serializers.FloatField(help_text="On the scale; above 0 it raises the score")


class ReasonCodesOutput(serializers.Serializer):
    row = serializers.CharField(help_text="The row's id, salted: it names no customer")
    score = serializers.FloatField()
    reasons = ReasonOutput(many=True, help_text="What moved the score most, strongest first")


class ExplanationOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref", help_text="Ref of the model")
    version = serializers.CharField(source="version.label", help_text="Label of the version that was explained")
    window = serializers.IntegerField(source="window_id", help_text="Id of the window")
    importance = serializers.DictField(
        child=serializers.FloatField(), help_text="Feature to mean |SHAP| in the window, on the scale"
    )
    reference_importance = serializers.DictField(
        child=serializers.FloatField(), help_text="The same over the reference sample"
    )
    importance_change = serializers.DictField(
        child=serializers.FloatField(), help_text="Feature to change of its share of all importance, -1 to 1"
    )
    reason_codes = ReasonCodesOutput(many=True, help_text="Of some rows, from the lowest score to the highest")
    libraries = serializers.DictField(child=serializers.CharField(), help_text="Library to version, in the sandbox")

    class Meta:
        model = Explanation
        fields = [
            "model", "version", "window", "method", "detail", "rows", "seed", "scale", "importance",
            "reference_importance", "importance_change", "reason_codes", "additivity_error", "rescored_rows",
            "rescored_unequal", "rescoring_largest_difference", "is_loaded_by_code", "libraries", "made_at",
        ]  # fmt: skip


class ExactInput(StrictSerializer):
    column = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=120, help_text="A numeric feature; empty: the score"
    )


class ExactFigureOutput(serializers.Serializer):
    metric = serializers.CharField()
    value = serializers.FloatField(help_text="Of the profile; of a quantile, the middle of its bin")
    bound = serializers.FloatField(allow_null=True, help_text="The exact value differs by no more; null: it is exact")
    exact = serializers.FloatField(help_text="Of the rows, read again")
    is_within = serializers.BooleanField(help_text="Whether the bound holds")


class ExactOutput(serializers.ModelSerializer):
    state = serializers.CharField(source="job.state")
    message = serializers.CharField(source="job.message", help_text="How it ended, as a sentence")
    figures = ExactFigureOutput(many=True)

    class Meta:
        model = ExactCheck
        fields = ["column", "state", "message", "figures", "code_version", "asked_at", "made_at"]


class FileOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    role = serializers.CharField(help_text="What it is: shap report, shap rows, evidently page, evidently figures")
    sha256 = serializers.CharField(source="artefact.sha256", help_text="Digest of its bytes")
    size = serializers.IntegerField(source="artefact.size", help_text="Bytes")
    media_type = serializers.CharField(source="artefact.media_type")
    inputs = serializers.DictField(child=serializers.CharField(), help_text="What it was made from: name to sha256")
    code_version = serializers.CharField(help_text="Of the code that made it")
    how_to_repeat = serializers.CharField()
    filed_at = serializers.DateTimeField()
    download = serializers.SerializerMethodField(
        help_text="Address of its bytes; null where it holds rows of customers, which nobody is handed"
    )

    def get_download(self, file) -> str | None:
        return None if file.artefact.retention == Retention.SAMPLE else reverse("api-file", args=[file.pk])
