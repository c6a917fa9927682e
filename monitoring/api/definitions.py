"""What a monitor's definition is made of: what its log's columns mean, what is explained, when a figure is too far."""

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from engines.log import APPROVED_VALUES, DECLINED_VALUES, KINDS, MOST_DAYS
from jobs.models import Schedule
from monitoring.models import Monitor, Threshold
from sandbox.explanation import FLAVOURS, LINKS, METHODS
from stats.catalogue import METRICS
from web.serializers import StrictSerializer

LONGEST_COLUMN = 120
BY_ITSELF = [m.name for m in METRICS.values() if not m.at_cut_off and m.of != "sample"]
OF_CUT_OFFS = [m.name for m in METRICS.values() if m.at_cut_off]


class ColumnName(serializers.CharField):
    """The name of a column, to the letter."""

    def __init__(self, **options):
        super().__init__(max_length=LONGEST_COLUMN, trim_whitespace=False, **options)


def optional_column(help_text: str) -> ColumnName:
    return ColumnName(required=False, allow_null=True, help_text=help_text)


class Feature(StrictSerializer):
    name = ColumnName(help_text="Name of the column")
    kind = serializers.ChoiceField(
        [(kind, kind) for kind in KINDS],
        help_text="number: binned by its quantiles in the reference; category: each text counted. A code made of"
        " digits, such as a region's, is a category",
    )
    meaning = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="What it is, in words, for people who read figures"
    )
    unit = serializers.CharField(
        required=False, allow_blank=True, max_length=40, help_text="Of a number: EUR, months, %; for people"
    )


class Columns(StrictSerializer):
    """What the log's columns mean. A column that is named nowhere here is not read."""

    row_id = ColumnName(help_text="Column that identifies a row; unique within a file")
    time = ColumnName(
        help_text="Column of the moment at which the model was asked: a timestamp, or text such as"
        " 2026-01-31T09:30:00. Without a zone it is the bank's own wall clock"
    )
    features = Feature(many=True, help_text="The model's inputs, at least one")
    score = ColumnName(help_text="Column of the model's answer: the probability of the bad outcome, 0 to 1")
    label = optional_column("Column of the outcome: 1 bad, 0 good, empty while unknown. Without it, no performance")
    label_known_at = optional_column("Column of the moment at which the outcome became known; needs label")
    label_maturity_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_DAYS,
        help_text="An outcome counts once that many days have passed since time. Without either, it counts at once",
    )
    decision = optional_column("Column that says what was decided: approved or not")
    approved_values = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_COLUMN),
        required=False,
        help_text="Texts of decision that count as approved, in any case of letters;"
        f" without it, {', '.join(APPROVED_VALUES)}",
    )
    declined_values = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_COLUMN),
        required=False,
        help_text="Texts of decision that are known to mean declined; any other that is not approved counts as declined"
        f" too and is remarked on; without it, {', '.join(DECLINED_VALUES)}",
    )
    segments = serializers.ListField(
        child=ColumnName(),
        required=False,
        help_text="Columns by whose values each window is cut as well, each on its own; one may be a feature too",
    )
    model_version = optional_column(
        "Column with the label of the version that gave the answer: rows of each are counted, those of one that is"
        " not registered are reported; named among segments too, figures are cut by it"
    )
    cut_offs = serializers.ListField(
        child=serializers.FloatField(),
        required=False,
        help_text="Scores from which on the call is positive, between 0 and 1; without it, 0.5",
    )
    time_zone = serializers.CharField(
        required=False,
        max_length=60,
        help_text=f"Zone whose midnight cuts the days, by its IANA name; without it, {settings.BANK_TIME_ZONE}",
    )


class Explained(StrictSerializer):
    """Which answer of the model SHAP values are computed for."""

    flavour = serializers.ChoiceField(
        [(flavour, flavour) for flavour in FLAVOURS],
        help_text="MLflow flavour by which the artefact is loaded; pyfunc for any other library",
    )
    method = serializers.ChoiceField(
        [(method, method) for method in METHODS],
        help_text="Method of the loaded model that gives the logged score; boosters and pyfunc models have predict",
    )
    output = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        help_text="Column of the answer, from 0: 1 is the second class of predict_proba; without it, the answer is one"
        " number a row",
    )
    link = serializers.ChoiceField(
        [(link, link) for link in LINKS],
        required=False,
        help_text="Scale on which contributions add up. logit: log-odds of the score, for logistic regressions and"
        " boosted classifiers; identity: the score itself, for forests and regressions; without it, identity",
    )


