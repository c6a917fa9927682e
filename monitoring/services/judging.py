"""Judge stored figures: where one is beyond the threshold that governs it a breach opens; it moves and ends with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import batched

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from audit.events import Event
from audit.services import record
from monitoring import events
from monitoring.measures.judging import Judgement, judge
from monitoring.models import Breach, Measurement, Monitor, Threshold, Window
from monitoring.wording import said, words_of

BATCH = 50  # windows whose figures are in memory at once


@transaction.atomic
def judge_windows(*, monitor: Monitor, windows: Iterable[Window] | None = None, by: Account | None) -> list[Breach]:
    """Hold stored figures against the thresholds in force; return the breaches that this opened.

    windows  newest revisions of the monitor; without them, that of each window
    A breach that was open before stays the same one: it moves with its figure, or ends. Safe to repeat. Figures stay
    as they are.
    """
    thresholds = list(monitor.thresholds.in_force())
    windows = Window.objects.newest_revisions().filter(monitor=monitor) if windows is None else windows
    opened, untold = [], []
    for some in batched(windows, BATCH, strict=False):
        opened += _judge(monitor, some, thresholds, untold, by)
    _announce_together(monitor, untold, by)
    return opened


def _announce_together(monitor: Monitor, untold: list[Breach], by: Account | None) -> None:
    """One entry for all: a breach is news by itself, what is on watch or moves without a new level is not."""
    if untold:
        record(
            events.WATCH_MOVED,
            subject=monitor,
            trails=[monitor.model],
            rows=untold,
            by=by,
            data={"monitor": monitor.name, "count": len(untold)},
        )


def _judge(
    monitor: Monitor, windows: tuple[Window, ...], thresholds: list, untold: list[Breach], by: Account | None
) -> list[Breach]:
    """The breaches that are new; those that were stored without an entry of their own are added to `untold`."""
    known = {_place(breach, breach.window): breach for breach in _open_in(monitor, windows)}
    metrics = {threshold.metric for threshold in thresholds} | {metric for _, metric, _, _ in known}
    stored = Measurement.objects.filter(window__in=windows, metric__in=metrics)
    figures = {_place(figure, figure.window): figure for figure in stored.select_related("window__run").order_by("pk")}
    judged = {_place(j.figure, j.figure.window): j for j in judge(figures.values(), thresholds)}
    beyond = {place: judgement for place, judgement in judged.items() if judgement.level in Breach.Level.values}
    for place, breach in known.items():
        if place in beyond:
            _move(breach, beyond[place], untold, by)
        else:
            _end(breach, _why_ended(figures.get(place), judged.get(place)), untold, by)
    return [_open(monitor, judgement, untold, by) for place, judgement in beyond.items() if place not in known]


def _open_in(monitor: Monitor, windows: Iterable[Window]) -> QuerySet[Breach]:
    """Open breaches of the windows, in whatever revision, but for those that are breaches by themselves."""
    starts = [window.start_on for window in windows]
    found = Breach.objects.open().filter(window__monitor=monitor, window__start_on__in=starts, threshold__isnull=False)
    return found.select_related("window", "threshold", "model").order_by("pk")


def _place(row: Breach | Measurement, window: Window) -> tuple[date, str, str, str]:
    return window.start_on, row.metric, row.column, row.segment


def _open(monitor: Monitor, judgement: Judgement, untold: list[Breach], by: Account | None) -> Breach:
    figure, threshold = judgement.figure, judgement.threshold
    breach = Breach.objects.create(
        model_id=monitor.model_id,
        window=figure.window,
        threshold=threshold,
        metric=figure.metric,
        column=figure.column,
        segment=figure.segment,
        value=figure.value,
        level=judgement.level,
    )
    if breach.level == Breach.Level.BREACH:
        _announce(events.BREACH_OPENED, breach, judgement, by)
    else:
        untold.append(breach)
    return breach


def _move(breach: Breach, judgement: Judgement, untold: list[Breach], by: Account | None) -> None:
    """The same breach, as its figure and its threshold are now; a change of its level is announced."""
    figure, before = judgement.figure, breach.level
    wanted = {
        "window": figure.window,
        "threshold": judgement.threshold,
        "value": figure.value,
        "level": judgement.level,
    }
    if all(getattr(breach, name) == value for name, value in wanted.items()):
        return
    shown = words_of(breach.metric).with_unit(breach.value)
    for name, value in wanted.items():
        setattr(breach, name, value)
    breach.save(update_fields=list(wanted))
    if breach.level == before:
        untold.append(breach)
    elif breach.level == Breach.Level.BREACH:
        _announce(events.BREACH_RAISED, breach, judgement, by, before=shown)
    else:
        _announce(events.BREACH_EASED, breach, judgement, by, before=shown)


def _end(breach: Breach, reason: str, untold: list[Breach], by: Account | None) -> None:
    breach.ended_at, breach.end_reason = timezone.now(), reason
    breach.save(update_fields=["ended_at", "end_reason"])
    if breach.level == Breach.Level.BREACH:
        told = {
            "what": said(breach.metric, breach.column, breach.segment),
            "window": breach.window.label,
            "reason": reason,
        }
        record(events.BREACH_ENDED, subject=breach, trails=[breach.model], by=by, data=told)
    else:
        untold.append(breach)


def _why_ended(figure: Measurement | None, judgement: Judgement | None) -> str:
    """Of a figure that is not beyond any more: for its own sake, or for its threshold's."""
    if judgement is None:
        has_no_value = figure is None or figure.value is None
        why = figure.reason if figure else "it is not measured"
        return f"Restated without a value: {why}"[:300] if has_no_value else "No threshold governs it any more"
    shown, threshold = words_of(figure.metric).with_unit(figure.value), judgement.threshold
    return f"{shown} in revision {figure.window.revision}; watch is {threshold.side} {_limit(threshold, 'watch')}"


def _limit(threshold: Threshold, level: str) -> str:
    return words_of(threshold.metric).as_limit(getattr(threshold, level))


def _announce(event: Event, breach: Breach, judgement: Judgement, by: Account | None, before: str = "") -> None:
    """Say what is beyond which limit and why that is one; before: what the breach said so far."""
    figure, threshold = judgement.figure, judgement.threshold
    record(
        event,
        subject=breach,
        trails=[breach.model],
        by=by,
        data={
            "metric": figure.metric,
            "column": figure.column,
            "value": round(figure.value, 6),
            "threshold": getattr(threshold, judgement.level),
            "what": said(figure.metric, figure.column, figure.segment),
            "shown": words_of(figure.metric).with_unit(figure.value),
            "limit": f"{threshold.side} {_limit(threshold, judgement.level)}",
            "window": figure.window.label,
            "run": figure.window.run.ref,
            "before": before,
            "reason": threshold.rationale,
        },
    )
