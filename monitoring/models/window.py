from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q


class WindowQuerySet(models.QuerySet):
    def newest_revisions(self) -> WindowQuerySet:
        return self.filter(is_newest=True)


class Window(models.Model):
    """A stretch of the bank's days, as measured up to one label cut-off. A restatement is a new revision.

    What was measured never changes, here and in its measurements: the database refuses it.
    """

    monitor = models.ForeignKey("monitoring.Monitor", models.PROTECT, related_name="windows")
    run = models.ForeignKey("monitoring.Run", models.PROTECT, related_name="windows")
    start_on = models.DateField()
    end_on = models.DateField(help_text="The last day in it")
    revision = models.PositiveIntegerField()
    is_newest = models.BooleanField(default=True)
    rows = models.PositiveBigIntegerField(help_text="0: nothing came, and nothing is measured of it")
    labelled = models.PositiveBigIntegerField()
    state_sha256 = models.CharField(max_length=64, help_text="Of the merged states that it was measured from")
    figures_sha256 = models.CharField(
        max_length=64,
        blank=True,
        help_text="Of everything measured, to its last bit (measures.digests); empty for windows older than it",
    )
    shares = models.JSONField(
        default=dict, help_text="Feature to labels, reference and current: rows in each PSI bin or level, for drawing"
    )

    versions = models.JSONField(
        default=dict, help_text="Version that scored, as the log says, to rows; empty where no column says it"
    )

    objects = WindowQuerySet.as_manager()

    class Meta:
        ordering = ["start_on", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["monitor", "start_on", "revision"], name="window_revision_once"),
            models.UniqueConstraint(
                fields=["monitor", "start_on"],
                condition=Q(is_newest=True),
                name="one_newest_revision_per_window",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Words for the stretch: a month, or its days."""
        if self.start_on.day == 1 and (self.end_on + timedelta(days=1)).day == 1:
            return f"{self.start_on:%b %Y}"
        if self.start_on == self.end_on:
            return f"{self.start_on:%-d %b %Y}"
        return f"{self.start_on:%-d %b} to {self.end_on:%-d %b %Y}"


class Measurement(models.Model):
    """One figure of one window, or why there is none. Rows are added and never changed or deleted."""

    window = models.ForeignKey(Window, models.PROTECT, related_name="measurements")
    metric = models.CharField(max_length=40)
    column = models.CharField(max_length=120, blank=True, help_text="The feature; empty for score and outcome")
    segment = models.CharField(max_length=120, blank=True, help_text="Empty for all rows")
    value = models.FloatField(null=True)
    n = models.PositiveBigIntegerField()
    bound = models.FloatField(null=True, help_text="Certified largest error, where the value is not exact")
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why there is no value")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["window", "metric", "column", "segment"], name="measurement_once_per_window"
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=False) | ~Q(reason=""), name="measurement_has_value_or_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.column} {self.segment}".strip()
