"""Which threshold governs a figure."""

from __future__ import annotations

from collections.abc import Mapping

from monitoring.models import Threshold
from stats.measure import Figure


def threshold_for(figure: Figure, thresholds: Mapping[str, Threshold]) -> Threshold | None:
    """The threshold that governs a figure; segments are measured, not judged."""
    return None if figure.segment or figure.value is None else thresholds.get(figure.metric)
