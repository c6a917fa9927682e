"""How much memory a process and all its descendants hold, read from /proc (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(root: int) -> int:
    """Resident memory of `root` and its descendants. Shared pages count once for each, so never too low."""
    parents, sizes = {}, {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (facts := _parent_and_size(entry.name)):
            parents[int(entry.name)], sizes[int(entry.name)] = facts
    return sum(size for pid, size in sizes.items() if _descends(pid, root, parents))


def _parent_and_size(pid: str) -> tuple[int, int] | None:
    try:
        text = Path("/proc", pid, "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended between listing and reading
    # The name in parentheses may itself hold spaces and parentheses: fields count from the last one.
    fields = text[text.rindex(b")") + 2 :].split()
    return int(fields[1]), int(fields[21]) * _PAGE


def _descends(pid: int, root: int, parents: dict[int, int]) -> bool:
    seen = set()
    while pid and pid not in seen:
        if pid == root:
            return True
        seen.add(pid)
        pid = parents.get(pid, 0)
    return False
