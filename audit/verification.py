"""The portal verifies its own log: every byte, every record, every checkpoint, and the rows as they stand."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from psycopg import sql

from audit import effects, verifier
from audit.checkpoints import overdue_since
from audit.models import Artefact, Checkpoint, SealedRecord

BATCH = 2000


@dataclass
class Verdict:
    """What was checked and what does not hold; `defects` are sentences."""

    records: int = 0
    entries: int = 0
    rows: int = 0
    outside: int = 0
    checkpoints: int = 0
    cosignatures: int = 0
    files: int = 0
    root: str = ""
    defects: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.defects


def verify_log(log_key: str, *, check_files: bool = True) -> Verdict:
    """Verify everything that the database and the artefact folder hold. `log_key` is the log's verifier key."""
    verdict = Verdict()
    leaves = []
    for record in _records():
        leaves.append(verifier.leaf_hash(bytes(record.body)))
        _check_record(record, len(leaves) - 1, verdict)
    verdict.records = len(leaves)
    verdict.root = verifier.root_of(leaves).hex()
    _check_checkpoints(leaves, log_key, verdict)
    _check_guards(verdict)
    _check_nothing_unsealed(verdict)
    _check_rows_as_they_stand(verdict)
    if check_files:
        _check_files(verdict)
    return verdict


def _records() -> Iterator[SealedRecord]:
    start = 0
    while batch := list(
        SealedRecord.objects.filter(position__gte=start)
        .prefetch_related("entries", "rows")
        .order_by("position")[:BATCH]
    ):
        yield from batch
        start = batch[-1].position + 1


def _check_record(record: SealedRecord, expected: int, verdict: Verdict) -> None:
    try:
        parsed = verifier.parse_record(bytes(record.body))
        if record.position != expected or parsed["position"] != expected:
            raise verifier.Defect(
                f"record {record.position} is where record {expected} belongs: a record is missing or moved"
            )
        if bytes(record.leaf_hash) != verifier.leaf_hash(bytes(record.body)):
            raise verifier.Defect(f"record {expected}: its bytes do not hash to its leaf")
        if parsed["sealed_at"] != record.sealed_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"):
            raise verifier.Defect(f"record {expected}: its time was changed after it was sealed")
    except verifier.Defect as defect:
        verdict.defects.append(str(defect))
        return
    entries = sorted(record.entries.all(), key=lambda e: e.pk)
    rows = sorted(record.rows.all(), key=lambda r: r.pk)
    verdict.entries += len(entries)
    verdict.rows += len(rows)
    verdict.outside += sum(entry.event == "audit.outside_portal" for entry in entries)
    _check_same(expected, "entries", parsed["entries"], [verifier.entry_digest(_plain(e)) for e in entries], verdict)
    _check_same(expected, "rows", parsed["rows"], [verifier.row_digest(_plain_row(r)) for r in rows], verdict)


def _check_same(position: int, what: str, sealed: list[bytes], found: list[bytes], verdict: Verdict) -> None:
    if sealed != found:
        verdict.defects.append(
            f"record {position}: its {what} are not those that were sealed ({len(sealed)} sealed, {len(found)} found)"
        )


def _plain(entry) -> dict:
    names = ("event", "subject", "trails", "actor", "account", "through", "request")
    return {name: getattr(entry, name) for name in names} | {"body": bytes(entry.body)}


def _plain_row(row) -> dict:
    return {
        "table": row.table_name,
        "pk": row.pk_text,
        "op": row.op,
        "db_user": row.db_user,
        "body_sha256": verifier.hashlib.sha256(bytes(row.body)).digest(),
    }


