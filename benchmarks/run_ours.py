"""One run of the worker's own code over a generated log, in a process of its own; prints one JSON line.

Timed, by the calls that a worker's run makes: find and hash the files, load the stored reference profile, read every
partition once, keep its profile on disk under its digest, load it again to measure each day, and once more for the
month. Not timed: fitting the reference (`--fit`), which a monitor does once, and the rows that a run writes to the
database.
"""

import time

STARTED = time.perf_counter()

import hashlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from datetime import date  # noqa: E402
from pathlib import Path  # noqa: E402

from benchmarks.generated_log import SPEC  # noqa: E402
from benchmarks.process import peak_megabytes  # noqa: E402
from engines.local import LocalEngine  # noqa: E402
from engines.partition import PartitionProfile  # noqa: E402
from engines.sources import find_files  # noqa: E402
from monitoring.measures.windows import measure_windows  # noqa: E402
from stats.reference import ReferenceProfile  # noqa: E402

IMPORTED = time.perf_counter()
STORED = "reference.profile"


SEED = 2026
MINIMUM_ROWS = 200


@dataclass(frozen=True)
class Kept:
    """A profile on disk."""

    path: Path
    first_day: date
    last_day: date


def fit(folder: Path) -> None:
    engine = LocalEngine()
    partitions = engine.partitions(find_files(folder / "reference.parquet", "parquet"))
    reference, _sample = engine.fit(partitions, SPEC, since=None, until=None, seed=SEED)
    (folder / STORED).write_bytes(reference.to_bytes())


def run(folder: Path) -> dict:
    """Every day's and the month's measurements: what a run of a daily and of a monthly monitor stores."""
    engine = LocalEngine()
    reference = ReferenceProfile.from_bytes((folder / STORED).read_bytes(), seed=SEED)
    partitions = engine.partitions(find_files(folder / "log", "parquet"))
    kept = [_keep(folder, profile) for profile in engine.profile(partitions, SPEC, reference)]
    days, (month,) = (
        measure_windows(kept, _load, reference, span=span, minimum_rows=MINIMUM_ROWS) for span in ("day", "month")
    )
    shifted = [figure.column for figure in month.figures if figure.metric == "psi" and figure.value >= 0.25]
    measured = sum(len(window.figures) for window in (*days, month))
    return {"rows": month.rows, "measurements": measured, "red": shifted}


def _keep(folder: Path, profile: PartitionProfile) -> Kept:
    """As audit.effects.keep does: under its SHA-256, flushed to disk."""
    content = profile.to_bytes()
    path = folder / "profiles" / hashlib.sha256(content).hexdigest()
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return Kept(path, profile.days[0], profile.days[-1])


def _load(kept: Kept) -> PartitionProfile:
    return PartitionProfile.from_bytes(kept.path.read_bytes())


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
