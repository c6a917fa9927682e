from __future__ import annotations

from django.db import models
from django.db.models import Q


class FieldQuerySet(models.QuerySet):
    def in_use(self) -> FieldQuerySet:
        return self.filter(retired_at=None)

    def asked_of(self, model) -> FieldQuerySet:
        """Those that the record of this model has: of its kind, or of every kind."""
        return self.in_use().filter(Q(kinds=[]) | Q(kinds__contains=[model.kind]))


class FieldDefinition(models.Model):
    """A field of the record beside those that the portal brings: the bank's own, or of a pack for one kind of model.

    Its key and its type never change, so that every value that was ever stored can be read.
    """

    class Type(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DAY = "day", "Date"
        YES_NO = "yes_no", "Yes or no"
        CHOICE = "choice", "One of a list"

    key = models.SlugField(max_length=40, unique=True, help_text="Its word in addresses and filters: residency_zone")
    label = models.CharField(max_length=100, help_text="What people read")
    help = models.CharField(max_length=300, blank=True, help_text="What is to be filled in")
    type = models.CharField(max_length=10, choices=Type)
    choices = models.JSONField(default=list, blank=True, help_text="The list that one is chosen of")
    kinds = models.JSONField(default=list, blank=True, help_text="Kinds of model that have it; empty: every kind")
    required_tiers = models.JSONField(default=list, blank=True, help_text="Tiers of which it is required")
    pack = models.CharField(max_length=40, blank=True, help_text="The pack that brought it; empty: the bank's own")
    place = models.PositiveSmallIntegerField(default=0)
    defined_at = models.DateTimeField(auto_now_add=True)
    defined_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    retiring_reason = models.TextField(blank=True)

    objects = FieldQuerySet.as_manager()

    class Meta:
        ordering = ["pack", "place", "label"]
        constraints = [
            models.CheckConstraint(
                condition=Q(retired_at=None, retired_by=None) | Q(retired_at__isnull=False, retired_by__isnull=False),
                name="field_retired_at_has_retired_by",
            ),
        ]

    def __str__(self) -> str:
        return self.label
