"""The stored tree as the proofs read it: leaves and complete subtrees, by place, in one query."""

from collections.abc import Iterable

from django.db import connection

from audit import merkle
from audit.merkle import Place


def read_hashes(places: Iterable[Place]) -> dict[Place, bytes]:
    """Hashes at (level, index); a leaf is level 0. Raises LookupError where the tree lacks one."""
    wanted = set(places)
    with connection.cursor() as cursor:
        cursor.execute(
            "select w.level, w.index, case w.level"
            " when 0 then (select r.leaf_hash from audit.sealed_record r where r.position = w.index)"
            " else (select n.hash from audit.node n where n.level = w.level and n.index = w.index) end"
            " from unnest(%s::integer[], %s::bigint[]) w (level, index)",
            [[level for level, _ in wanted], [index for _, index in wanted]],
        )
        found = {(level, index): bytes(value) for level, index, value in cursor.fetchall() if value is not None}
    if missing := len(wanted) - len(found):
        raise LookupError(f"the stored tree lacks {missing} of the {len(wanted)} hashes asked for")
    return found


def root_of_first(size: int) -> bytes:
    """Root of the first `size` sealed records, from stored nodes."""
    return merkle.root(size, read_hashes)


def inclusion_proof(position: int, size: int) -> list[bytes]:
    return merkle.hashes_of(merkle.inclusion_ranges(position, size), read_hashes)


def consistency_proof(old_size: int, size: int) -> list[bytes]:
    return merkle.hashes_of(merkle.consistency_ranges(old_size, size), read_hashes)
