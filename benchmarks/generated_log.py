"""One log for every contender: 30 numbers, 10 categories, score, label; 30 days, one Parquet file each."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engines.log import Feature, LogSpec

DAYS = 30
NUMBERS = tuple(f"number_{i:02}" for i in range(30))
CATEGORIES = tuple(f"category_{i}" for i in range(10))
START = datetime(2026, 5, 31, 22, tzinfo=UTC)  # midnight in Berlin: a file is one day of the bank
REFERENCE_ROWS = 100_000
ROW_GROUP = 131_072

SPEC = LogSpec(
    row_id="row_id",
    time="scored_at",
    features=(*(Feature(n, "number") for n in NUMBERS), *(Feature(n, "category") for n in CATEGORIES)),
    score="score",
    label="label",
    time_zone="Europe/Berlin",
)


def generate(folder: Path, rows: int, distinct_days: int = DAYS, seed: int = 2026) -> None:
    """Write folder/reference.parquet and folder/log/day=…/part.parquet.

    With fewer distinct days, later files are links to earlier ones: as much to read, less to generate.
    """
    random = np.random.default_rng(seed)
    _write(folder / "reference.parquet", random, REFERENCE_ROWS, START - timedelta(days=30), 30, "reference", 0.0)
    shares = np.diff(np.linspace(0, rows, DAYS + 1).astype(int))
    for day, count in enumerate(shares.tolist()):
        start = START + timedelta(days=day)
        path = _path(folder, day)
        if day >= distinct_days:
            path.parent.mkdir(parents=True)
            path.hardlink_to(_path(folder, day % distinct_days))
            continue
        _write(path, random, count, start, 1, f"{day:02}", 0.05 * day)


def _path(folder: Path, day: int) -> Path:
    return folder / "log" / f"day={START + timedelta(days=day, hours=2):%Y-%m-%d}" / "part.parquet"


def _write(path: Path, random, rows: int, start: datetime, days: int, prefix: str, shift: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written, writer = 0, None
    while written < rows:
        size = min(ROW_GROUP, rows - written)
        table = _rows(random, size, written, start, days, prefix, shift)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=ROW_GROUP)
        written += size
    writer.close()


def _rows(random, size: int, first: int, start: datetime, days: int, prefix: str, shift: float) -> pa.Table:
    seconds = random.integers(0, days * 86_400 * 1_000_000, size) + int(start.timestamp() * 1e6)
    score = random.beta(2, 12, size)
    numbers = {name: _number(random, size, i, shift if i < 3 else 0.0) for i, name in enumerate(NUMBERS)}
    levels = np.array([f"level {i}" for i in range(40)])
    categories = {
        name: pa.array(levels[np.minimum(random.geometric(0.1 + 0.05 * i, size) - 1, 39)]).dictionary_encode()
        for i, name in enumerate(CATEGORIES)
    }
    return pa.table(
        {
            "row_id": pa.array([f"{prefix}-{first + i:09}" for i in range(size)]),
            "scored_at": pa.array(seconds).cast(pa.timestamp("us", "UTC")),
            **numbers,
            **categories,
            "score": score,
            "label": (random.random(size) < score).astype(np.int8),
        }
    )


def _number(random, size: int, kind: int, shift: float) -> np.ndarray:
    """Normal, lognormal, and whole numbers with gaps: what credit features look like."""
    if kind % 3 == 0:
        return random.normal(shift, 1, size)
    if kind % 3 == 1:
        return np.exp(random.normal(shift, 1, size))
    values = np.floor(random.exponential(30 * (1 + shift), size))
    values[random.random(size) < 0.03] = np.nan
    return values


if __name__ == "__main__":
    generate(Path(sys.argv[1]), *map(int, sys.argv[2:]))
    print(json.dumps({"rows": int(sys.argv[2])}))
