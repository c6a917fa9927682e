"""The trail for those who read it: pages, the API, the layers above. Nothing here writes.

What an account may see is the caller's to decide first: a trail is as visible as the record it belongs to.
"""

from collections.abc import Iterable

from django.db import models

from audit.models import (
    Artefact,
    Attachment,
    AttachmentQuerySet,
    Checkpoint,
    Entry,
    EntryQuerySet,
    RowHistory,
    RowHistoryQuerySet,
    SealedRecord,
    SubjectHead,
    key_of,
    subject_name,
)

__all__ = [
    "attachment",
    "attachments_about",
    "attachments_filed_as",
    "attachments_of",
    "attachments_on",
    "checkpoint_over",
    "entries_on",
    "every_entry",
    "head_digest",
    "history_of",
    "key_of",
    "last_checkpoint",
    "log_size",
    "rows_sealed_in",
    "subject_name",
    "versions_before",
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


def checkpoint_over(position: int) -> Checkpoint | None:
    """The newest signed tree head that covers the record at `position`; None while none does."""
    return Checkpoint.objects.filter(size__gt=position).order_by("-id").prefetch_related("cosignatures").first()


def log_size() -> int:
    """How many records are sealed."""
    last = SealedRecord.objects.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def rows_sealed_in(position: int, trails: Iterable[str]) -> RowHistoryQuerySet:
    """Row changes of one sealed record that hang on any of `trails`, in the order in which they happened."""
    return RowHistory.objects.filter(sealed_in_id=position, trail__in=list(trails)).order_by("id")


def versions_before(rows: Iterable[RowHistory]) -> dict[int, RowHistory]:
    """Id of a row change to the version that it replaced; a new row has none. One query, however many rows."""
    earlier = RowHistory.objects.filter(
        table_name=models.OuterRef("table_name"), pk_text=models.OuterRef("pk_text"), pk__lt=models.OuterRef("pk")
    )
    places = RowHistory.objects.filter(pk__in=[row.pk for row in rows]).annotate(
        earlier=models.Subquery(earlier.order_by("-pk").values("pk")[:1])
    )
    pairs = dict(places.values_list("pk", "earlier"))
    found = RowHistory.objects.in_bulk([earlier for earlier in pairs.values() if earlier is not None])
    return {row: found[earlier] for row, earlier in pairs.items() if earlier is not None}


def attachment(number: int) -> Attachment | None:
    """One attachment by its number. Whether the reader may see its trail is the caller's to ask."""
    return Attachment.objects.select_related("artefact").filter(pk=number).first()


def attachments_about(subject: str) -> AttachmentQuerySet:
    """Files that hang on a record that is known by its trail name."""
    return Attachment.objects.filter(subject=subject).select_related("artefact").order_by("id")


def attachments_filed_as(sha256: str) -> AttachmentQuerySet:
    """Wherever a file with this digest hangs."""
    return Attachment.objects.filter(artefact__in=Artefact.objects.filter(sha256=sha256))


def _name(record: models.Model | str) -> str:
    return record if isinstance(record, str) else subject_name(record)
