"""An Evidently report, made in a process of its own: Evidently is never imported by web or worker."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from . import bubblewrap
from .explain import write_arrow
from .limits import Limits
from .outcomes import Finished, Outcome
from .proof import launch_proved

PROGRAM = bubblewrap.PACKAGE / "inside" / "evidently_report.py"
LIMITS = Limits(wall_seconds=300, cpu_seconds=600)
FILES = {"report.html", "report.json", "facts.json"}


class ReportRefused(RuntimeError):
    """No report; the message says why to a person. `outcome` is how the run ended where one was started."""

    def __init__(self, sentence: str, outcome: Outcome | None = None):
        super().__init__(sentence)
        self.sentence, self.outcome = sentence, outcome


@dataclass(frozen=True)
class ReportFiles:
    """The report as `html` (its own markup and script: serve it sandboxed) and `json` (metrics).

    `classification` tells whether labels were complete enough for the classification part.
    """

    html: bytes = field(repr=False)
    json: bytes = field(repr=False)
    version: str
    classification: bool
    seconds: float


def evidently_report(
    current: pa.Table,
    reference: pa.Table,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    score: str | None = None,
    label: str | None = None,
    drift_method: str = "psi",
    limits: Limits = LIMITS,
) -> ReportFiles:
    """Data drift and summary of `current` against `reference`, and classification quality where labels allow.

    numeric, categorical  names of the feature columns; the score is added to the numeric ones
    score                 probability of the positive class, 0..1
    label                 0 or 1; the classification part needs a score, and on both sides both classes
                          and no missing label (labels still to come would count as wrong ones)
    drift_method          Evidently's name of the drift measure

    Raises ReportRefused with a sentence, and SandboxUnavailable.
    """
    columns = list(dict.fromkeys([*numeric, *categorical, *([score] if score else []), *([label] if label else [])]))
    _check_columns(current, reference, columns)
    classification = bool(score and label) and all(labels_are_complete(table[label]) for table in (current, reference))
    orders = {
        "numeric": list(dict.fromkeys([*numeric, *([score] if score else [])])),
        "categorical": list(categorical),
        "score": score,
        "label": label,
        "classification": classification,
        "drift_method": drift_method,
    }
    kept = columns if classification or not label else [name for name in columns if name != label]
    outcome = _run(current.select(kept), reference.select(kept), orders, limits)
    return ReportFiles(
        html=outcome.files["report.html"],
        json=_checked_json(outcome.files["report.json"]),
        version=str(json.loads(outcome.files["facts.json"])["version"])[:40],
        classification=classification,
        seconds=outcome.seconds,
    )


def _check_columns(current: pa.Table, reference: pa.Table, columns: Sequence[str]) -> None:
    for side, table in (("window", current), ("reference", reference)):
        if not table.num_rows:
            raise ReportRefused(f"The {side} holds no row, so there is nothing to report. Choose another window.")
        if lacking := [name for name in columns if name not in table.column_names]:
            raise ReportRefused(f"The {side} lacks the column {lacking[0]}. Correct the monitor's columns.")


def labels_are_complete(label: pa.ChunkedArray) -> bool:
    """Whether every row has a label and both classes, 0 and 1, occur."""
    return label.null_count == 0 and set(pc.unique(label).to_pylist()) == {0, 1}


def _run(current: pa.Table, reference: pa.Table, orders: dict, limits: Limits) -> Finished:
    with tempfile.TemporaryDirectory(prefix="assay-report-") as inputs:
        write_arrow(current, Path(inputs, "current.arrow"))
        write_arrow(reference, Path(inputs, "reference.arrow"))
        Path(inputs, "orders.json").write_text(json.dumps(orders))
        outcome = launch_proved(PROGRAM, inputs=Path(inputs), limits=limits)
    if not isinstance(outcome, Finished):
        raise ReportRefused(outcome.sentence, outcome)
    if set(outcome.files) != FILES:
        raise ReportRefused("The report's run left other files than a report. Nothing of it was kept.", outcome)
    return outcome


def _checked_json(data: bytes) -> bytes:
    if not isinstance(json.loads(data).get("metrics"), list):
        raise ReportRefused("The report holds no list of metrics. Nothing of it was kept.")
    return data
