"""Find the partitions of a log and check them against their definition before anything is stored."""

import difflib
import glob
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from engines.columns import NO_TIME, as_moments, as_numbers, is_moment, is_text
from engines.log import LogSpec, Named, Place, columns_named
from engines.reading import open_partition
from engines.refusals import LogRefused

Format = Literal["parquet", "csv"]
MOST_NAMES = 40  # of a file's columns that a sentence lists
SUFFIXES = {"parquet": (".parquet", ".pq"), "csv": (".csv", ".csv.gz")}


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log, as it was found.

    key    its path below the location, with forward slashes: stable when the folder moves
    path   where it really lies, every link followed
    bytes  its size
    """

    key: str
    path: str
    bytes: int

    @property
    def format(self) -> Format:
        return "csv" if self.key.endswith(SUFFIXES["csv"]) else "parquet"


@dataclass(frozen=True, slots=True)
class Partition(LogFile):
    """A file of a log whose content has been taken account of.

    sha256  of its content, hexadecimal
    stamp   inode, size and time of the last change, by which a later reader knows that it reads the same bytes
    """

    sha256: str
    stamp: tuple[int, int, int]

    def check_unchanged(self) -> None:
        """Raises LogRefused where the file is not the one that `sha256` was taken of any more."""
        try:
            is_same = _stamp(os.stat(self.path)) == self.stamp
        except OSError:
            is_same = False
        if not is_same:
            reason = f"{self.key} changed while it was read: let whoever writes the log finish, then run again"
            raise LogRefused(reason, partition=self.key)


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    """The time is that of the last change of any kind, which nobody but the kernel sets."""
    return status.st_ino, status.st_size, status.st_ctime_ns


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a log does not fit its definition. `column` is None where it concerns the file.

    place  where the definition names the column
    """

    column: str | None
    reason: str
    place: Place = ()


def find_files(location: str | Path, format: Format) -> list[LogFile]:
    """The files of one file, a glob or a folder (also `month=2026-01/…parquet`), ordered by key.

    Files whose name, or a folder above them within the location, starts with "_" or "." are left out, as
    Spark and Hive do: they are temporary or markers. Raises LogRefused where nothing is found.
    """
    if format not in SUFFIXES:
        raise LogRefused(f"the format must be parquet or csv, got {format!r}")
    root, paths = _files(str(location), format)
    if not paths:
        raise LogRefused(f"no {format} file was found at {location}; check the location and the format")
    keyed = sorted((path.relative_to(root).as_posix(), path) for path in paths)
    return [_found(path, key) for key, path in keyed]


def _found(path: Path, key: str) -> LogFile:
    try:
        real = path.resolve(strict=True)
        return LogFile(key, str(real), real.stat().st_size)
    except OSError as failure:
        raise LogRefused(f"{key} cannot be opened: {failure.strerror}", partition=key) from failure


def find_partitions(location: str | Path, format: Format) -> list[Partition]:
    """As find_files, with every file read once to take its SHA-256."""
    return take_digests(find_files(location, format))


def take_digests(files: list[LogFile]) -> list[Partition]:
    """The files with the SHA-256 of their content. Raises LogRefused where one cannot be read or is being written."""
    with ThreadPoolExecutor() as pool:  # hashing leaves the GIL
        return list(pool.map(_with_digest, files))


def partition_at(path: str | Path) -> Partition:
    """One file as a partition, its name being the key. Raises LogRefused where it cannot be opened."""
    path = Path(path)
    return _with_digest(_found(path, path.name))


def _with_digest(file: LogFile) -> Partition:
    try:
        with open(file.path, "rb") as stream:
            stamp = _stamp(os.fstat(stream.fileno()))
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as failure:
        raise LogRefused(f"{file.key} cannot be opened: {failure.strerror}", partition=file.key) from failure
    partition = Partition(file.key, file.path, stamp[1], digest, stamp)
    partition.check_unchanged()
    return partition


