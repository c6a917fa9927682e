"""Proofs over the stored tree: which hashes are needed, read by level and index in one query.

The tree is RFC 6962's: level 0 are the leaves (`sealed_record.leaf_hash`), higher levels hold complete subtrees
(`node`). The checking half is in `audit.verifier`, which an outsider runs too.
"""

from collections.abc import Callable, Iterable

from audit.verifier import node_hash

Place = tuple[int, int]  # (level, index) of a complete subtree
ReadHashes = Callable[[Iterable[Place]], dict[Place, bytes]]


def complete_subtrees(start: int, end: int) -> list[Place]:
    """Places of the complete subtrees that tile leaves start..end-1, left to right."""
    places = []
    while start < end:
        level = (start & -start).bit_length() - 1 if start else (end - start).bit_length() - 1
        while start + (1 << level) > end:
            level -= 1
        places.append((level, start >> level))
        start += 1 << level
    return places


def root(size: int, read: ReadHashes) -> bytes:
    """Root hash of the first `size` leaves (at least one)."""
    return range_hash(0, size, read)


def range_hash(start: int, end: int, read: ReadHashes) -> bytes:
    """MTH of RFC 6962 over leaves start..end-1, where start is aligned as it is in a tree of `end` leaves."""
    places = complete_subtrees(start, end)
    known = read(places)
    hashes = [known[place] for place in places]
    result = hashes.pop()
    while hashes:
        result = node_hash(hashes.pop(), result)
    return result


def inclusion_ranges(position: int, size: int) -> list[tuple[int, int]]:
    """Leaf ranges whose hashes make the inclusion proof of leaf `position`, in proof order."""
    ranges, start, end = [], 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if position < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    return ranges[::-1]


def consistency_ranges(old_size: int, size: int) -> list[tuple[int, int]]:
    """Leaf ranges whose hashes make the consistency proof between two sizes, in proof order."""
    if old_size in (0, size):
        return []
    ranges, start, end, whole = [], 0, size, True
    while old_size != end:
        split = start + _split(end - start)
        if old_size <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start, whole = split, False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def hashes_of(ranges: list[tuple[int, int]], read: ReadHashes) -> list[bytes]:
    """Hash of each range, all of them from one reading of the stored tree."""
    known = read({place for start, end in ranges for place in complete_subtrees(start, end)})
    return [range_hash(start, end, lambda _places: known) for start, end in ranges]


def _split(count: int) -> int:
    """Largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1
