"""The stored tree as the proofs read it: leaves and complete subtrees, by place, in one query a level."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from audit import merkle
from audit.merkle import Place


def read_hashes(places: Iterable[Place]) -> dict[Place, bytes]:
    """Hashes at (level, index); a leaf is level 0. Raises LookupError where the tree lacks one."""
    wanted = defaultdict(list)
    for level, index in places:
        wanted[level].append(index)
    found: dict[Place, bytes] = {}
    with connection.cursor() as cursor:
        for level, indexes in wanted.items():
            if level == 0:
                cursor.execute(
                    "select position, leaf_hash from audit.sealed_record where position = any(%s)", [indexes]
                )
            else:
                cursor.execute(
                    "select index, hash from audit.node where level = %s and index = any(%s)", [level, indexes]
                )
            found.update({(level, index): bytes(value) for index, value in cursor.fetchall()})
    missing = sum(map(len, map(set, wanted.values()))) - len(found)
    if missing:
        raise LookupError(f"the stored tree lacks {missing} of the hashes asked for")
    return found


def root_of_first(size: int) -> bytes:
    """Root of the first `size` sealed records, from stored nodes."""
    return merkle.root(size, read_hashes)


def inclusion_proof(position: int, size: int) -> list[bytes]:
    return merkle.hashes_of(merkle.inclusion_ranges(position, size), read_hashes)


def consistency_proof(old_size: int, size: int) -> list[bytes]:
    return merkle.hashes_of(merkle.consistency_ranges(old_size, size), read_hashes)
