from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account


class ChangeSetQuerySet(models.QuerySet):
    def of(self, account: Account) -> ChangeSetQuerySet:
        return self.filter(asked_by=account)


class ChangeSet(models.Model):
    """Changes of many models, shown row by row before they are made, and made together or not at all.

    Not governed: it is what somebody looked at. What it changes is governed, and announced model by model.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", "Import"
        BULK = "bulk", "Bulk change"
        CALL = "call", "Call of the API"

    asked_by = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    reason = models.CharField(max_length=1_000, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file, as it came")
    notes = models.JSONField(default=list, help_text="What is to be known of all of it, in sentences")
    counts = models.JSONField(default=dict, help_text="Rows by what they do")
    job = models.ForeignKey("jobs.Job", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True)
    discarded_at = models.DateTimeField(null=True)

    objects = ChangeSetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(applied_at=None) | Q(discarded_at=None), name="change_set_ends_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_open(self) -> bool:
        return not (self.applied_at or self.discarded_at)

    @property
    def to_do(self) -> int:
        """Rows that would change something."""
        return self.counts.get("create", 0) + self.counts.get("change", 0)


class ChangeRow(models.Model):
    """One row of a change set: which model, what of it, and the digest of the record that it was compared with."""

    class Verb(models.TextChoices):
        CREATE = "create", "New"
        CHANGE = "change", "Changed"
        SAME = "same", "As it is"
        ERROR = "error", "Error"

    change_set = models.ForeignKey(ChangeSet, models.PROTECT, related_name="rows")
    line = models.PositiveIntegerField(help_text="Its number in the file")
    verb = models.CharField(max_length=10, choices=Verb)
    model = models.ForeignKey("inventory.Model", models.PROTECT, null=True, related_name="+")
    external_id = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="Of the record that is to change")
    values = models.JSONField(default=dict, help_text="Field to value: units and people by their codes")
    differences = models.JSONField(default=list, help_text="[field, before, after] in words")
    problems = models.JSONField(default=dict, help_text="Column to sentence")

    class Meta:
        ordering = ["change_set", "line"]
        indexes = [models.Index(name="change_row_verb", fields=["change_set", "verb", "line"])]

    def __str__(self) -> str:
        return f"row {self.line}"
