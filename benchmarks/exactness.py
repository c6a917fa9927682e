"""How far each quantity of a profile lies from the libraries that read every row.

    python -m benchmarks.exactness [--rows 1000000]

One generated window (a skewed and a normal number, a score with labels) against SciPy and scikit-learn. Prints the
largest absolute difference and the largest bound that the portal shows beside the value; exits with 1 where a
difference is larger than its bound.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats as scipy_stats
from sklearn import metrics as sklearn

from engines.local import fit_reference, profile_partition
from engines.log import Feature, LogSpec
from engines.partition import window
from engines.sources import partition_at
from stats.measure import Figure, measure

SPEC = LogSpec(
    row_id="id",
    time="at",
    features=(Feature("skewed", "number"), Feature("normal", "number"), Feature("whole", "number")),
    score="score",
    label="label",
    cut_offs=(0.3,),
)
REFERENCE_ROWS = 100_000
ROUNDING = 1e-12


@dataclass(frozen=True)
class Line:
    """One quantity: what it is compared with, how far it is off, and what is certified (0 = called exact)."""

    quantity: str
    against: str
    difference: float
    bound: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    lines = compare(parser.parse_args().rows)
    print(f"{'quantity':28}{'largest difference':>20}{'largest bound shown':>21}   against")
    for line in lines:
        print(f"{line.quantity:28}{line.difference:20.1e}{line.bound:21.1e}   {line.against}")
    return int(any(line.difference > line.bound + ROUNDING for line in lines))


def compare(rows: int, seed: int = 7) -> list[Line]:
    random = np.random.default_rng(seed)
    before, now = _table(random, REFERENCE_ROWS, 0.0), _table(random, rows, 0.1)
    measured = _measured(before, now)
    return [*_numbers(before, now, measured), *_score(now, measured)]


def _table(random: np.random.Generator, rows: int, shift: float) -> dict[str, np.ndarray]:
    score = random.beta(2 + shift, 10, rows)
    return {
        "skewed": random.lognormal(shift, 1, rows),
        "normal": random.normal(shift, 1 + shift, rows),
        "whole": random.poisson(30 + 10 * shift, rows).astype(float),
        "score": score,
        "label": (random.random(rows) < score).astype(np.int8),
    }


def _measured(before: dict, now: dict) -> dict[tuple[str, str | None], Figure]:
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_write(Path(folder) / name, table) for name, table in (("a", before), ("b", now)))
        reference = fit_reference([first], SPEC, seed=1)
        found = measure(reference, window([profile_partition(second, SPEC, reference)]))
    return {(m.metric, m.column): m for m in found}


def _write(path: Path, table: dict):
    rows = len(table["score"])
    at = pa.array(np.full(rows, 1_780_000_000_000_000)).cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"id": pa.array(np.arange(rows)), "at": at, **table}), path.with_suffix(".parquet"))
    return partition_at(path.with_suffix(".parquet"))


def _numbers(before: dict, now: dict, measured: dict) -> list[Line]:
    names = ("skewed", "normal", "whole")
    exact = {
        "psi": ("definition on raw rows", _psi),
        "ks": ("scipy.stats.ks_2samp", lambda a, b: scipy_stats.ks_2samp(a, b).statistic),
        "wasserstein": (
            "scipy.stats.wasserstein_distance",
            lambda a, b: scipy_stats.wasserstein_distance(a, b) / a.std(),
        ),
    }
    lines = []
    for metric, (against, function) in exact.items():
        pairs = [(measured[metric, name], function(before[name], now[name])) for name in names]
        lines.append(_line({"wasserstein": "wasserstein / sd"}.get(metric, metric), against, pairs))
    return lines


def _psi(before: np.ndarray, now: np.ndarray) -> float:
    cuts = np.unique(np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf"))
    p, q = (np.bincount(np.searchsorted(cuts, x), minlength=cuts.size + 1) / x.size for x in (before, now))
    return float(((q - p) * np.log(q / p)).sum())


def _score(now: dict, measured: dict) -> list[Line]:
    label, score, called = now["label"], now["score"], now["score"] >= 0.3
    separation = scipy_stats.ks_2samp(score[label == 1], score[label == 0]).statistic
    exact = {
        "auc": ("sklearn.metrics.roc_auc_score", sklearn.roc_auc_score(label, score)),
        "ks_separation": ("scipy.stats.ks_2samp", separation),
        "brier": ("sklearn.metrics.brier_score_loss", sklearn.brier_score_loss(label, score)),
        "log_loss": ("sklearn.metrics.log_loss", sklearn.log_loss(label, score)),
        "precision@0.3": ("sklearn.metrics.precision_score", sklearn.precision_score(label, called)),
        "recall@0.3": ("sklearn.metrics.recall_score", sklearn.recall_score(label, called)),
        "default_rate": ("mean of the labels", label.mean()),
    }
    return [_line(name, against, [(measured[name, None], value)]) for name, (against, value) in exact.items()]


def _line(quantity: str, against: str, pairs: list[tuple[Figure, float]]) -> Line:
    difference = max(abs(measurement.value - value) for measurement, value in pairs)
    return Line(quantity, against, float(difference), max(m.bound or 0.0 for m, _ in pairs))


if __name__ == "__main__":
    sys.exit(main())
