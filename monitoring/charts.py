"""Charts of monitoring, from stored figures: windows over time, one feature, what drives the score."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date

import numpy as np
from figures import (
    Band,
    Chart,
    Mark,
    Point,
    bands_beyond,
    beeswarm,
    bin_labels,
    distribution,
    metric_series,
    shap_importance,
)

from audit import effects
from audit.models import Attachment
from engines.partition import window as merged_window
from monitoring.models import Explanation, Measurement, Monitor, Threshold, Window
from monitoring.services.explanations import load_reference, profiles_of
from stats.bins import coarse

# What the page calls a metric, its unit and its decimals.
METRICS = {
    "auc": ("AUC", "", 3),
    "score_psi": ("PSI of the score", "nats", 3),
    "psi": ("PSI", "nats", 3),
    "ks": ("KS", "", 3),
    "missing_rate": ("Missing", "%", 1),
    "brier": ("Brier score", "", 4),
    "gini": ("Gini", "", 3),
    "observed_to_expected": ("Observed / expected", "", 2),
    "estimated_auc": ("AUC, estimated", "", 3),
    "missing_rate_change": ("Missing, change", "points", 3),
    "auc_change": ("AUC, change", "", 3),
    "new_level_rate": ("New categories", "%", 2),
    "out_of_range_rate": ("Out of range", "%", 1),
    "rescoring_mismatch": ("Scores that differ from the log", "%", 1),
}


def name_of(metric: str) -> str:
    return METRICS.get(metric, (metric.replace("_", " ").replace("@", " at "), "", 3))[0]


def series(
    windows: Iterable[Window],
    figures: dict[int, Measurement],
    metric: str,
    threshold: Threshold | None,
    marks: list[Mark],
) -> Chart:
    """One metric over the windows, with its threshold's bands and the shifts that were put in on purpose."""
    name, unit, digits = METRICS.get(metric, (name_of(metric), "", 3))
    points = [_point(window, figures.get(window.pk)) for window in windows]
    return metric_series(
        name=name, points=points, unit=unit, digits=digits, bands=_bands(threshold), marks=marks, window_title="Window"
    )


def _point(window: Window, figure: Measurement | None) -> Point:
    if figure is None:
        return Point(at=window.start_on, value=None, label=window.label, why="this metric was not asked for")
    return Point(
        at=window.start_on,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        label=window.label,
        state=figure.level,
        why=figure.reason,
    )


def _bands(threshold: Threshold | None) -> list[Band]:
    return bands_beyond(threshold.side, watch=threshold.watch, breach=threshold.breach) if threshold else []


def shift_marks(monitor: Monitor) -> list[Mark]:
    """Where shifts that were put in on purpose begin."""
    return [Mark(at=date.fromisoformat(s["from"]), words=s["what"]) for s in monitor.announced_shifts if s.get("from")]


def feature_distribution(window: Window, feature: str) -> Chart | None:
    """The window's shares of a feature's PSI bins or levels against the reference's; None without stored profiles."""
    reference, _ = load_reference(window.run.reference)
    following = window.end_on.fromordinal(window.end_on.toordinal() + 1)
    state = merged_window(profiles_of(window), since=window.start_on, until=following)
    if state is None:
        return None
    names = [bins.name for bins in reference.numbers]
    if feature in names:
        place = names.index(feature)
        bins, before, now = reference.numbers[place], reference.state.numbers[place], state.numbers[place]
        edges = bins.edges[bins.cuts]
        labels = bin_labels([float(edge) for edge in edges], missing=True)
        counts = [np.append(coarse(side.counts[:-1], bins.cuts), side.missing) for side in (before, now)]
    else:
        place = [levels.name for levels in reference.categories].index(feature)
        levels, before, now = reference.categories[place], reference.state.categories[place], state.categories[place]
        labels = [*levels.levels, "other", "new", "missing"]
        counts = [before.counts, now.counts]
    return distribution(
        feature=feature,
        labels=labels,
        reference=[float(c) for c in counts[0]],
        current=[float(c) for c in counts[1]],
        categorical=feature not in names,
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
    attachment = Attachment.objects.of(explanation).filter(role="shap report").select_related("artefact").first()
    if attachment is None:
        return None
    with np.load(io.BytesIO(effects.path_of(attachment.artefact.sha256).read_bytes()), allow_pickle=False) as numbers:
        return beeswarm(
            shap_values=numbers["shap"],
            feature_values=numbers["values"],
            names=[str(name) for name in numbers["features"]],
            unit=SCALES[explanation.scale],
        )