class Limit(StrictSerializer):
    """When a figure is watched, and when it is a breach."""

    metric = serializers.CharField(
        max_length=40,
        help_text=f"Name of a figure: {', '.join(BY_ITSELF)}; of the calls at a cut-off {', '.join(OF_CUT_OFFS)},"
        " with the cut-off behind it: precision@0.5",
    )
    side = serializers.ChoiceField(Threshold.Side.choices, help_text="On which side of the levels it is bad")
    watch = serializers.FloatField(
        help_text="Level from which on it is watched, in the figure's own unit; rates are 0 to 1"
    )
    breach = serializers.FloatField(help_text="Level from which on it is a breach; beyond watch, or the same")
    rationale = serializers.CharField(max_length=1000, help_text="Why these levels: it stands on the record")
    column = serializers.CharField(
        max_length=120, required=False, allow_blank=True, default="", help_text="Feature that it is for; empty: each"
    )
    segment = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        default="",
        help_text="As column=value; empty: the whole window",
    )


class MonitorInput(StrictSerializer):
    name = serializers.CharField(max_length=120, help_text="What it watches, such as Production log; once a model")
    version = serializers.CharField(max_length=60, help_text="Label of the version that writes the log")
    location = serializers.CharField(
        max_length=500,
        help_text="Absolute path, on the portal's side, of a file, a pattern (/logs/cards/*.parquet) or a folder with"
        " one file a partition (month=2026-01/part.parquet); in a folder that is open to the model's unit",
    )
    format = serializers.ChoiceField(
        Monitor.Format.choices, default=Monitor.Format.PARQUET, help_text="Of the files; without it, parquet"
    )
    columns = Columns(help_text="What the log's columns mean")
    reference_location = serializers.CharField(
        max_length=500, help_text="Path of the log that windows are held against; the same columns and format"
    )
    reference_since = serializers.DateField(
        required=False,
        allow_null=True,
        default=None,
        help_text="First day of the reference; without it, its log's",
    )
    reference_until = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="Last day of the reference"
    )
    span = serializers.ChoiceField(
        Monitor.Span.choices, default=Monitor.Span.MONTH, help_text="What one window covers; without it, a month"
    )
    minimum_rows = serializers.IntegerField(
        min_value=1,
        max_value=1_000_000_000,
        default=300,
        help_text="A window with fewer rows has reasons instead of figures; without it, 300",
    )
    cadence = serializers.ChoiceField(
        Schedule.Cadence.choices,
        required=False,
        allow_null=True,
        default=None,
        help_text="How often it runs by itself; without it, when somebody asks",
    )
    limits = Limit(
        many=True,
        required=False,
        help_text="When figures are watched or a breach; without it, the usual ones, empty for none",
    )
    explained = Explained(
        required=False, allow_null=True, default=None, help_text="What SHAP explains; without it, nothing"
    )


class ThresholdOutput(serializers.ModelSerializer):
    class Meta:
        model = Threshold
        fields = ["metric", "column", "segment", "side", "watch", "breach", "rationale", "set_at"]


class MonitorOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref", help_text="Ref of the model")
    version = serializers.CharField(source="version.label", help_text="Label of the version that writes the log")
    columns = Columns()
    explained = Explained(allow_null=True)
    thresholds = serializers.SerializerMethodField(help_text="Those in force")

    @extend_schema_field(ThresholdOutput(many=True))
    def get_thresholds(self, monitor: Monitor) -> list:
        in_force = [threshold for threshold in monitor.thresholds.all() if threshold.ended_at is None]
        return ThresholdOutput(in_force, many=True).data

    class Meta:
        model = Monitor
        fields = [
            "id", "model", "version", "name", "location", "format", "columns", "reference_location",
            "reference_since", "reference_until", "span", "minimum_rows", "explained", "defined_at",
            "thresholds",
        ]  # fmt: skip
