"""Find the partitions of a log and check them against their definition before anything is stored."""

import glob
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from engines.columns import NO_TIME, as_moments, as_numbers, is_moment, is_text
from engines.log import LogSpec
from engines.reading import open_partition
from engines.refusals import LogRefused

Format = Literal["parquet", "csv"]
SUFFIXES = {"parquet": (".parquet", ".pq"), "csv": (".csv", ".csv.gz")}


@dataclass(frozen=True, slots=True)
class Partition:
    """One file of a log.

    key     its path below the location, with forward slashes: stable when the folder moves
    bytes   its size
    sha256  of its content, hexadecimal
    """

    key: str
    path: str
    bytes: int
    sha256: str

    @property
    def format(self) -> Format:
        return "csv" if self.path.endswith(SUFFIXES["csv"]) else "parquet"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a log does not fit its definition. `column` is None where it concerns the file."""

    column: str | None
    reason: str


def find_partitions(location: str | Path, format: Format) -> list[Partition]:
    """The files of one file, a glob or a folder (also `month=2026-01/…parquet`), ordered by key.

    Files whose name, or a folder above them within the location, starts with "_" or "." are left out, as
    Spark and Hive do: they are temporary or markers. Every file is read once to take its SHA-256.
    Raises LogRefused where nothing is found.
    """
    if format not in SUFFIXES:
        raise LogRefused(f"the format must be parquet or csv, got {format!r}")
    root, paths = _files(str(location), format)
    if not paths:
        raise LogRefused(f"no {format} file was found at {location}; check the location and the format")
    keyed = sorted((path.relative_to(root).as_posix(), path) for path in paths)
    with ThreadPoolExecutor() as pool:  # hashing leaves the GIL
        return list(pool.map(lambda pair: partition_at(pair[1], key=pair[0]), keyed))


def partition_at(path: str | Path, *, key: str | None = None) -> Partition:
    """One file as a partition. Raises LogRefused where it cannot be opened."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Partition(key or path.name, str(path), path.stat().st_size, digest)
    except OSError as failure:
        raise LogRefused(f"{path.name} cannot be opened: {failure.strerror}", partition=key) from failure


def _files(location: str, format: Format) -> tuple[Path, list[Path]]:
    path = Path(location)
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        found = (p for p in path.rglob("*") if p.is_file() and p.name.endswith(SUFFIXES[format]))
        return path, [p for p in found if _is_data(p.relative_to(path))]
    fixed = Path(location.split("*")[0].split("?")[0].split("[")[0])
    root = fixed if location.startswith(str(fixed) + "/") else fixed.parent
    matches = [Path(match) for match in glob.glob(location, recursive=True)]
    return root, [match for match in matches if match.is_file() and _is_data(match.relative_to(root))]


def _is_data(relative: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in relative.parts)


def check_log(partitions: list[Partition], spec: LogSpec) -> list[Problem]:
    """Every way in which the files contradict the definition; reads metadata and first rows only.

    A problem is reported once, with the first partition that shows it. An empty list means: it can be run.
    """
    problems: dict[tuple[str | None, str], Problem] = {}
    for partition in partitions:
        for kind, problem in _check_partition(partition, spec):
            problems.setdefault((problem.column, kind), problem)
    return list(problems.values())


def _check_partition(partition: Partition, spec: LogSpec) -> list[tuple[str, Problem]]:
    try:
        reader = open_partition(partition, spec.columns)
        names, first = reader.names, reader.first_rows()
    except LogRefused as refused:
        kind = "duplicate" if refused.column else "unreadable"
        return [(kind, Problem(refused.column, refused.reason))]
    found = []
    for column in spec.columns:
        if column not in names:
            found.append(("missing", Problem(column, f"there is no column {column!r} in {partition.key}")))
        elif reason := _type_problem(column, first.column(column), spec):
            found.append(("type", Problem(column, f"{reason} (in {partition.key})")))
    return found


def _type_problem(column: str, values: pa.ChunkedArray, spec: LogSpec) -> str | None:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_nested(kind):
        return f"column {column!r} holds lists or records, not single values"
    if column in (spec.time, spec.label_known_at):
        return _time_problem(column, kind, values)
    if column in spec.numbers or column in (spec.score, spec.label):
        return _number_problem(column, kind, values)
    return None


def _number_problem(column: str, kind: pa.DataType, values: pa.ChunkedArray) -> str | None:
    if pa.types.is_temporal(kind):
        return f"column {column!r} holds moments, a number is needed"
    if not is_text(kind):
        return None
    present = len(values) - values.null_count
    _, unreadable = as_numbers(values)
    if present and unreadable == present:
        example = next(value for value in values.to_pylist() if value is not None)
        return f"column {column!r} is text ({example!r}), a number is needed"
    return None


def _time_problem(column: str, kind: pa.DataType, values: pa.ChunkedArray) -> str | None:
    if not is_moment(kind):
        return f"column {column!r} is of type {kind}, a time such as 2026-01-31T09:30:00 is needed"
    moments, _ = as_moments(values, "UTC")
    present = len(values) - values.null_count
    if present and not (moments != NO_TIME).any():
        example = next(value for value in values.to_pylist() if value is not None)
        return f"column {column!r} holds {example!r}, a time such as 2026-01-31T09:30:00 is needed"
    return None
