"""How a model stands in monitoring: a function of all its records, whichever monitor ran last."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from accounts.models import Account
from inventory.models import Model, ReviewMark, Standing
from inventory.services import lock_standing, mark_downstream, set_standing
from monitoring.measures.judging import Levels, judge
from monitoring.models import Breach, Measurement, Run, Window
from stats.catalogue import METRICS

HISTORY = 12
Light = Standing.Light


@transaction.atomic
def move_standing(*, model: Model, by: Account | None = None) -> Standing:
    """Write how the model stands into its row for lists. Where it went red, every model downstream is to be reviewed.

    by  who set or ended a threshold; None: a run found it
    """
    before = lock_standing(model=model).light
    moved = set_standing(model=model, part="monitoring", **standing_of(model))
    if moved.light == Light.BREACH != before:
        mark_downstream(upstream=model, cause=ReviewMark.Cause.RED_MONITOR, what="Its monitoring went red.", by=by)
    return moved


def standing_of(model: Model) -> dict:
    """The worst of all its monitors, and a year of the headline figures of the one whose newest window ends last.

    Reads only. A model without a window stands as unknown.
    """
    current = _current_windows(model)
    breaches = list(Breach.objects.filter(model=model).standing())
    newest = _history_of(current[0]) if current else []
    auc, score_psi = (_values(newest, metric) for metric in ("auc", "score_psi"))
    return {
        "light": _light(breaches, current),
        "open_breaches": sum(breach.level == Breach.Level.BREACH for breach in breaches),
        "last_run_at": _last_run_at(model) if current else None,
        "last_window": newest[-1].label if newest else "",
        "auc_history": auc,
        "score_psi_history": score_psi,
        "latest_auc": _last(auc),
        "latest_score_psi": _last(score_psi),
    }


def headline_levels(model: Model) -> dict[str, str]:
    """How the newest AUC and PSI of the score stand by their thresholds: good, watch, breach; '' without one."""
    current = _current_windows(model)
    if not current:
        return {}
    levels = Levels(current[0].monitor.thresholds.in_force())
    return {metric: _level(_history_of(current[0]), metric, levels) for metric in ("auc", "score_psi")}


def _level(windows: list[Window], metric: str, levels: Levels) -> str:
    """Of the newest value; judged, where it has no threshold of its own, by the metric that its catalogue names."""
    of_whole = Measurement.objects.filter(window__in=windows, column="", segment="", value__isnull=False)
    newest = of_whole.filter(metric=metric).order_by("-window__start_on").first()
    if newest is None:
        return ""
    judge_of_it = of_whole.filter(window=newest.window_id, metric=METRICS[metric].judged_by).first()
    return levels.of(newest) or (levels.of(judge_of_it) if judge_of_it else "")


def _current_windows(model: Model) -> list[Window]:
    """The newest window of each monitor, the one that ends last first."""
    windows = Window.objects.newest_revisions().filter(monitor__model=model).select_related("monitor").defer("shares")
    newest = windows.order_by("monitor_id", "-start_on").distinct("monitor_id")
    return sorted(newest, key=lambda window: (-window.end_on.toordinal(), window.monitor_id))


def _last_run_at(model: Model) -> datetime | None:
    return Run.objects.measured().filter(model=model).aggregate(last=Max("finished_at"))["last"]


def _light(breaches: list[Breach], current: list[Window]) -> Light:
    levels = {breach.level for breach in breaches}
    found = next((light for light in (Light.BREACH, Light.WATCH) if light in levels), None)
    return found or (Light.GOOD if any(map(_is_judged, current)) else Light.UNKNOWN)


def _is_judged(window: Window) -> bool:
    """Whether a threshold governs any figure of the window."""
    return any(judge(Measurement.objects.filter(window=window), window.monitor.thresholds.in_force()))


def _history_of(window: Window) -> list[Window]:
    """The windows of its monitor that a year of values is of, oldest first."""
    windows = Window.objects.newest_revisions().filter(monitor=window.monitor).defer("shares")
    return list(windows.order_by("-start_on")[:HISTORY])[::-1]


def _values(windows: list[Window], metric: str) -> list[float | None]:
    figures = Measurement.objects.filter(window__in=windows, metric=metric, column="", segment="")
    found = dict(figures.values_list("window_id", "value"))
    return [found.get(window.pk) for window in windows]


def _last(values: list[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)
