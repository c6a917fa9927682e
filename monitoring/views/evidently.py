"""What an Evidently report says, in one sentence beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from audit import effects
from figures.wording import percent_text

MOST_NAMED = 4


def said_by(files: Iterable) -> str:
    """What the filed figures of a report find, and why its verdict may differ from the page's; empty without any."""
    figures = next((file for file in files if file.role == "evidently figures"), None)
    if figures is None or not effects.path_of(figures.artefact.sha256).exists():
        return ""
    return sentence(json.loads(effects.path_of(figures.artefact.sha256).read_bytes()))


def sentence(found: dict) -> str:
    """The words for a report's own JSON; empty where it counts no drifted columns."""
    metrics = [metric for metric in found.get("metrics", []) if isinstance(metric.get("value"), dict | int | float)]
    counted = next((m for m in metrics if _kind(m) == "DriftedColumnsCount"), None)
    if counted is None:
        return ""
    columns = [metric for metric in metrics if _kind(metric) == "ValueDrift"]
    count, needed = int(counted["value"]["count"]), counted["config"]["drift_share"]
    is_drift = counted["value"]["share"] >= needed
    drifted = "column is" if count == 1 else "columns have"
    return (
        f"Evidently finds that {count} of {len(columns)} {drifted} drifted{_named(columns)}. Its “dataset drift” needs"
        f" {percent_text(needed, 0)} of the columns, so it says {'yes' if is_drift else 'no'}; this page judges each"
        " feature by the monitor’s thresholds."
    )


def _kind(metric: dict) -> str:
    return metric["metric_name"].partition("(")[0]


def _named(columns: list[dict]) -> str:
    """The columns that are beyond Evidently's own threshold, the furthest first."""
    beyond = [c for c in columns if c["value"] >= c["config"]["threshold"]]
    names = [c["config"]["column"] for c in sorted(beyond, key=lambda c: -c["value"])]
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f" ({', '.join(names[:MOST_NAMED])}{more})"
