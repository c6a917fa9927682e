from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from inventory.models import Model


class MonitorQuerySet(models.QuerySet):
    def visible_to(self, account: Account) -> MonitorQuerySet:
        return self.filter(model__in=Model.objects.visible_to(account))


class Monitor(models.Model):
    """What is watched: where the log is, what its columns mean, against which reference, how often."""

    class Format(models.TextChoices):
        PARQUET = "parquet", "Parquet"
        CSV = "csv", "CSV"

    class Span(models.TextChoices):
        DAY = "day", "Day"
        WEEK = "week", "Week"
        MONTH = "month", "Month"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="monitors")
    version = models.ForeignKey("inventory.ModelVersion", models.PROTECT, related_name="monitors")
    name = models.CharField(max_length=120)
    location = models.CharField(max_length=500, help_text="A file, a pattern or a partitioned folder")
    format = models.CharField(max_length=10, choices=Format, default=Format.PARQUET)
    columns = models.JSONField(help_text="What the log's columns mean, as engines.log.LogSpec writes it")
    reference_location = models.CharField(max_length=500, help_text="The log of the reference window")
    reference_since = models.DateField(null=True, blank=True)
    reference_until = models.DateField(null=True, blank=True)
    span = models.CharField(max_length=5, choices=Span, default=Span.MONTH, help_text="What one window covers")
    minimum_rows = models.PositiveIntegerField(default=300, help_text="A window with fewer rows has no metrics")
    seed = models.PositiveBigIntegerField(
        help_text="Key of every sample that its runs draw: drawn at random, told to nobody, never changed"
    )
    explained = models.JSONField(
        null=True, blank=True, help_text="What SHAP explains: method, output and link; empty: nothing"
    )
    announced_shifts = models.JSONField(
        default=list, blank=True, help_text="Shifts put into the log on purpose, named on the page"
    )
    schedule = models.OneToOneField("jobs.Schedule", models.PROTECT, null=True, related_name="monitor")
    defined_at = models.DateTimeField(auto_now_add=True)
    defined_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")

    objects = MonitorQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["model", "name"], name="monitor_name_once_per_model"),
            models.CheckConstraint(
                condition=Q(reference_since=None)
                | Q(reference_until=None)
                | Q(reference_until__gte=F("reference_since")),
                name="reference_window_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Reference(models.Model):
    """A reference profile that was fitted once: edges, levels and counts that every window is held against."""

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="+")
    monitor = models.ForeignKey(Monitor, models.PROTECT, related_name="references")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the stored profile")
    sample_sha256 = models.CharField(max_length=64, help_text="Of the stored sample of its rows")
    rows = models.PositiveBigIntegerField()
    inputs = models.JSONField(help_text="Partition key to sha256")
    fitted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["monitor", "number"], name="reference_number_once")]

    def __str__(self) -> str:
        return f"reference {self.number}"


class ThresholdQuerySet(models.QuerySet):
    def in_force(self) -> ThresholdQuerySet:
        return self.filter(ended_at=None)


class Threshold(models.Model):
    """When a metric is on watch and when it is a breach. A record: a change ends it and is a new one.

    Of the thresholds in force, the one of a figure's own column governs it before the one of every column.
    """

    class Side(models.TextChoices):
        ABOVE = "above", "above"
        BELOW = "below", "below"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="+")
    monitor = models.ForeignKey(Monitor, models.PROTECT, related_name="thresholds")
    metric = models.CharField(max_length=40)
    column = models.CharField(max_length=120, blank=True, help_text="The feature; empty: every one, or the score")
    segment = models.CharField(max_length=120, blank=True, help_text="As column=value; empty: the whole window")
    side = models.CharField(max_length=5, choices=Side)
    watch = models.FloatField()
    breach = models.FloatField()
    rationale = models.TextField()
    set_at = models.DateTimeField(auto_now_add=True)
    set_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")

    objects = ThresholdQuerySet.as_manager()

    class Meta:
        ordering = ["metric", "column", "segment", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["monitor", "metric", "column", "segment"],
                condition=Q(ended_at=None),
                name="threshold_in_force_once",
            ),
            models.CheckConstraint(
                condition=Q(side="above", breach__gte=F("watch")) | Q(side="below", breach__lte=F("watch")),
                name="threshold_breach_beyond_watch",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="threshold_ended_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.side} {self.watch} / {self.breach}"

    @property
    def place(self) -> str:
        """What it governs, in a word: psi of income in region=north."""
        return f"{self.metric}{f' of {self.column}' * bool(self.column)}{f' in {self.segment}' * bool(self.segment)}"

    def level_of(self, value: float) -> str:
        """'breach', 'watch' or 'good'. A value on the threshold has crossed it."""
        crossed = (lambda limit: value >= limit) if self.side == self.Side.ABOVE else (lambda limit: value <= limit)
        if crossed(self.breach):
            return "breach"
        return "watch" if crossed(self.watch) else "good"
