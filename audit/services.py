"""Announce what happened, and file what belongs to it. Everything else the database does by itself."""

import json
from collections.abc import Iterable, Iterator
from typing import Protocol

from django.db import connection, models, transaction
from django.utils import timezone

from audit import effects, events
from audit.events import Event
from audit.models import Artefact, Attachment, subject_name
from audit.origin import current_origin

Retention = Artefact.Retention
ANNOUNCES = "announces"  # where an entry's body names the rows beside its subject; audit.seal() reads it


class NotErasable(Exception):
    """This file cannot be erased, or not now."""


class FileErased(Exception):
    """The same file was erased, and is not filed again."""


class Actor(Protocol):
    """Who acts: an account, named on the trail by its person and by itself."""

    person_name: str  # 'accounts.person:7'
    account_name: str  # the sign-in name, or the service account's


def canonical(data: dict) -> bytes:
    """The bytes that are stored and hashed: sorted keys, no spaces, UTF-8; NaN is refused."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str
    ).encode()


def record(
    event: Event,
    *,
    subject: models.Model,
    by: Actor | None,
    data: dict,
    trails: Iterable[models.Model] = (),
    rows: Iterable[models.Model] = (),
) -> int:
    """Announce one business event in the running transaction; return the entry's id.

    `by` is who acts, None for the portal itself. `trails` are the records on whose trail the event
    shows beside its subject's own. `rows` are the governed rows beside the subject that the event made
    or changed, an attachment with its file: any row that no entry names is sealed as outside the portal.
    Hold business words and digests in `data`, never a customer's data.
    """
    return record_about(
        event,
        subject=subject_name(subject),
        trails=[subject_name(trail) for trail in trails],
        rows=rows,
        by=by,
        data=data,
    )


def record_each(event: Event, told: Iterable[tuple[models.Model, dict]], *, by: Actor | None) -> None:
    """`record` for many subjects, each with its own data, without waiting for each answer of the database."""
    origin = current_origin()
    about = [by.person_name if by else "", by.account_name if by else "", origin.through, origin.request]
    with connection.cursor() as cursor:
        cursor.executemany(
            "select audit.record(%s, %s, %s, %s, %s, %s, %s, %s)",
            [[event.name, subject_name(subject), [], *about, canonical(data)] for subject, data in told],
        )


def record_about(
    event: Event,
    *,
    subject: str,
    trails: list[str],
    rows: Iterable[models.Model] = (),
    by: Actor | None,
    data: dict,
) -> int:
    """`record` for a subject that is known by its trail name only."""
    origin = current_origin()
    announced = {ANNOUNCES: sorted(set(_names_of(rows)))} if (rows := list(rows)) else {}
    with connection.cursor() as cursor:
        cursor.execute(
            "select audit.record(%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                event.name,
                subject,
                trails,
                by.person_name if by else "",
                by.account_name if by else "",
                origin.through,
                origin.request,
                canonical(data | announced),
            ],
        )
        return cursor.fetchone()[0]


def _names_of(rows: Iterable[models.Model]) -> Iterator[str]:
    for row in rows:
        yield subject_name(row)
        if isinstance(row, Attachment):
            yield subject_name(row.artefact)


def hold_heads(subjects: Iterable[str]) -> dict[str, str]:
    """Each subject with its head's digest in hex, held FOR SHARE until the transaction ends; one without is left out.

    Lock the rows that the transaction is going to change first: a writer takes a row and then its head, and the
    other way round you would wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("select subject, digest from audit.hold_subjects(%s)", [list(subjects)])
        return {subject: bytes(digest).hex() for subject, digest in cursor.fetchall()}


def attach(
    *,
    sha256: str,
    media_type: str,
    name: str,
    role: str,
    subject: models.Model,
    trail: models.Model,
    inputs: dict[str, str],
    code_version: str,
    how_to_repeat: str = "",
    retention: str = Retention.RECORD,
) -> Attachment:
    """Hang a file that lies in the artefact folder on `subject` and its trail. The same file twice is one file.

    The caller announces it, with the digest, in the entry about what the file is for, among its `rows`.
    Raises FileErased.
    """
    artefact, _ = Artefact.objects.get_or_create(
        sha256=sha256,
        defaults={
            "size": effects.path_of(sha256).stat().st_size,
            "media_type": media_type,
            "retention": retention,
            "trail": subject_name(trail),
        },
    )
    if artefact.erased_at:
        effects.remove(sha256)  # it was put back before it was known; erased is erased, whoever makes it again
        raise FileErased(
            f"The same file, {sha256}, was erased on {artefact.erased_at:%d %b %Y}: {artefact.erasure_reason}."
            " It is not filed again."
        )
    attachment, _ = Attachment.objects.get_or_create(
        artefact=artefact,
        subject=subject_name(subject),
        role=role,
        defaults={
            "trail": subject_name(trail),
            "name": name,
            "inputs": inputs,
            "code_version": code_version,
            "how_to_repeat": how_to_repeat,
        },
    )
    return attachment


@transaction.atomic
def erase_artefact(*, artefact: Artefact, reason: str, by: Actor) -> Artefact:
    """Erase a file that its retention class lets go; its row stays as a tombstone. The caller asks whether `by` may.

    The file goes after the commit: a crash in between leaves a file that is on record as erased, which verifying
    reports and which the same call, made again, removes. Raises NotErasable.
    """
    artefact = Artefact.objects.select_for_update().get(pk=artefact.pk)
    if artefact.erased_at is None:
        _check_erasable(artefact, reason)
        _entomb(artefact, reason, by)
    transaction.on_commit(lambda: effects.remove(artefact.sha256))
    return artefact


def _entomb(artefact: Artefact, reason: str, by: Actor) -> None:
    artefact.erased_at, artefact.erased_by, artefact.erasure_reason = timezone.now(), by.person_name, reason
    artefact.save(update_fields=["erased_at", "erased_by", "erasure_reason"])
    record_about(
        events.ARTEFACT_ERASED,
        subject=subject_name(artefact),
        trails=sorted({artefact.trail, *artefact.attachments.values_list("trail", flat=True)}),
        by=by,
        data={"sha256": artefact.sha256, "size": artefact.size, "reason": reason},
    )


def _check_erasable(artefact: Artefact, reason: str) -> None:
    if artefact.retention != Retention.SAMPLE:
        raise NotErasable(
            f"{artefact.sha256} is kept {artefact.get_retention_display().lower()}; only rows of customers are erased."
        )
    if not reason.strip():
        raise NotErasable("Say why; the reason is part of the record.")
