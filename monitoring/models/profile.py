from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q


class StoredProfileQuerySet(models.QuerySet):
    def holding_at(self, labels_as_of: datetime) -> StoredProfileQuerySet:
        """Those whose counts are the ones of this label cut-off."""
        return self.filter(
            Q(labels_change_at=None) | Q(labels_change_at__gt=labels_as_of), labels_as_of__lte=labels_as_of
        )


class StoredProfile(models.Model):
    """Where what one reading of one partition left lies, and for which label cut-offs it holds.

    It holds from the cut-off that it was read for until the first later moment at which a label of it changes; then
    its labels are read again, and only then. What a run used is in the manifest that hangs on it.
    """

    monitor = models.ForeignKey("monitoring.Monitor", models.PROTECT, related_name="profiles")
    reference = models.ForeignKey("monitoring.Reference", models.PROTECT, related_name="+")
    key = models.CharField(max_length=300)
    file_sha256 = models.CharField(max_length=64)
    engine = models.CharField(
        max_length=64,
        help_text="Digest of what read it (measures.digests); another engine reads again. Empty: nobody noted",
    )
    labels_as_of = models.DateTimeField(help_text="The label cut-off that it was read for")
    labels_change_at = models.DateTimeField(
        null=True, help_text="The first moment after it at which another label counts; empty: never again"
    )
    sha256 = models.CharField(max_length=64, help_text="Of the stored states")
    first_day = models.DateField(null=True, help_text="First day with a row in it; empty without rows")
    last_day = models.DateField(null=True)
    rows_read = models.PositiveBigIntegerField()
    rows_refused = models.PositiveBigIntegerField()
    reasons = models.JSONField(default=list)
    read_at = models.DateTimeField(auto_now_add=True)

    objects = StoredProfileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "key", "file_sha256", "engine", "labels_as_of", "sha256"],
                name="partition_read_once_per_cut_off",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.file_sha256[:8]}"

    def holds_at(self, labels_as_of: datetime) -> bool:
        return self.labels_change_at is None or labels_as_of < self.labels_change_at
