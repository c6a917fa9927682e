from __future__ import annotations

from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, When

from accounts.models import Account
from inventory.models import Model
from monitoring.models.explanation import Explanation
from monitoring.models.window import Measurement


class BreachQuerySet(models.QuerySet):
    def visible_to(self, account: Account) -> BreachQuerySet:
        return self.filter(model__in=Model.objects.visible_to(account))

    def open(self) -> BreachQuerySet:
        """Not ended: of each window's newest revision, as the thresholds in force judge it."""
        return self.filter(ended_at=None)

    def with_place(self) -> BreachQuerySet:
        """Each with whether it stands."""
        return self.annotate(stands=Case(When(_standing(), then=True), default=False))

    def standing(self) -> BreachQuerySet:
        """What the model has to answer for today: open, and no later window says otherwise of it.

        Labels come late, so the newest AUC may be some windows back; and a model that did not give its logged
        scores is at fault until it is re-scored and gives them, whatever was measured since.
        """
        return self.filter(_standing())


def _standing() -> Q:
    is_unanswered = Q(threshold__isnull=False) & ~Exists(_measured_later())
    return Q(ended_at=None) & (is_unanswered | Q(threshold=None) & ~Exists(_rescored_later()))


def _measured_later() -> models.QuerySet:
    """The same figure, with a value, of a later window."""
    return Measurement.objects.filter(
        window__monitor=OuterRef("window__monitor"),
        window__is_newest=True,
        window__start_on__gt=OuterRef("window__start_on"),
        metric=OuterRef("metric"),
        column=OuterRef("column"),
        segment=OuterRef("segment"),
        value__isnull=False,
    )


def _rescored_later() -> models.QuerySet:
    """Logged scores compared again, in a later window or a later revision of the same one."""
    start, revision = OuterRef("window__start_on"), OuterRef("window__revision")
    later = Q(window__start_on__gt=start) | Q(window__start_on=start, window__revision__gt=revision)
    return Explanation.objects.filter(later, window__monitor=OuterRef("window__monitor"), rescored_rows__gt=0)


class Breach(models.Model):
    """The judgement that one figure of one window is beyond the threshold that governs it.

    There is one at a time for a figure of a window: a restatement that is still beyond moves it to its revision, and
    one that is not ends it. A figure that a threshold in force governs and that has no open breach is good.
    """

    class Level(models.TextChoices):
        WATCH = "watch", "Watch"
        BREACH = "breach", "Breach"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="breaches")
    window = models.ForeignKey(
        "monitoring.Window",
        models.PROTECT,
        related_name="breaches",
        help_text="The newest revision that is beyond",
    )
    threshold = models.ForeignKey(
        "monitoring.Threshold",
        models.PROTECT,
        null=True,
        related_name="breaches",
        help_text="Empty for what is a breach by itself: a model that does not give its logged scores",
    )
    metric = models.CharField(max_length=40)
    column = models.CharField(max_length=120, blank=True)
    segment = models.CharField(max_length=120, blank=True)
    value = models.FloatField()
    level = models.CharField(max_length=10, choices=Level)
    opened_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=300, blank=True)

    objects = BreachQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["window", "metric", "column", "segment"],
                condition=Q(ended_at=None),
                name="breach_stands_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                name="breach_ended_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.column}".strip()