def _files(location: str, format: Format) -> tuple[Path, list[Path]]:
    path = Path(location)
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        found = (p for p in path.rglob("*") if p.is_file() and p.name.endswith(SUFFIXES[format]))
        return path, [p for p in found if _is_data(p.relative_to(path))]
    root = fixed_folder(location)
    matches = [Path(match) for match in glob.glob(location, recursive=True)]
    return root, [match for match in matches if match.is_file() and _is_data(match.relative_to(root))]


def fixed_folder(location: str) -> Path:
    """The folder above the first part of a pattern that holds a wildcard; the location itself without one."""
    parts = Path(location).parts
    place = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    return Path(*parts[:place])


def _is_data(relative: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in relative.parts)


def check_log(files: list[LogFile], spec: LogSpec) -> list[Problem]:
    """Every way in which the files contradict the definition; reads metadata and first rows only.

    A problem is reported once, with the first file that shows it, and never with what a cell holds: who defines a
    monitor need not be somebody who may see customers. An empty list means: it can be run.
    """
    return check_columns(files, columns_named(spec.to_dict()))


def check_columns(files: list[LogFile], named: list[Named]) -> list[Problem]:
    """`check_log` for the columns that a definition names, which may have other faults itself."""
    problems: dict[tuple[Place, str | None, str], Problem] = {}
    for file in files:
        for kind, problem in _check_file(file, named):
            problems.setdefault((problem.place, problem.column, kind), problem)
    return list(problems.values())


def _check_file(file: LogFile, named: list[Named]) -> list[tuple[str, Problem]]:
    try:
        reader = open_partition(file, dict.fromkeys(one.column for one in named))
        names, first = reader.names, reader.first_rows()
    except LogRefused as refused:
        kind = "duplicate" if refused.column else "unreadable"
        place = next((one.place for one in named if one.column == refused.column), ())
        return [(kind, Problem(refused.column, refused.reason, place))]
    found = []
    for one in named:
        if one.column not in names:
            found.append(("missing", Problem(one.column, _missing(one.column, names, file), one.place)))
        elif reason := _type_problem(one, first.column(one.column)):
            found.append(("type", Problem(one.column, f"{reason} (in {file.key})", one.place)))
    return found


def _missing(column: str, names: list[str], file: LogFile) -> str:
    """What is not there, what may be meant, and what is there: not of a CSV, whose first line may be a customer's."""
    by_fold = {name.casefold(): name for name in names}
    alike = 1.0 if file.format == "csv" else 0.6
    near = difflib.get_close_matches(column.casefold(), by_fold, n=1, cutoff=alike)
    meant = f"; is {by_fold[near[0]]!r} meant?" if near else "."
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    there = f"{len(names)} columns" if file.format == "csv" else f"{', '.join(names[:MOST_NAMES])}{more}"
    return f"there is no column {column!r} in {file.key}{meant} It has {there}"


def _type_problem(one: Named, values: pa.ChunkedArray) -> str | None:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_nested(kind):
        return f"column {one.column!r} holds lists or records, not single values"
    if one.holds == "moments":
        return _time_problem(one.column, kind, values)
    if one.holds == "numbers":
        return _number_problem(one.column, kind, values)
    return None


def _number_problem(column: str, kind: pa.DataType, values: pa.ChunkedArray) -> str | None:
    if pa.types.is_temporal(kind):
        return f"column {column!r} holds moments, a number is needed"
    if not is_text(kind):
        return None
    present = len(values) - values.null_count
    _, unreadable = as_numbers(values)
    if present and unreadable == present:
        return f"column {column!r} is text, a number is needed"
    return None


def _time_problem(column: str, kind: pa.DataType, values: pa.ChunkedArray) -> str | None:
    if not is_moment(kind):
        return f"column {column!r} is of type {kind}, a time such as 2026-01-31T09:30:00 is needed"
    moments, _ = as_moments(values, "UTC")
    present = len(values) - values.null_count
    if present and not (moments != NO_TIME).any():
        return f"column {column!r} holds no moment, a time such as 2026-01-31T09:30:00 is needed"
    return None
