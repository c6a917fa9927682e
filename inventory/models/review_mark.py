from __future__ import annotations

from django.db import models
from django.db.models import Q

from inventory.models.dependency import words_of


class ReviewMarkQuerySet(models.QuerySet):
    def open(self) -> ReviewMarkQuerySet:
        return self.filter(settled_at=None)


class ReviewMark(models.Model):
    """Something upstream changed, or went red, so that a model is to be looked at sooner than its tier asks.

    It stands on the owner's list of things to do until somebody says what was found.
    """

    class Cause(models.TextChoices):
        MATERIAL_CHANGE = "material_change", "Material change upstream"
        RED_MONITOR = "red_monitor", "Red monitor upstream"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="review_marks")
    cause = models.CharField(max_length=16, choices=Cause)
    upstream_model = models.ForeignKey("inventory.Model", models.PROTECT, null=True, blank=True, related_name="+")
    upstream_asset = models.ForeignKey("inventory.Asset", models.PROTECT, null=True, blank=True, related_name="+")
    what = models.CharField(max_length=1_000, help_text="What happened upstream")
    due_on = models.DateField(help_text="By when the model is to be looked at")
    marked_at = models.DateTimeField(auto_now_add=True, help_text="A person or the portal; the entry says which")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.TextField(blank=True, help_text="What was found")

    objects = ReviewMarkQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "cause", "upstream_model", "upstream_asset"],
                condition=Q(settled_at=None),
                nulls_distinct=False,
                name="review_mark_open_once",
            ),
            models.CheckConstraint(
                condition=Q(upstream_model=None) ^ Q(upstream_asset=None), name="review_mark_has_a_cause"
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_by=None, outcome="")
                | (Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(outcome="")),
                name="review_mark_settled_at_has_settled_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.get_cause_display()}"

    @property
    def upstream(self) -> str:
        """In words: whoever sees this model may not see that one, which goes by its id alone."""
        return words_of(self.upstream_model or self.upstream_asset)
