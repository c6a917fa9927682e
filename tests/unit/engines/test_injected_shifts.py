"""Shifts put into named features of a random log are found there and nowhere else."""

import secrets

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engines.local import fit_reference, profile_partition
from engines.log import Feature, LogSpec
from engines.partition import window
from engines.sources import partition_at
from stats.measure import measure
from tests.spec.engines.logs import moment

NUMBERS = tuple(f"number_{i}" for i in range(12))
CATEGORIES = tuple(f"category_{i}" for i in range(4))
SPEC = LogSpec(
    row_id="id",
    time="at",
    features=(*(Feature(n, "number") for n in NUMBERS), *(Feature(n, "category") for n in CATEGORIES)),
    score="score",
)
RED = 0.25


def write(path, random, rows, shifted=()):
    columns = {"id": [f"{path.stem}{i}" for i in range(rows)], "at": [moment("2026-03-01T12:00")] * rows}
    for name in NUMBERS:
        values = random.lognormal(8, 1, rows) if name.endswith(("1", "4", "7")) else random.normal(0, 1, rows)
        columns[name] = values * 2.5 + 1 if name in shifted else values
    for name in CATEGORIES:
        shares = [0.1, 0.2, 0.7] if name in shifted else [0.6, 0.3, 0.1]
        columns[name] = random.choice(["a", "b", "c"], rows, p=shares)
    pq.write_table(pa.table({**columns, "score": random.beta(2, 6, rows)}), path)
    return partition_at(path)


def test_exactly_the_features_that_were_shifted_cross_the_red_band(tmp_path):
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    shifted = {*random.choice(NUMBERS, 3, replace=False).tolist(), str(random.choice(CATEGORIES))}
    reference = fit_reference([write(tmp_path / "reference.parquet", random, 8_000)], SPEC, seed=seed)
    log = write(tmp_path / "log.parquet", random, 5_000, shifted)

    measured = measure(reference, window([profile_partition(log, SPEC, reference)]))

    fired = {m.column for m in measured if m.metric == "psi" and m.value >= RED}
    assert fired == shifted, f"seed {seed}"
