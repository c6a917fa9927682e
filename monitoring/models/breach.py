from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from accounts.models import Account
from inventory.models import Model
from monitoring.models.explanation import Explanation
from monitoring.models.monitor import Threshold
from monitoring.models.window import Measurement, Window


class BreachQuerySet(models.QuerySet):
    def visible_to(self, account: Account) -> BreachQuerySet:
        return self.filter(model__in=Model.objects.visible_to(account))

    def in_force(self) -> BreachQuerySet:
        """Whose threshold governs its figure still, or that are breaches by themselves."""
        return self.filter(Q(threshold=None) | _governed())

    def open(self) -> BreachQuerySet:
        """In force, of the newest revision of each window."""
        return self.in_force().filter(window__is_newest=True)

    def with_place(self) -> BreachQuerySet:
        """Each with when it was first opened, in any revision of its window, and whether its window is the newest."""
        same = Breach.objects.filter(
            window__monitor=OuterRef("window__monitor"),
            window__start_on=OuterRef("window__start_on"),
            metric=OuterRef("metric"),
            column=OuterRef("column"),
            segment=OuterRef("segment"),
            level=OuterRef("level"),
        )
        newer = Window.objects.newest_revisions().filter(
            monitor=OuterRef("window__monitor"), start_on__gt=OuterRef("window__start_on")
        )
        return self.annotate(
            first_opened_at=Subquery(same.order_by("opened_at").values("opened_at")[:1]), stands=~Exists(newer)
        )

    def unanswered(self) -> BreachQuerySet:
        """Those that no later window says otherwise of: what the model has to answer for today.

        Labels come late, so the newest AUC may be some windows back; and a model that did not give its logged
        scores is at fault until it is re-scored and gives them, whatever was measured since.
        """
        beyond = Q(window__is_newest=True) & _governed() & ~Exists(_measured_later())
        return self.filter(beyond | Q(threshold=None) & ~Exists(_rescored_later()))


def _governed() -> Q:
    """The threshold was not ended, and none of the figure's own column was set beside it."""
    narrower = Threshold.objects.in_force().filter(
        monitor=OuterRef("window__monitor"),
        metric=OuterRef("metric"),
        column=OuterRef("column"),
        segment=OuterRef("segment"),
    )
    is_overtaken = Q(threshold__column="") & ~Q(column="") & Exists(narrower)
    return Q(threshold__isnull=False, threshold__ended_at=None) & ~is_overtaken


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
    """The judgement that one figure of one window, in one revision, is beyond a threshold.

    A figure that a threshold in force governs and that has no breach is good.
    """

    class Level(models.TextChoices):
        WATCH = "watch", "Watch"
        BREACH = "breach", "Breach"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="breaches")
    window = models.ForeignKey("monitoring.Window", models.PROTECT, related_name="breaches")
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

    objects = BreachQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["window", "threshold", "metric", "column", "segment"],
                name="breach_once_per_threshold",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.column}".strip()