def _check_checkpoints(leaves: list[bytes], log_key: str, verdict: Verdict) -> None:
    key = verifier.parse_key(log_key)
    witnesses = {parsed[0]: parsed for parsed in map(verifier.parse_key, settings.WITNESS_KEYS)}
    wanted = set(Checkpoint.objects.values_list("size", flat=True))
    roots = dict(_roots_at(leaves, wanted))
    for checkpoint in Checkpoint.objects.prefetch_related("cosignatures").order_by("id").iterator(BATCH):
        verdict.checkpoints += 1
        try:
            text, _ = verifier.check_note(checkpoint.note, key)
            _, size, root, _ = verifier.parse_checkpoint(text)
            if size > len(leaves):
                raise verifier.Defect(f"a checkpoint signs {size} records, the log has {len(leaves)}: its end is gone")
            if roots[size] != root or size != checkpoint.size or root != bytes(checkpoint.root):
                raise verifier.Defect(f"the first {size} records are not those that the checkpoint signed")
            for cosignature in checkpoint.cosignatures.all():
                if cosignature.witness in witnesses:
                    verifier.check_note(checkpoint.note + cosignature.line, witnesses[cosignature.witness])
                    verdict.cosignatures += 1
        except verifier.Defect as defect:
            verdict.defects.append(str(defect))


def _roots_at(leaves: list[bytes], sizes: set[int]) -> Iterator[tuple[int, bytes]]:
    """Root after each of `sizes` leaves, in one pass."""
    stack: list[tuple[int, bytes]] = []
    for count, leaf in enumerate(leaves, start=1):
        height, node = 0, leaf
        while stack and stack[-1][0] == height:
            node = verifier.node_hash(stack.pop()[1], node)
            height += 1
        stack.append((height, node))
        if count in sizes:
            root = stack[-1][1]
            for _, left in reversed(stack[:-1]):
                root = verifier.node_hash(left, root)
            yield count, root


def _check_guards(verdict: Verdict) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select audit.unguarded()")
        verdict.defects += [
            f"table {name} is not guarded: its capture trigger is missing or disabled" for (name,) in cursor.fetchall()
        ]
        cursor.execute("select audit.trigger_digest()")
        triggers = bytes(cursor.fetchone()[0])
    last = Checkpoint.objects.order_by("-id").first()
    if last and bytes(last.triggers) != triggers:
        signed = base64.b64encode(bytes(last.triggers)).decode()[:12]
        verdict.defects.append(f"the triggers that guard the trail are not those of the last checkpoint ({signed}…)")


def _check_nothing_unsealed(verdict: Verdict) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from audit.entry where sealed_in is null)"
            " + (select count(*) from audit.row_history where sealed_in is null)"
        )
        if unsealed := cursor.fetchone()[0]:
            verdict.defects.append(f"{unsealed} entries or rows were committed without being sealed")
    if waited := overdue_since():
        verdict.defects.append(
            f"a record has waited {int(waited.total_seconds())} s for a checkpoint: is the checkpointer running?"
        )


def _check_rows_as_they_stand(verdict: Verdict) -> None:
    """Each governed row equals the last bytes captured of it: a change with the triggers off shows here."""
    with connection.cursor() as cursor:
        cursor.execute("select table_name from audit.governed order by 1")
        for (table,) in cursor.fetchall():
            cursor.execute(
                sql.SQL(
                    "select count(*) from (select id, to_jsonb(t) as row from {table} t) live full join ("
                    " select distinct on (pk) pk, op, convert_from(body, 'UTF8')::jsonb as row from audit.row_history"
                    " where table_name = {name} order by pk, id desc) last on last.pk = live.id::text"
                    " where (last.op is distinct from 'D' and live.row is distinct from last.row)"
                    " or (last.op = 'D' and live.row is not null)"
                ).format(table=sql.Identifier(table), name=sql.Literal(table))
            )
            if changed := cursor.fetchone()[0]:
                verdict.defects.append(f"{changed} rows of {table} are not as they were last captured")


def _check_files(verdict: Verdict) -> None:
    for artefact in Artefact.objects.order_by("id").iterator(BATCH):
        verdict.files += 1
        path = effects.path_of(artefact.sha256)
        if not path.exists():
            verdict.defects.append(f"file {artefact.sha256} is gone from the artefact folder")
        elif effects.sha256_of(path) != artefact.sha256:
            verdict.defects.append(f"file {artefact.sha256} was altered in the artefact folder")
