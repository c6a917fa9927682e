"""Runs and windows over REST: input and output apart, fields listed."""

from rest_framework import serializers

from monitoring.models import Measurement, Run, Window
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
            "inputs", "input_digest", "result_digest", "same_bits", "code_version", "rows_read", "rows_refused",
            "partitions_read", "partitions_reused", "asked_at", "finished_at",
        ]  # fmt: skip


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
            "start_on", "end_on", "revision", "is_newest", "rows", "labelled", "state_sha256", "figures_sha256",
            "figures",
        ]  # fmt: skip
