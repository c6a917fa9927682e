"""Read what came out of the sandbox: a head and some files, all of it claimed by a hostile process."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

MAGIC = b"ASSAY-PARCEL-1\n"
MAX_FILES = 32
HEAD_BYTES = 64 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)


class BadParcel(ValueError):
    """The bytes do not follow the format, so none of them is used."""


@dataclass(frozen=True)
class Parcel:
    """Exit code (minus the signal number where a signal ended it), CPU facts and files by name."""

    exit_code: int
    peak_bytes: int
    cpu_seconds: float
    output_full: bool
    files: dict[str, bytes]


def read_parcel(data: bytes) -> Parcel:
    """Take a parcel apart; every length, name and type is checked. Raises BadParcel with the reason."""
    start = len(MAGIC) + 4
    length = int.from_bytes(data[len(MAGIC) : start], "big")
    if not data.startswith(MAGIC) or length > HEAD_BYTES or len(data) < start + length:
        raise BadParcel("the run ended without handing anything out")
    head = _head(data[start : start + length])
    if "refused" in head:
        raise BadParcel(str(head["refused"])[:200])
    files = _files(head["files"], data[start + length :])
    return Parcel(head["exit"], head["peak_bytes"], head["cpu_seconds"], head["output_full"], files)


def _head(text: bytes) -> dict:
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadParcel("the head of the output is not JSON") from error
    wanted = {"exit": int, "peak_bytes": int, "cpu_seconds": float, "output_full": bool, "files": list}
    if not isinstance(head, dict) or any(type(head.get(key)) is not kind for key, kind in wanted.items()):
        raise BadParcel("the head of the output lacks its fields")
    return head


def _files(listed: list, body: bytes) -> dict[str, bytes]:
    files, position = {}, 0
    for item in listed:
        name, size = _name_and_size(item)
        if name in files or len(files) == MAX_FILES:
            raise BadParcel(f"the output holds {name} twice or more than {MAX_FILES} files")
        files[name] = body[position : position + size]
        position += size
    if position != len(body):
        raise BadParcel(f"the output should hold {position} bytes and holds {len(body)}")
    return files


def _name_and_size(item: object) -> tuple[str, int]:
    match item:
        case [str(name), int(size)] if _NAME.fullmatch(name) and size >= 0 and type(size) is int:
            return name, size
    raise BadParcel("a file of the output has an unusable name or size")
