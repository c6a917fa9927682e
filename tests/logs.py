"""Production logs for tests: seeded, small, with shifts where a test puts them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = {
    "row_id": "row_id",
    "time": "scored_at",
    "features": [
        {"name": "income", "kind": "number"},
        {"name": "utilisation", "kind": "number"},
        {"name": "channel", "kind": "category"},
    ],
    "score": "score",
    "decision": "decision",
    "label": "label",
    "label_known_at": "label_known_at",
    "cut_offs": [0.3],
}


def score_of(income: np.ndarray, utilisation: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(-2.0 - 0.8 * (income - 10) + 2.5 * utilisation)))


def month_of_log(seed: int, month: datetime, rows: int, *, shift: float = 0.0) -> pa.Table:
    """`rows` decisions of one month; `shift` moves income, and the score with it. Labels come 90 days later."""
    rng = np.random.default_rng([seed, month.year, month.month])
    income, utilisation = rng.normal(10 + shift, 1, rows), rng.beta(2, 5, rows)
    score = score_of(income, utilisation)
    moments = [month + timedelta(minutes=int(m)) for m in rng.integers(0, 27 * 24 * 60, rows)]
    return pa.table(
        {
            "row_id": [f"{month:%Y%m}-{n}" for n in range(rows)],
            "scored_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "income": income,
            "utilisation": utilisation,
            "channel": rng.choice(["branch", "web"], rows, p=[0.4, 0.6]),
            "score": score,
            "decision": np.where(score < 0.3, "approve", "decline"),
            "label": (rng.random(rows) < score).astype(np.int8),
            "label_known_at": pa.array([m + timedelta(days=90) for m in moments], pa.timestamp("us", tz="UTC")),
        }
    )


def write_log(
    folder: Path, seed: int, months: int = 4, rows: int = 1500, shifts: dict[int, float] | None = None
) -> Path:
    """Monthly partitions from January 2026 under `folder`; `shifts` by month number."""
    for number in range(1, months + 1):
        month = datetime(2026, number, 1, tzinfo=UTC)
        part = folder / f"month=2026-{number:02d}"
        part.mkdir(parents=True, exist_ok=True)
        pq.write_table(month_of_log(seed, month, rows, shift=(shifts or {}).get(number, 0.0)), part / "part.parquet")
    return folder
