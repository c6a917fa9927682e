"""The trail as Django reads it (its tables belong to audit_owner), and the artefacts that hang on it."""

from __future__ import annotations

import json
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models


def subject_name(instance: models.Model) -> str:
    """How the trail names a record: `inventory.model:42`."""
    return f"{instance._meta.label_lower}:{instance.pk}"


def key_of(name: str) -> int:
    """The primary key in a record's name on the trail: 42 of `inventory.model:42`."""
    return int(name.rpartition(":")[2])


class EntryQuerySet(models.QuerySet):
    def on_trail(self, subject: str) -> EntryQuerySet:
        """Entries about `subject` or hung on its trail."""
        return self.filter(models.Q(trails__contains=[subject]) | models.Q(subject=subject))

    def newest_first(self) -> EntryQuerySet:
        return self.order_by("-id")


class Entry(models.Model):
    """One business event, as announced by a service."""

    txid = models.BigIntegerField()
    event = models.TextField()
    subject = models.TextField()
    trails = ArrayField(models.TextField())
    actor = models.TextField()
    account = models.TextField()
    through = models.TextField()
    request = models.TextField()
    body = models.BinaryField()
    digest = models.BinaryField()
    sealed_in = models.ForeignKey(
        "SealedRecord", models.DO_NOTHING, null=True, db_column="sealed_in", related_name="entries"
    )

    objects = EntryQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = '"audit"."entry"'

    @property
    def data(self) -> dict:
        return json.loads(bytes(self.body))


class RowHistoryQuerySet(models.QuerySet):
    def of_row(self, table: str, pk: object) -> RowHistoryQuerySet:
        return self.filter(table_name=table, pk_text=str(pk)).order_by("id")

    def as_at(self, position: int) -> RowHistoryQuerySet:
        """Changes sealed in records up to and including `position`."""
        return self.filter(sealed_in_id__lte=position)


class RowHistory(models.Model):
    """One change of one governed row: its bytes from then on."""

    txid = models.BigIntegerField()
    table_name = models.TextField()
    pk_text = models.TextField(db_column="pk")
    op = models.TextField()
    subject = models.TextField()
    trail = models.TextField()
    body = models.BinaryField()
    body_sha256 = models.BinaryField()
    digest = models.BinaryField()
    db_user = models.TextField()
    sealed_in = models.ForeignKey(
        "SealedRecord", models.DO_NOTHING, null=True, db_column="sealed_in", related_name="rows"
    )

    objects = RowHistoryQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = '"audit"."row_history"'

    @property
    def row(self) -> dict:
        return json.loads(bytes(self.body))


class SealedRecordQuerySet(models.QuerySet):
    def last_before(self, moment: datetime) -> SealedRecord | None:
        """The last record sealed before `moment`; by its time, which has an index and never goes back."""
        return self.filter(sealed_at__lt=moment).order_by("-sealed_at", "-position").first()


class SealedRecord(models.Model):
    """One transaction of the portal: one Merkle leaf."""

    position = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    txid = models.BigIntegerField()
    db_user = models.TextField()
    body = models.BinaryField()
    leaf_hash = models.BinaryField()

    objects = SealedRecordQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = '"audit"."sealed_record"'


class Checkpoint(models.Model):
    """A signed tree head."""

    size = models.BigIntegerField()
    root = models.BinaryField()
    triggers = models.BinaryField()
    signed_at = models.DateTimeField()
    note = models.TextField()

    class Meta:
        managed = False
        db_table = '"audit"."checkpoint"'

    @property
    def full_note(self) -> str:
        """The note with the cosignatures that have come in."""
        return self.note + "".join(c.line for c in self.cosignatures.order_by("id"))


class Cosignature(models.Model):
    checkpoint = models.ForeignKey(Checkpoint, models.DO_NOTHING, related_name="cosignatures")
    witness = models.TextField()
    line = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"audit"."cosignature"'


class Epoch(models.Model):
    """The beginning of an epoch of the log, by another key than the one before; the first has no row."""

    number = models.BigIntegerField(primary_key=True)
    reason = models.TextField()
    key = models.TextField()
    old_key = models.TextField()
    old_size = models.BigIntegerField()
    old_root = models.BinaryField()
    kept_size = models.BigIntegerField()
    kept_root = models.BinaryField()
    asked_by = models.TextField()
    accepted_by = models.TextField()
    after_checkpoint = models.BigIntegerField()
    begun_at = models.DateTimeField()
    note = models.TextField()

    class Meta:
        managed = False
        db_table = '"audit"."epoch"'
        ordering = ["number"]


class SubjectHead(models.Model):
    """Digest of a governed row as it stands now."""

    subject = models.TextField(primary_key=True)
    digest = models.BinaryField()
    moved_by = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = '"audit"."subject_head"'


class Artefact(models.Model):
    """A file kept by its SHA-256. Never altered; what it is for stands in its attachments.

    One that was erased is a tombstone: its file is gone, its digest stays, with who erased it, when and why.
    """

    class Retention(models.TextChoices):
        RECORD = "record", "As long as the model's record"
        SAMPLE = "sample", "Rows of customers: erased after the retention period"

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField(help_text="bytes")
    media_type = models.CharField(max_length=120)
    retention = models.CharField(max_length=20, choices=Retention)
    trail = models.CharField(max_length=120, help_text="The trail on which it was filed first")
    filed_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    erased_by = models.CharField(max_length=120, blank=True, default="", help_text="The person, as on the trail")
    erasure_reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(erased_at=None, erased_by="", erasure_reason="")
                | (models.Q(erased_at__isnull=False) & ~models.Q(erased_by="") & ~models.Q(erasure_reason="")),
                name="artefact_erased_at_has_who_and_why",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at=None) | models.Q(retention="sample"),
                name="artefact_erased_where_its_class_allows",
            ),
            models.CheckConstraint(condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="artefact_sha256_is_hex"),
            models.CheckConstraint(condition=models.Q(size__gte=0), name="artefact_size_not_negative"),
        ]

    def __str__(self) -> str:
        return self.sha256


class AttachmentQuerySet(models.QuerySet):
    def of(self, subject: models.Model) -> AttachmentQuerySet:
        return self.filter(subject=subject_name(subject))

    def on_trail(self, trail: models.Model) -> AttachmentQuerySet:
        return self.filter(trail=subject_name(trail))


class Attachment(models.Model):
    """An artefact in its role on a record: what it is, what it was made from, how to make it again."""

    artefact = models.ForeignKey(Artefact, models.PROTECT, related_name="attachments")
    subject = models.CharField(max_length=120, db_index=True)
    trail = models.CharField(max_length=120, db_index=True)
    role = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    inputs = models.JSONField(default=dict, help_text="What it was made from: name to sha256")
    code_version = models.CharField(max_length=80)
    how_to_repeat = models.TextField(blank=True)
    filed_at = models.DateTimeField(auto_now_add=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "role", "artefact"], name="attachment_once_per_role"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"
