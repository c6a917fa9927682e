from __future__ import annotations

from django.db import models
from django.db.models import OuterRef, Subquery


class Mark(models.TextChoices):
    """How the words of a clause came to be known."""

    PRIMARY = "P", "Primary text read"
    QUOTED = "Q", "Primary text quoted in public sources"
    SECONDARY = "S", "Secondary article"
    BACKGROUND = "K", "Background knowledge, not checked"
    UNKNOWN = "?", "Unknown"


UNCHECKED = (Mark.SECONDARY, Mark.BACKGROUND, Mark.UNKNOWN)


class FrameworkQuerySet(models.QuerySet):
    def newest(self) -> FrameworkQuerySet:
        """The newest version of each framework."""
        versions = Framework.objects.filter(code=OuterRef("code")).order_by("-version")
        return self.filter(version=Subquery(versions.values("version")[:1]))

    def judged_by(self) -> FrameworkQuerySet:
        """Those by which models are judged today; a rescinded one is kept for older evidence alone."""
        return self.newest().exclude(force=Framework.Force.RESCINDED).exclude(force=Framework.Force.UNKNOWN)


class Framework(models.Model):
    """One version of what a regime asks for, as its file in inventory/frameworks says. It never changes."""

    class Force(models.TextChoices):
        IN_FORCE = "in_force", "In force"
        COMING = "coming", "Coming"
        PROPOSED = "proposed", "Proposed"
        VOLUNTARY = "voluntary", "Voluntary"
        RESCINDED = "rescinded", "Rescinded"
        UNKNOWN = "unknown", "No final text known"

    code = models.SlugField(max_length=40)
    version = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    short_name = models.CharField(max_length=40)
    authority = models.CharField(max_length=200)
    jurisdiction = models.CharField(max_length=100)
    force = models.CharField(max_length=20, choices=Force)
    effective_on = models.DateField(null=True)
    mark = models.CharField(max_length=1, choices=Mark)
    refs_are_ours = models.BooleanField(
        default=False, help_text="The regime numbers nothing: the refs are the portal's"
    )
    note = models.TextField(blank=True)
    scope_questions = models.JSONField(default=list, help_text="Asked before a verdict: [{key, text}]")
    asked_of_all = models.JSONField(default=list, help_text="Fields of the record that every model must have")
    asked_unless_negligible = models.JSONField(default=list, help_text="Fields that a negligible model may lack")
    sha256 = models.CharField(max_length=64, help_text="Digest of the file")
    published_at = models.DateTimeField(auto_now_add=True)

    objects = FrameworkQuerySet.as_manager()

    class Meta:
        ordering = ["jurisdiction", "short_name", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="framework_version_once")]

    def __str__(self) -> str:
        return self.short_name

    @property
    def is_unchecked(self) -> bool:
        return self.mark in UNCHECKED


class Clause(models.Model):
    """One line of a framework: what it says, and what the portal can hold as evidence of it."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="clauses")
    place = models.PositiveSmallIntegerField(help_text="Where it stands in the file")
    ref = models.CharField(max_length=60)
    section = models.CharField(max_length=200, blank=True)
    title = models.TextField(help_text="Title, or what it says in other words")
    evidence = models.TextField(blank=True)
    mark = models.CharField(max_length=1, choices=Mark)
    note = models.CharField(max_length=200, blank=True, help_text="Check against the source")
    maps_to = models.JSONField(default=list, help_text="Refs of the framework that came after it")

    class Meta:
        ordering = ["place"]
        constraints = [models.UniqueConstraint(fields=["framework", "ref"], name="clause_ref_once")]

    def __str__(self) -> str:
        return f"{self.framework_id} {self.ref}"
