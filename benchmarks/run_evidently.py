"""Evidently's DataDriftPreset over the same log as one window, in a process of its own; prints one JSON line.

Imports nothing of the project but `benchmarks.process`, so that it runs in any environment with Evidently.
"""

import time

STARTED = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import pandas as pd  # noqa: E402
from evidently import DataDefinition, Dataset, Report  # noqa: E402
from evidently.presets import DataDriftPreset  # noqa: E402

from benchmarks.process import peak_megabytes  # noqa: E402

IMPORTED = time.perf_counter()


def run(folder: Path, most: int | None = None) -> int:
    """`most` rows of each table only: to fill the cache of byte code before the clock starts."""
    files = sorted((folder / "log").rglob("*.parquet"))
    columns = [c for c in pd.read_parquet(folder / "reference.parquet").columns if c not in ("row_id", "scored_at")]
    categories = [name for name in columns if name.startswith("category")]
    definition = DataDefinition(
        numerical_columns=[name for name in columns if name not in categories], categorical_columns=categories
    )
    reference = pd.read_parquet(folder / "reference.parquet", columns=columns)
    # partitioning=None: the day= folders are a key of ours, not a column of the log
    log = pd.concat([pd.read_parquet(file, columns=columns, partitioning=None) for file in files], ignore_index=True)
    report = Report([DataDriftPreset()])
    snapshot = report.run(
        Dataset.from_pandas(log[:most], data_definition=definition),
        Dataset.from_pandas(reference[:most], data_definition=definition),
    )
    (folder / "evidently.json").write_text(snapshot.json())
    return len(log)


if __name__ == "__main__":
    rows = run(Path(sys.argv[1]), 500 if "--prime" in sys.argv else None)
    inner = time.perf_counter() - IMPORTED
    print(json.dumps({"import": IMPORTED - STARTED, "inner": [inner], "peak": peak_megabytes(), "rows": rows}))
