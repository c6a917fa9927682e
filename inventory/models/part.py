from __future__ import annotations

from django.db import models
from django.db.models import Q


class PartQuerySet(models.QuerySet):
    def open(self) -> PartQuerySet:
        return self.filter(closed_at=None)

    def with_people(self) -> PartQuerySet:
        return self.select_related("added_by__details", "closed_by__details")


class Part(models.Model):
    """A record of its own below a model's: numbered within the model, closed with a reason and never deleted."""

    number = models.PositiveSmallIntegerField()
    added_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    closing_reason = models.TextField(blank=True)

    LETTER = ""

    objects = PartQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="%(class)s_number_once_per_model"),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by=None) | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="%(class)s_closed_at_has_closed_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.words}"

    @property
    def ref(self) -> str:
        """U-1: what people call it beside the model's own ref."""
        return f"{self.LETTER}-{self.number}"

    @property
    def words(self) -> str:
        """What it is, in one line."""
        raise NotImplementedError

    @property
    def words_on_trail(self) -> str:
        """The same without anybody's name: names can be erased, the trail cannot."""
        return self.words


class ApprovedPart(Part):
    """A part that takes a second person's approval, bound to what it said then."""

    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta(Part.Meta):
        abstract = True
        constraints = [
            *Part.Meta.constraints,
            models.CheckConstraint(
                condition=Q(approved_at=None, approved_by=None)
                | Q(approved_at__isnull=False, approved_by__isnull=False),
                name="%(class)s_approved_at_has_approved_by",
            ),
        ]
