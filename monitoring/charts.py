"""Charts of monitoring, from stored figures: windows over time, one feature, what drives the score."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from audit import effects
from audit.reading import attachments_of
from figures import (
    Band,
    Chart,
    Mark,
    Point,
    auc_series,
    bands_beyond,
    beeswarm,
    distribution,
    metric_series,
    shap_importance,
)
from figures.wording import number_text
from monitoring.measures.judging import Levels
from monitoring.models import Explanation, Measurement, Monitor, Threshold, Window


class MetricWords(NamedTuple):
    """What a page calls a metric, its unit, its decimals, and what a stored value is multiplied by."""

    name: str
    unit: str = ""
    digits: int = 3
    scale: float = 1

    def text(self, value: float | None) -> str:
        return number_text(value * self.scale if value is not None else None, self.digits)


def _rate(name: str, digits: int = 1, unit: str = "%") -> MetricWords:
    return MetricWords(name, unit, digits, 100)


METRICS = {
    "auc": MetricWords("AUC, realised"),
    "estimated_auc": MetricWords("AUC, estimated"),
    "auc_change": MetricWords("AUC, change"),
    "gini": MetricWords("Gini"),
    "ks_separation": MetricWords("KS of bad and good"),
    "brier": MetricWords("Brier score", digits=4),
    "estimated_brier": MetricWords("Brier score, estimated", digits=4),
    "log_loss": MetricWords("Log-loss", digits=4),
    "calibration_error": MetricWords("Calibration error", digits=4),
    "observed_to_expected": MetricWords("Observed / expected", digits=2),
    "score_psi": MetricWords("PSI of the score", "nats"),
    "score_ks": MetricWords("KS of the score"),
    "score_jensen_shannon": MetricWords("Jensen–Shannon of the score"),
    "score_wasserstein": MetricWords("Wasserstein of the score", "sd"),
    "score_mean": MetricWords("Mean score", digits=4),
    "psi": MetricWords("PSI", "nats"),
    "ks": MetricWords("KS"),
    "jensen_shannon": MetricWords("Jensen–Shannon"),
    "wasserstein": MetricWords("Wasserstein", "sd"),
    "total_variation": MetricWords("Total variation"),
    "chi_square": MetricWords("Chi-square", digits=2),
    "chi_square_p": MetricWords("Chi-square, p"),
    "mean": MetricWords("Mean", digits=2),
    "missing_rate": _rate("Missing"),
    "missing_rate_change": _rate("Missing, change", 2, "points"),
    "new_level_rate": _rate("New categories", 2),
    "out_of_range_rate": _rate("Out of range"),
    "labelled_rate": _rate("Outcome known"),
    "default_rate": _rate("Default rate"),
    "estimated_default_rate": _rate("Default rate, estimated"),
    "approval_rate": _rate("Approved"),
    "approved_default_rate": _rate("Default rate of approved"),
    "rescoring_mismatch": _rate("Scores that differ from the log"),
}


def words_of(metric: str) -> MetricWords:
    """The page's words for a metric; a cut-off is part of the name: precision@0.35."""
    name, _, cut_off = metric.partition("@")
    known = METRICS.get(name)
    if not cut_off:
        return known or MetricWords(name.replace("_", " ").capitalize())
    is_count = name.split("_")[-1] in ("positive", "negative")
    return MetricWords(f"{name.replace('_', ' ').capitalize()} at {cut_off}", "", 0 if is_count else 3)


def name_of(metric: str) -> str:
    return words_of(metric).name


def series(
    windows: Iterable[Window],
    figures: Mapping[int, Measurement],
    metric: str,
    levels: Levels,
    marks: Sequence[Mark],
) -> Chart:
    """One metric over the windows, with its threshold's bands and the shifts that were put in on purpose."""
    words = words_of(metric)
    points = [_point(window, figures.get(window.pk), levels) for window in windows]
    bands = _bands(levels.threshold(metric))
    return metric_series(name=words.name, points=points, unit=words.unit, digits=words.digits, bands=bands, marks=marks)


