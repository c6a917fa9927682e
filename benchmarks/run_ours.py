"""One run of the worker's own code over a generated log, in a process of its own; prints one JSON line.

Timed: find and hash the files, load the stored reference profile, read every partition once, measure every day
and the month, write the profiles. Not timed: fitting the reference (`--fit`), which a monitor does once.
"""

import time

STARTED = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from benchmarks.generated_log import SPEC  # noqa: E402
from benchmarks.process import peak_megabytes  # noqa: E402
from engines.local import fit_reference, profile_partitions  # noqa: E402
from engines.partition import window  # noqa: E402
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
    (folder / "profiles").mkdir(exist_ok=True)
    profiles, measured = [], 0
    for profile in profile_partitions(find_partitions(folder / "log", "parquet"), SPEC, reference):
        (folder / "profiles" / f"{len(profiles)}.profile").write_bytes(profile.to_bytes())
        measured += len(measure(reference, window([profile])))
        profiles.append(profile)
    whole = window(profiles)
    month = measure(reference, whole)
    shifted = [m.column for m in month if m.metric == "psi" and m.value >= 0.25]
    return {"rows": whole.rows, "measurements": measured + len(month), "red": shifted}


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
