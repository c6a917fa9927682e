"""A trail export to take away: records, entries, rows and files, with proofs, for `verifier.py`."""

import base64
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from django.db.models import QuerySet

from audit import effects, epochs, merkle, tree, verifier
from audit.models import Artefact, Attachment, Checkpoint, Entry, RowHistory, SealedRecord

ARTEFACTS = "audit_artefact"
VERIFIER = Path(__file__).with_name("verifier.py")


class NothingSigned(Exception):
    """There is no checkpoint yet to export under."""


def export_trail(stream: IO[bytes], *, trail: str | None, receipt_sizes: Iterable[int] = ()) -> None:
    """Write an export of one trail ('inventory.model:42'), or of the whole log (None), as a zip.

    receipt_sizes  tree sizes of receipts that the reader holds: a consistency proof is added for each
    """
    checkpoint = Checkpoint.objects.order_by("-id").first()
    if checkpoint is None:
        raise NothingSigned("No checkpoint has been signed yet. Start the checkpointer, then export again.")
    notes = epochs.notes(before=checkpoint)
    begun = [verifier.parse_epoch(note.rpartition("\n\n")[0])["kept_size"] for note in notes]
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        scope = trail or "whole log"
        archive.writestr("manifest.json", json.dumps({"format": "assay-export-v1", "scope": scope}))
        archive.writestr("checkpoint.txt", checkpoint.full_note)
        archive.writestr("epochs.txt", "\n".join(notes))
        archive.writestr("consistency.json", json.dumps(_consistency(checkpoint.size, {*receipt_sizes, *begun})))
        with archive.open("records.jsonl", "w") as lines:
            artefacts = set(_artefacts(trail).values_list("pk", flat=True)) if trail else set()
            for record in _records(trail, artefacts, checkpoint.size):
                lines.write(json.dumps(_as_json(record, trail, artefacts, checkpoint.size)).encode() + b"\n")
        for sha256 in _files(trail):
            if (path := effects.path_of(sha256)).exists():
                archive.write(path, f"artefacts/{sha256}")
        archive.write(VERIFIER, "verifier.py")


def _consistency(size: int, receipt_sizes: Iterable[int]) -> dict[str, list[str]]:
    return {
        str(old): [node.hex() for node in tree.consistency_proof(old, size)] for old in receipt_sizes if old <= size
    }


def _records(trail: str | None, artefacts: set[int], size: int) -> Iterator[SealedRecord]:
    records = SealedRecord.objects.filter(position__lt=size).order_by("position")
    if trail:
        places = Entry.objects.on_trail(trail).values("sealed_in_id")
        rows = RowHistory.objects.filter(trail=trail).values("sealed_in_id")
        filed = RowHistory.objects.filter(table_name=ARTEFACTS, pk_text__in=map(str, artefacts)).values("sealed_in_id")
        records = records.filter(position__in=places.union(rows, filed))
    return records.prefetch_related("entries", "rows").iterator(chunk_size=500)


def _as_json(record: SealedRecord, trail: str | None, artefacts: set[int], size: int) -> dict:
    """One line of records.jsonl; of a transaction that touched several trails, only this one's words.

    An artefact's own row hangs on the trail that filed it first, and comes along wherever the file does.
    """
    entries = [e for e in record.entries.all() if trail is None or trail in e.trails or e.subject == trail]
    rows = [
        r
        for r in record.rows.all()
        if trail in (None, r.trail) or (r.table_name == ARTEFACTS and int(r.pk_text) in artefacts)
    ]
    line = {
        "record": base64.b64encode(bytes(record.body)).decode(),
        "entries": [_entry(entry) for entry in sorted(entries, key=lambda e: e.pk)],
        "rows": [_row(row) for row in sorted(rows, key=lambda r: r.pk)],
    }
    if trail:
        proof = merkle.hashes_of(merkle.inclusion_ranges(record.position, size), tree.read_hashes)
        line["proof"] = [node.hex() for node in proof]
    return line


def _entry(entry: Entry) -> dict:
    names = ("event", "subject", "trails", "actor", "account", "through", "request")
    return {name: getattr(entry, name) for name in names} | {"body": base64.b64encode(bytes(entry.body)).decode()}


def _row(row: RowHistory) -> dict:
    return {
        "table": row.table_name,
        "pk": row.pk_text,
        "op": row.op,
        "subject": row.subject,
        "trail": row.trail,
        "db_user": row.db_user,
        "body": base64.b64encode(bytes(row.body)).decode(),
    }


def _artefacts(trail: str | None) -> QuerySet[Artefact]:
    artefacts = Artefact.objects.all()
    return artefacts.filter(pk__in=Attachment.objects.filter(trail=trail).values("artefact")) if trail else artefacts


def _files(trail: str | None) -> Iterable[str]:
    """What is kept for good; rows of customers stay where they are, and of an erased file there is the row."""
    kept = _artefacts(trail).filter(retention=Artefact.Retention.RECORD, erased_at=None)
    return kept.order_by("sha256").values_list("sha256", flat=True)
