"""The numbers of an explanation, and what is computed from them: pure functions, arrays in, results out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FLAVOURS = ("sklearn", "xgboost", "lightgbm", "pyfunc")
METHODS = ("predict", "predict_proba", "decision_function")
LINKS = ("logit", "identity")


@dataclass(frozen=True)
class ExplanationTarget:
    """What is explained: the output of a method, on a scale on which contributions add up.

    flavour  sklearn, xgboost, lightgbm or pyfunc: how the model is loaded
    method   predict, predict_proba or decision_function
    output   column of the answer, None where it is one number a row
    link     logit: contributions add up to the log-odds of the score; identity: to the score itself
    """

    flavour: str
    method: str
    output: int | None = None
    link: str = "identity"

    def __post_init__(self):
        for name, allowed in {"flavour": FLAVOURS, "method": METHODS, "link": LINKS}.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")


@dataclass(frozen=True)
class Rescoring:
    """The model's scores today against the logged ones.

    compared            rows with a logged score
    without_log         rows of the sample whose logged score is missing
    equal_share         share of the compared rows within `tolerance`, 0..1; None where none was compared
    largest_difference  largest absolute difference; None where none was compared
    mismatching         row ids outside the tolerance, largest difference first, all of them
    """

    compared: int
    without_log: int
    tolerance: float
    equal_share: float | None
    largest_difference: float | None
    mismatching: tuple[object, ...]

    @property
    def agrees(self) -> bool:
        return self.compared > 0 and not self.mismatching


@dataclass(frozen=True)
class ShapValues:
    """SHAP values of a sample on raw columns, with what is needed to judge and repeat them.

    n rows in the sample, k of them explained (k = n but for the permutation method), p features.

    shap_values       (k, p), on the scale of `target.link`
    base_value        what contributions start from: base_value + shap_values.sum(axis=1) = margins
    margins           (k,) the model's answer on that scale
    scores            (n,) the model's answer as the method gives it
    rows              (k,) positions of the explained rows in the sample, ascending
    row_ids           (n,) as passed in
    method            native contributions, TreeExplainer, LinearExplainer or permutation
    detail            why this method, or what was done before and after it
    additivity_error  largest |base_value + sum - margin|
    loaded_by_code    the model ran code of its own while it was loaded, so checks catch mistakes only
    """

    target: ExplanationTarget
    features: tuple[str, ...]
    shap_values: Floats
    base_value: float
    margins: Floats
    scores: Floats
    rows: npt.NDArray[np.int64]
    row_ids: tuple[object, ...]
    method: str
    detail: str
    additivity_error: float
    rescoring: Rescoring
    loaded_by_code: bool
    model_digest: str
    versions: Mapping[str, str]
    seed: int
    background_rows: int
    seconds: float


@dataclass(frozen=True)
class Reason:
    """One feature's part in one row's score: contribution on the explained scale, positive raises it."""

    feature: str
    contribution: float


@dataclass(frozen=True)
class ReasonCodes:
    """A row's score and the features that moved it most, strongest first. `row` is its place among the explained."""

    row: int
    row_id: object
    score: float
    reasons: tuple[Reason, ...]


def additivity_error(shap_values: Floats, base_value: float, margins: Floats) -> float:
    """Largest |base_value + sum of a row's values - its margin|; 0.0 without rows.

    >>> additivity_error(np.array([[1.0, 2.0]]), 0.5, np.array([3.5]))
    0.0
    """
    if not len(margins):
        return 0.0
    return float(np.abs(base_value + shap_values.sum(axis=1) - margins).max())


def global_importance(explanation: ShapValues) -> dict[str, float]:
    """Mean |SHAP| of each feature over the explained rows, largest first, on the explained scale."""
    means = np.abs(explanation.shap_values).mean(axis=0)
    order = np.argsort(-means, kind="stable")
    return {explanation.features[i]: float(means[i]) for i in order}


def importance_change(current: Mapping[str, float], reference: Mapping[str, float]) -> dict[str, float]:
    """Change of each feature's share of all importance, in share points -1..1, largest move first.

    Shares, since the level of all contributions together moves with the population. A feature that
    one side lacks counts 0 there; a side without any importance has shares of 0.

    >>> importance_change({"a": 3.0, "b": 1.0}, {"a": 1.0, "b": 1.0})
    {'a': 0.25, 'b': -0.25}
    """
    now, before = _shares(current), _shares(reference)
    names = [*now, *(name for name in before if name not in now)]
    change = {name: now.get(name, 0.0) - before.get(name, 0.0) for name in names}
    return dict(sorted(change.items(), key=lambda item: -abs(item[1])))


def reason_codes(explanation: ShapValues, *, rows: int = 10, reasons: int = 4) -> tuple[ReasonCodes, ...]:
    """Reason codes of `rows` explained rows, spread evenly from the lowest score to the highest."""
    scores = explanation.scores[explanation.rows]
    by_score = np.argsort(scores, kind="stable")
    places = np.unique(np.linspace(0, len(by_score) - 1, min(rows, len(by_score))).round().astype(int))
    return tuple(_codes_of(explanation, int(i), reasons) for i in by_score[places])


def rescore(
    scores: Floats, logged: Sequence[float] | Floats, row_ids: Sequence[object], *, tolerance: float
) -> Rescoring:
    """Compare the model's scores (n,) with the logged ones (n,); a NaN in the log is not compared."""
    logged = np.asarray(logged, dtype=float)
    known = ~np.isnan(logged)
    differences = np.where(known, np.abs(scores - logged), 0.0)
    off = np.flatnonzero(differences > tolerance)
    worst_first = off[np.argsort(-differences[off], kind="stable")]
    compared = int(known.sum())
    return Rescoring(
        compared=compared,
        without_log=len(logged) - compared,
        tolerance=tolerance,
        equal_share=1 - len(off) / compared if compared else None,
        largest_difference=float(differences.max()) if compared else None,
        mismatching=tuple(row_ids[i] for i in worst_first),
    )


def _codes_of(explanation: ShapValues, index: int, most: int) -> ReasonCodes:
    values = explanation.shap_values[index]
    strongest = np.argsort(-np.abs(values), kind="stable")[:most]
    position = int(explanation.rows[index])
    return ReasonCodes(
        row=index,
        row_id=explanation.row_ids[position],
        score=float(explanation.scores[position]),
        reasons=tuple(Reason(explanation.features[i], float(values[i])) for i in strongest if values[i] != 0.0),
    )


def _shares(importance: Mapping[str, float]) -> dict[str, float]:
    total = sum(importance.values())
    return {name: value / total if total else 0.0 for name, value in importance.items()}
