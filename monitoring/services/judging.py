"""Judge stored figures: a breach is opened where one is beyond the threshold that governs it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import batched

from django.db import transaction

from accounts.models import Account
from audit.services import record
from monitoring import events
from monitoring.measures.judging import Judgement, judge
from monitoring.models import Breach, Measurement, Monitor, Window
from monitoring.wording import said, words_of

BATCH = 50  # windows whose figures are in memory at once


@transaction.atomic
def judge_windows(*, monitor: Monitor, windows: Iterable[Window] | None = None, by: Account | None) -> list[Breach]:
    """Hold stored figures against the thresholds in force; return the breaches that this opened.

    windows  of the monitor; without them, the newest revision of each
    What was judged before by the same threshold is not opened again: safe to repeat. Figures stay as they are.
    """
    thresholds = list(monitor.thresholds.in_force())
    windows = Window.objects.newest_revisions().filter(monitor=monitor) if windows is None else windows
    opened = []
    for some in batched(windows, BATCH, strict=False):
        opened += _judge(monitor, some, thresholds, by)
    return opened


def _judge(monitor: Monitor, windows: tuple[Window, ...], thresholds: list, by: Account | None) -> list[Breach]:
    figures = Measurement.objects.filter(window__in=windows, metric__in={t.metric for t in thresholds})
    known = set(map(_place, Breach.objects.filter(window__in=windows)))
    beyond = [
        judgement
        for judgement in judge(figures.select_related("window__run").order_by("pk"), thresholds)
        if judgement.level in Breach.Level.values and _place(judgement.figure, judgement.threshold.pk) not in known
    ]
    return [_open(monitor, judgement, by) for judgement in beyond]


def _place(row, threshold_id: int | None = None) -> tuple:
    return row.window_id, threshold_id or row.threshold_id, row.metric, row.column, row.segment


def _open(monitor: Monitor, judgement: Judgement, by: Account | None) -> Breach:
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
        record(
            events.BREACH_OPENED,
            subject=breach,
            trails=[monitor.model],
            by=by,
            data={
                "metric": figure.metric,
                "column": figure.column,
                "value": round(figure.value, 6),
                "threshold": threshold.breach,
                "what": said(figure.metric, figure.column, figure.segment),
                "shown": words_of(figure.metric).with_unit(figure.value),
                "limit": f"{threshold.side} {words_of(figure.metric).as_limit(threshold.breach)}",
                "window": figure.window.label,
                "run": figure.window.run.ref,
            },
        )
    return breach
