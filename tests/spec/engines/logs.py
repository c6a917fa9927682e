"""Small logs for the specification: one laid out by hand, one random and full of trouble."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engines.log import Feature, LogSpec
from engines.sources import Partition, partition_at

SPEC = LogSpec(
    row_id="id",
    time="asked_at",
    features=(Feature("income", "number"), Feature("age", "number"), Feature("product", "category")),
    score="score",
    decision="decision",
    label="default",
    label_known_at="known_at",
    segments=("region",),
    time_zone="Asia/Taipei",
)
SPARSE = {"decision": None, "default": None, "known_at": None, "region": "north", "income": 1.0, "age": 30.0}


def write(path: Path, columns: dict, **options) -> Partition:
    pq.write_table(pa.table(columns), path, **options)
    return partition_at(path)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rows(path: Path, *overrides: dict) -> Partition:
    """One row for each dictionary; what it does not name is ordinary."""
    ordinary = {**SPARSE, "asked_at": moment("2026-03-01T04:00"), "product": "card", "score": 0.25}
    filled = [{"id": f"r{i}", **ordinary, **row} for i, row in enumerate(overrides)]
    kinds = {"decision": pa.string(), "default": pa.int8(), "known_at": pa.timestamp("us", "UTC")}
    columns = {name: pa.array([row[name] for row in filled], kinds.get(name)) for name in filled[0]}
    return write(path, columns)


def reference_log(path: Path, seed: int = 1, n: int = 3_000) -> Partition:
    """Clean rows of three days: what bins are fitted on."""
    random = np.random.default_rng(seed)
    score = random.beta(2, 6, n)
    return write(
        path,
        {
            "id": [f"ref-{i}" for i in range(n)],
            "asked_at": _moments(random, n, days=3),
            "income": random.lognormal(10, 1, n),
            "age": random.integers(18, 80, n),
            "product": random.choice(["card", "loan", "mortgage"], n, p=[0.6, 0.3, 0.1]),
            "score": score,
            "decision": np.where(score < 0.3, "approved", "declined"),
            "default": (random.random(n) < score).astype(np.int8),
            "known_at": _moments(random, n, days=3),
            "region": random.choice(["north", "south"], n),
        },
    )


def messy_log(path: Path, seed: int, n: int = 4_000, ids: int | None = None) -> Partition:
    """Rows with everything that goes wrong: gaps, infinities, repeats, new levels, late and impossible labels.

    ids  from so many row ids; with few of them most outcomes are stated again and again
    """
    random = np.random.default_rng(seed)
    score = random.beta(3, 5, n)
    score[random.random(n) < 0.01] = np.nan
    score[random.random(n) < 0.01] = 1.5
    score[random.random(n) < 0.01] = random.choice([0.0, 0.5, 1.0])
    income = random.lognormal(10.5, 1.2, n)
    income[random.random(n) < 0.05] = np.nan
    income[random.random(n) < 0.002] = np.inf
    income[random.random(n) < 0.002] = -np.inf
    income[random.random(n) < 0.01] = random.choice([0.0, -0.0, -5.0, 1e300])
    products = np.array(["card", "loan", "mortgage", "leasing", "überziehung", ""], object)
    return write(
        path,
        {
            "id": pa.array(_gaps(random, [f"row-{i}" for i in random.integers(0, ids or 50 * n, n)])),
            "asked_at": pa.array(_gaps(random, _moments(random, n, days=6))),
            "income": income,
            "age": pa.array(_gaps(random, random.integers(15, 99, n).tolist()), pa.int64()),
            "product": pa.array(_gaps(random, random.choice(products, n).tolist()), pa.string()),
            "score": score,
            "decision": pa.array(_gaps(random, random.choice(["Approved", "declined", "referred"], n).tolist())),
            "default": pa.array(_gaps(random, random.choice([0, 1, 2], n, p=[0.7, 0.29, 0.01]).tolist())),
            "known_at": pa.array(_gaps(random, _moments(random, n, days=90))),
            "region": pa.array(_gaps(random, random.choice(["north", "south", "abroad"], n).tolist())),
        },
        row_group_size=700,
    )


def _moments(random: np.random.Generator, n: int, *, days: int) -> list[datetime]:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    return [start + timedelta(seconds=int(s)) for s in random.integers(0, days * 86_400, n)]


def _gaps(random: np.random.Generator, values: list, share: float = 0.02) -> list:
    return [None if gap else value for gap, value in zip(random.random(len(values)) < share, values, strict=True)]
