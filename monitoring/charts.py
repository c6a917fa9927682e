"""Charts of monitoring, from stored figures: windows over time, one feature, what drives the score."""

from __future__ import annotations

import io
import json
import re
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
from monitoring.wording import NO_ROWS, words_of


def series(
    windows: Iterable[Window],
    figures: Mapping[int, Measurement],
    metric: str,
    levels: Levels,
    marks: Sequence[Mark],
    chosen: Window,
    column: str = "",
) -> Chart:
    """One metric over the windows, with its threshold's bands and where shifts of the demonstration begin."""
    words = words_of(metric)
    points = [_point(window, figures.get(window.pk), levels) for window in windows]
    bands = _bands(levels.governing(metric, column))
    return metric_series(
        name=words.name,
        points=points,
        unit=words.unit,
        digits=words.digits,
        bands=bands,
        marks=marks,
        chosen=chosen.start_on,
    )


def discrimination(
    windows: Sequence[Window],
    figures: Mapping[str, Mapping[int, Measurement]],
    levels: Levels,
    marks: Sequence[Mark],
    chosen: Window,
) -> Chart:
    """AUC over the windows: realised, and estimated where outcomes are not known yet.

    figures  metric to window id to measurement: auc, estimated_auc, auc_change
    The threshold on the change against the reference makes the bands.
    """
    before, change, bands = _reference_auc(windows, figures), levels.governing("auc_change"), []
    if change and before is not None:
        bands = bands_beyond(change.side, watch=before + change.watch, breach=before + change.breach, digits=3)
    return auc_series(
        realised=[_point(window, figures["auc"].get(window.pk), levels) for window in windows],
        estimated=[_point(window, figures["estimated_auc"].get(window.pk), levels) for window in windows],
        bands=bands,
        reference=before,
        marks=marks,
        chosen=chosen.start_on,
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
        why = "this metric was not asked for" if window.rows else NO_ROWS
        return Point(at=window.start_on, value=None, label=window.label, why=why)
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


def shift_marks(monitor: Monitor, feature: str = "") -> list[Mark]:
    """Where shifts that the log was made with begin; those of one month share a mark. feature: its own alone."""
    begins: dict[date, list[str]] = {}
    for shift in monitor.announced_shifts:
        if shift.get("months") and feature in ("", shift["feature"]):
            begins.setdefault(date.fromisoformat(f"{min(shift['months'])}-01"), []).append(shift["feature"])
    return [Mark(at=at, words=f"{', '.join(names)} shift begins") for at, names in sorted(begins.items())]


def feature_distribution(window: Window, feature: str) -> Chart | None:
    """The window's shares of a feature's PSI bins or levels against the reference's; None where none were kept."""
    kept = window.shares.get(feature)
    if kept is None or not sum(kept["current"]):
        return None
    known = next(named for named in window.monitor.columns["features"] if named["name"] == feature)
    is_category, meaning = known["kind"] == "category", known.get("meaning", "")
    rows = list(zip(kept["labels"], kept["reference"], kept["current"], strict=True))
    if is_category:
        rows = _in_order(rows, codes_in(meaning))
    labels, reference, current = zip(*rows, strict=True)
    return distribution(
        feature=feature,
        labels=labels,
        reference=reference,
        current=current,
        meaning="" if re.match(r"-?\d", meaning) else meaning.partition(":")[0],
        categorical=is_category,
        current_name=window.label,
    )


def codes_in(meaning: str) -> dict[str, str]:
    """What coded levels mean, where the feature's own description lists them.

    >>> codes_in("Education: 1 graduate school, 2 university")
    {'1': 'graduate school', '2': 'university'}
    """
    return dict(re.findall(r"(?:^|[:,;] *)(-?\d+) ([^\d,;]+)(?=[,;]|$)", meaning))


def _in_order(rows: list[tuple], codes: Mapping[str, str]) -> list[tuple]:
    """Levels that are numbers in their order, each with what it means; then the others, as they were kept."""
    coded = sorted((row for row in rows if _is_code(row[0])), key=lambda row: float(row[0]))
    others = [row for row in rows if not _is_code(row[0])]
    return [(f"{label} {codes.get(label, '')}".rstrip(), *counts) for label, *counts in [*coded, *others]]


def _is_code(label: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", label) is not None


def importance(explanation: Explanation) -> Chart:
    return shap_importance(
        current=explanation.importance,
        reference=explanation.reference_importance,
        unit=SCALES[explanation.scale],
        current_name=explanation.window.label,
    )


SCALES = {"logit": "log-odds", "identity": "score"}


def swarm(explanation: Explanation) -> Chart | None:
    """The beeswarm, drawn from the filed numbers; None for reports that were filed without bins."""
    attachment = attachments_of(explanation).filter(role="shap report").first()
    if attachment is None or not effects.path_of(attachment.artefact.sha256).exists():
        return None
    with np.load(io.BytesIO(effects.path_of(attachment.artefact.sha256).read_bytes()), allow_pickle=False) as numbers:
        if "bins" not in numbers:
            return None
        labels = [json.loads(str(words)) for words in numbers["labels"]]
        return beeswarm(
            shap_values=numbers["shap"],
            feature_values=_heights(numbers["bins"], labels),
            words=_words(numbers["bins"], labels),
            names=[str(name) for name in numbers["features"]],
            unit=SCALES[explanation.scale],
        )


def _heights(bins: np.ndarray, labels: list[list[str]]) -> np.ndarray:
    """(n, p) how high each bin stands among its feature's; codes by their number, other names as they are sorted.

    NaN for the missing, the last of each feature's bins.
    """
    heights = np.column_stack([_ranks(words)[column] for words, column in zip(labels, bins.T, strict=True)])
    return np.where(bins == [len(words) - 1 for words in labels], np.nan, heights)


def _ranks(labels: list[str]) -> np.ndarray:
    """A number's ranges stand in their order already; of levels only codes and names have one."""
    if "new" not in labels[-2:]:
        return np.arange(len(labels), dtype=float)
    ordered = sorted(labels[:-3], key=lambda label: (0, float(label), "") if _is_code(label) else (1, 0.0, label))
    return np.array([*map(ordered.index, labels[:-3]), *range(len(ordered), len(labels))], float)


def _words(bins: np.ndarray, labels: list[list[str]]) -> np.ndarray:
    """(n, p) the words of each bin."""
    return np.column_stack([np.array(words)[column] for words, column in zip(labels, bins.T, strict=True)])
