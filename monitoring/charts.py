"""Charts of monitoring, from stored figures: windows over time, one feature, what drives the score."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

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
from monitoring.measures.judging import Levels
from monitoring.models import Explanation, Measurement, Monitor, Threshold, Window
from monitoring.wording import words_of


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
