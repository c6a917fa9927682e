"""The trail for those who read it: pages, the API, the layers above. Nothing here writes.

What an account may see is the caller's to decide first: a trail is as visible as the record it belongs to.
"""

from django.db import models

from audit.models import (
    Attachment,
    AttachmentQuerySet,
    Checkpoint,
    Entry,
    EntryQuerySet,
    RowHistory,
    RowHistoryQuerySet,
    SubjectHead,
    subject_name,
)

__all__ = [
    "attachments_of",
    "attachments_on",
    "entries_on",
    "every_entry",
    "head_digest",
    "history_of",
    "last_checkpoint",
    "subject_name",
]


def head_digest(subject: models.Model | str) -> str:
    """Digest of a governed record as it stands now, in hex; '' where it has none."""
    head = SubjectHead.objects.filter(subject=_name(subject)).first()
    return bytes(head.digest).hex() if head else ""


def entries_on(trail: models.Model | str) -> EntryQuerySet:
    """Entries about a record or hung on its trail, newest first, each with the sealed record that holds it."""
    return Entry.objects.on_trail(_name(trail)).newest_first().select_related("sealed_in")


def every_entry() -> EntryQuerySet:
    """Entries of the whole bank, newest first: for those who may see all of it."""
    return Entry.objects.newest_first().select_related("sealed_in")


def history_of(record: models.Model) -> RowHistoryQuerySet:
    """Every past version of a governed record, oldest first."""
    return RowHistory.objects.of_row(record._meta.db_table, record.pk)


def attachments_of(record: models.Model) -> AttachmentQuerySet:
    """Files that hang on the record itself, with what is known of their bytes."""
    return Attachment.objects.of(record).select_related("artefact")


def attachments_on(trail: models.Model) -> AttachmentQuerySet:
    """Files anywhere on the record's trail, newest first."""
    return Attachment.objects.on_trail(trail).select_related("artefact").order_by("-id")


def last_checkpoint() -> Checkpoint | None:
    """The newest signed tree head, with the cosignatures that have come in."""
    return Checkpoint.objects.order_by("-id").prefetch_related("cosignatures").first()


def _name(record: models.Model | str) -> str:
    return record if isinstance(record, str) else subject_name(record)
