"""One run of the worker's own code over a generated log, in a process of its own; prints one JSON line.

Timed, as in a worker's run: find and hash the files, load the stored reference profile, read every partition once,
keep its profile on disk under its digest, load it again to measure the day, measure the month. Not timed: fitting
the reference (`--fit`), which a monitor does once, and the rows that a run writes to the database.
"""

import time

STARTED = time.perf_counter()

import hashlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from benchmarks.generated_log import SPEC  # noqa: E402
from benchmarks.process import peak_megabytes  # noqa: E402
from engines.local import fit_reference, profile_partitions  # noqa: E402
from engines.partition import PartitionProfile, window  # noqa: E402
from engines.sources import find_partitions  # noqa: E402
from stats.measure import measure  # noqa: E402
from stats.reference import ReferenceProfile  # noqa: E402

IMPORTED = time.perf_counter()
STORED = "reference.profile"


def fit(folder: Path) -> None:
    reference = fit_reference(find_partitions(folder / "reference.parquet", "parquet"), SPEC, seed=2026)
    (folder / STORED).write_bytes(reference.to_bytes())


def run(folder: Path) -> dict:
    """Every day's and the month's measurements; what a monitoring run stores."""
    reference = ReferenceProfile.from_bytes((folder / STORED).read_bytes())
    partitions = find_partitions(folder / "log", "parquet")
    kept = [_keep(folder, profile.to_bytes()) for profile in profile_partitions(partitions, SPEC, reference)]
    measured, month = 0, None
    for path in kept:
        day = window([PartitionProfile.from_bytes(path.read_bytes())])
        measured += len(measure(reference, day))
        month = day if month is None else month + day
    figures = measure(reference, month)
    shifted = [figure.column for figure in figures if figure.metric == "psi" and figure.value >= 0.25]
    return {"rows": month.rows, "measurements": measured + len(figures), "red": shifted}


def _keep(folder: Path, profile: bytes) -> Path:
    """As audit.effects.keep does: under its SHA-256, flushed to disk."""
    path = folder / "profiles" / hashlib.sha256(profile).hexdigest()
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as stream:
        stream.write(profile)
        stream.flush()
        os.fsync(stream.fileno())
    return path


def main(folder: Path, repeats: int) -> None:
    inner, result = [], {}
    for _ in range(repeats):
        started = time.perf_counter()
        result = run(folder)
        inner.append(time.perf_counter() - started)
    found = {"import": IMPORTED - STARTED, "inner": inner, "peak": peak_megabytes(), **result}
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1] == "--fit":
        fit(Path(sys.argv[2]))
        print(json.dumps({"import": IMPORTED - STARTED, "inner": [time.perf_counter() - IMPORTED]}))
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]))
