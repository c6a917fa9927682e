"""Monitors and runs over REST: input and output apart, fields listed."""

from rest_framework import serializers

from jobs.models import Schedule
from monitoring.models import Measurement, Monitor, Run, Threshold, Window
from web.serializers import StrictSerializer


class LimitInput(StrictSerializer):
    metric = serializers.CharField(max_length=40)
    side = serializers.ChoiceField(Threshold.Side.choices)
    watch = serializers.FloatField()
    breach = serializers.FloatField()
    rationale = serializers.CharField(max_length=1000)


class MonitorInput(StrictSerializer):
    name = serializers.CharField(max_length=120)
    version = serializers.CharField(max_length=60, help_text="Label of the version that writes the log")
    location = serializers.CharField(max_length=500, help_text="A file, a pattern or a partitioned folder")
    format = serializers.ChoiceField(Monitor.Format.choices, default=Monitor.Format.PARQUET)
    columns = serializers.DictField(help_text="What the log's columns mean: row_id, time, features, score, label …")
    reference_location = serializers.CharField(max_length=500)
    reference_since = serializers.DateField(required=False, allow_null=True, default=None)
    reference_until = serializers.DateField(required=False, allow_null=True, default=None)
    span = serializers.ChoiceField(Monitor.Span.choices, default=Monitor.Span.MONTH)
    minimum_rows = serializers.IntegerField(min_value=1, default=300)
    cadence = serializers.ChoiceField(Schedule.Cadence.choices, required=False, allow_null=True, default=None)
    limits = LimitInput(many=True, required=False, help_text="Thresholds; without it, the usual ones")
    explained = serializers.DictField(
        required=False, allow_null=True, default=None, help_text="What SHAP explains: flavour, method, output, link"
    )


class MonitorOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref")
    version = serializers.CharField(source="version.label")

    class Meta:
        model = Monitor
        fields = [
            "id", "model", "version", "name", "location", "format", "columns", "reference_location",
            "reference_since", "reference_until", "span", "minimum_rows", "seed", "explained", "defined_at",
        ]  # fmt: skip


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
