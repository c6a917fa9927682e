from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate


class TierOverrideQuerySet(models.QuerySet):
    def in_force(self) -> TierOverrideQuerySet:
        """Not ended: one whose last day is over holds until the schedule, or a new rating, ends it."""
        return self.filter(ended_at=None)

    def overdue(self) -> TierOverrideQuerySet:
        """In force, with its last day over in the bank's zone, by the database's clock."""
        today = TruncDate(Now(), tzinfo=ZoneInfo(settings.BANK_TIME_ZONE))
        return self.in_force().filter(until__lt=today)


class TierOverride(models.Model):
    """Another tier than the computed one, asked for by one person and granted by a second, up to a last day."""

    class End(models.TextChoices):
        EXPIRED = "expired", "Expired"
        RATED_ANEW = "rated anew", "The computed tier moved"
        TAKEN_BACK = "taken back", "Taken back"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="overrides")
    assessment = models.ForeignKey("inventory.Assessment", models.PROTECT, related_name="overrides")
    proposal = models.OneToOneField("proposals.Proposal", models.PROTECT, related_name="+")
    computed_tier = models.PositiveSmallIntegerField(help_text="What it stands against")
    tier = models.PositiveSmallIntegerField()
    reason = models.TextField()
    until = models.DateField(help_text="Its last day")
    granted_at = models.DateTimeField(auto_now_add=True)
    granted_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    end = models.CharField(max_length=10, choices=End, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        "accounts.Person", models.PROTECT, null=True, blank=True, related_name="+", help_text="Nobody where it expired"
    )

    objects = TierOverrideQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model"], condition=Q(ended_at=None), name="override_in_force_once_a_model"
            ),
            models.CheckConstraint(
                condition=Q(tier__range=(1, 4)) & ~Q(tier=F("computed_tier")), name="override_is_another_tier"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None, end="")
                | Q(ended_at__isnull=False, ended_by=None, end="expired")
                | Q(ended_at__isnull=False, ended_by__isnull=False, end__in=["rated anew", "taken back"]),
                name="override_ended_at_has_ended_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: tier {self.tier} instead of {self.computed_tier}"