def discrimination(
    windows: Sequence[Window],
    figures: Mapping[str, Mapping[int, Measurement]],
    levels: Levels,
    marks: Sequence[Mark],
) -> Chart:
    """AUC over the windows: realised, and estimated where outcomes are not known yet.

    figures  metric to window id to measurement: auc, estimated_auc, auc_change
    The threshold on the change against the reference makes the bands.
    """
    before, change, bands = _reference_auc(windows, figures), levels.threshold("auc_change"), []
    if change and before is not None:
        bands = bands_beyond(change.side, watch=before + change.watch, breach=before + change.breach, digits=3)
    return auc_series(
        realised=[_point(window, figures["auc"].get(window.pk), levels) for window in windows],
        estimated=[_point(window, figures["estimated_auc"].get(window.pk), levels) for window in windows],
        bands=bands,
        reference=before,
        marks=marks,
    )


def _reference_auc(windows: Sequence[Window], figures: Mapping[str, Mapping[int, Measurement]]) -> float | None:
    """What AUC was in the reference: AUC minus its change, of the newest window that has both."""
    for window in reversed(windows):
        now, change = figures["auc"].get(window.pk), figures["auc_change"].get(window.pk)
        if now and change and now.value is not None and change.value is not None:
            return now.value - change.value
    return None


def _point(window: Window, figure: Measurement | None, levels: Levels) -> Point:
    if figure is None:
        return Point(at=window.start_on, value=None, label=window.label, why="this metric was not asked for")
    scale = words_of(figure.metric).scale
    value, low, high = (None if v is None else v * scale for v in (figure.value, figure.low, figure.high))
    return Point(
        at=window.start_on,
        value=value,
        low=low,
        high=high,
        label=window.label,
        state=levels.of(figure),
        why=figure.reason,
    )


def _bands(threshold: Threshold | None) -> list[Band]:
    if threshold is None:
        return []
    scale = words_of(threshold.metric).scale
    return bands_beyond(threshold.side, watch=threshold.watch * scale, breach=threshold.breach * scale)


def shift_marks(monitor: Monitor) -> list[Mark]:
    """Where shifts that were put in on purpose begin, by the feature; those of one month share a mark."""
    begins: dict[date, list[str]] = {}
    for shift in monitor.announced_shifts:
        if shift.get("months"):
            begins.setdefault(date.fromisoformat(f"{min(shift['months'])}-01"), []).append(shift["feature"])
    return [Mark(at=at, words=", ".join(names)) for at, names in sorted(begins.items())]


def feature_distribution(window: Window, feature: str) -> Chart | None:
    """The window's shares of a feature's PSI bins or levels against the reference's; None where none were kept."""
    kept = window.shares.get(feature)
    if kept is None or not sum(kept["current"]):
        return None
    kinds = {named["name"]: named["kind"] for named in window.monitor.columns["features"]}
    return distribution(
        feature=feature,
        labels=kept["labels"],
        reference=kept["reference"],
        current=kept["current"],
        categorical=kinds[feature] == "category",
        current_name=window.label,
    )


def importance(explanation: Explanation) -> Chart:
    return shap_importance(
        current=explanation.importance,
        reference=explanation.reference_importance,
        unit=SCALES[explanation.scale],
        current_name=explanation.window.label,
    )


SCALES = {"logit": "log-odds", "identity": "score"}


def swarm(explanation: Explanation) -> Chart | None:
    """The beeswarm, drawn from the filed numbers."""
    attachment = attachments_of(explanation).filter(role="shap report").first()
    if attachment is None or not effects.path_of(attachment.artefact.sha256).exists():
        return None
    with np.load(io.BytesIO(effects.path_of(attachment.artefact.sha256).read_bytes()), allow_pickle=False) as numbers:
        return beeswarm(
            shap_values=numbers["shap"],
            feature_values=numbers["values"],
            names=[str(name) for name in numbers["features"]],
            unit=SCALES[explanation.scale],
        )
