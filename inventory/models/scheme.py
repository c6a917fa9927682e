from __future__ import annotations

from django.db import models
from django.db.models import Q


class TieringSchemeQuerySet(models.QuerySet):
    def in_force(self) -> TieringSchemeQuerySet:
        """The published one, if there is any."""
        return self.filter(state=TieringScheme.State.PUBLISHED)


class TieringScheme(models.Model):
    """One version of how the bank tiers its models. Triggers hold a published one, and that two persons did it."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "In force"
        SUPERSEDED = "superseded", "Superseded"
        DISCARDED = "discarded", "Discarded"

    number = models.PositiveIntegerField(unique=True, help_text="Its version, from 1")
    name = models.CharField(max_length=300)
    content = models.JSONField(help_text="Factors, axes, matrices and tiers: inventory.measures.scheme reads it")
    note = models.TextField(help_text="What differs from the one before, and why")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    drafted_at = models.DateTimeField(auto_now_add=True)
    drafted_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    objects = TieringSchemeQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="published"), name="scheme_in_force_once"),
            models.CheckConstraint(
                condition=Q(published_at=None, published_by=None)
                | Q(published_at__isnull=False, published_by__isnull=False),
                name="scheme_published_at_has_published_by",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["published", "superseded"]) | Q(published_at__isnull=False),
                name="scheme_in_force_was_published",
            ),
        ]

    def __str__(self) -> str:
        return f"Tiering scheme {self.number}"


# From each state, where a scheme may go; a trigger holds it in the database.
SCHEME_TRANSITIONS = {
    TieringScheme.State.DRAFT: {TieringScheme.State.PUBLISHED, TieringScheme.State.DISCARDED},
    # Only its successor takes a scheme out of force: a bank is never without one again.
    TieringScheme.State.PUBLISHED: {TieringScheme.State.SUPERSEDED},
    TieringScheme.State.SUPERSEDED: set(),
    TieringScheme.State.DISCARDED: set(),
}
