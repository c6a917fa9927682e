"""Set and end thresholds: each change is a new record, held at once against what was measured before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.refusals import InvalidInput, NotNow
from audit.services import record
from engines.log import LogSpec
from inventory.permissions import check_can_monitor
from monitoring import events
from monitoring.models import Monitor, Threshold
from monitoring.services.judging import judge_windows
from monitoring.services.standing import move_standing
from stats.catalogue import METRICS, WITH_USUAL, Metric, metric_named, split_name


@dataclass(frozen=True)
class Limit:
    """A threshold as it is asked for: from `watch` on it is watched, from `breach` on it is a breach.

    column   the feature that it is for; empty: every feature, or the score and the window as a whole
    segment  as column=value; empty: the whole window, not its segments
    """

    metric: str
    side: str
    watch: float
    breach: float
    rationale: str
    column: str = ""
    segment: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        """Where there is one threshold in force at a time."""
        return self.metric, self.column, self.segment


USUAL_LIMITS = tuple(
    Limit(metric.name, metric.bad, metric.usual.watch, metric.usual.breach, metric.usual.source)
    for metric in WITH_USUAL
)


@transaction.atomic
def set_threshold(*, monitor: Monitor, limit: Limit, by: Account) -> Threshold:
    """Put a threshold in force, in place of the one that is; every window is judged by it at once.

    Raises InvalidInput for a limit that no figure of the monitor could ever cross.
    """
    monitor = _locked(monitor)
    check_can_monitor(by, monitor.model)
    check_limits((limit,), LogSpec.from_dict(monitor.columns))
    before = monitor.thresholds.in_force().filter(**_at(limit)).first()
    if before:
        _end(before, by)
    threshold = Threshold.objects.create(model=monitor.model, monitor=monitor, set_by=by.person, **asdict(limit))
    record(
        events.THRESHOLD_SET,
        subject=threshold,
        trails=[monitor.model],
        rows=[before] if before else [],
        by=by,
        data={
            "monitor": monitor.name,
            "metric": limit.metric,
            "place": threshold.place,
            "side": limit.side,
            "watch": limit.watch,
            "breach": limit.breach,
            "before": f"{before.side} {before.watch} / {before.breach}" if before else "none",
            "rationale": limit.rationale,
        },
    )
    judge_windows(monitor=monitor, by=by)
    move_standing(model=monitor.model, by=by)
    return threshold


@transaction.atomic
def end_threshold(*, threshold: Threshold, reason: str, by: Account) -> Threshold:
    """Take a threshold out of force; what it judged stays on record and is open no longer."""
    monitor = _locked(threshold.monitor)
    check_can_monitor(by, monitor.model)
    threshold = Threshold.objects.select_for_update().get(pk=threshold.pk)
    if threshold.ended_at:
        raise NotNow(f"This threshold on {threshold.place} was ended before.")
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; the reason is part of the record."})
    _end(threshold, by)
    record(
        events.THRESHOLD_ENDED,
        subject=threshold,
        trails=[monitor.model],
        by=by,
        data={"monitor": monitor.name, "place": threshold.place, "reason": reason},
    )
    judge_windows(monitor=monitor, by=by)  # one of every column may govern again
    move_standing(model=monitor.model, by=by)
    return threshold


def _locked(monitor: Monitor) -> Monitor:
    return Monitor.objects.select_for_update(of=("self",)).select_related("model__unit").get(pk=monitor.pk)


def _at(limit: Limit) -> dict[str, str]:
    return {"metric": limit.metric, "column": limit.column, "segment": limit.segment}


def _end(threshold: Threshold, by: Account) -> None:
    threshold.ended_at, threshold.ended_by = timezone.now(), by.person
    threshold.save(update_fields=["ended_at", "ended_by"])


# ---- what a limit may be ------------------------------------------------------------------------------------
def check_limits(limits: Sequence[Limit], spec: LogSpec) -> None:
    """Raises InvalidInput with a sentence for each limit at fault, under limits/<its place>/<field>."""
    if problems := problems_of_limits(dict(enumerate(limits)), spec):
        raise InvalidInput(problems)


def problems_of_limits(limits: Mapping[int, Limit], spec: LogSpec | None) -> dict[str, str]:
    """A sentence for each limit at fault, by limits/<its place>/<field>.

    spec  None where the definition of the log cannot be read yet: what depends on it is not looked at
    """
    problems, first = {}, {}
    for place, limit in limits.items():
        for field, problem in _problems(limit, spec):
            problems.setdefault(f"limits/{place}/{field}", problem)
        if limit.place in first:
            problems.setdefault(
                f"limits/{place}/metric",
                f"limits/{first[limit.place]} is a threshold on the same figures; keep one of the two.",
            )
        first.setdefault(limit.place, place)
    return problems


def _problems(limit: Limit, spec: LogSpec | None) -> Iterator[tuple[str, str]]:
    """(field, sentence) of each thing that is wrong with a limit by itself."""
    yield from _about_levels(limit)
    metric = metric_named(limit.metric)
    if metric is None or metric.of == "sample":
        yield "metric", _no_such_metric(limit.metric)
        return
    if metric.bad not in (None, limit.side) and limit.side in Threshold.Side.values:
        yield "side", f"{metric.words} is bad {metric.bad} a limit, so a threshold {limit.side} one would praise it."
    if spec:
        yield from _about_log(limit, metric, spec)


def _about_log(limit: Limit, metric: Metric, spec: LogSpec) -> Iterator[tuple[str, str]]:
    if metric.at_cut_off and (wrong := _about_cut_off(limit, spec)):
        yield "metric", wrong
    if wrong := _about_column(limit, metric, spec):
        yield "column", wrong
    if limit.segment and limit.segment.partition("=")[0] not in spec.segments:
        known = ", ".join(f"{name}=…" for name in spec.segments) or "none"
        yield "segment", f"The monitor cuts its windows by {known}; got {limit.segment!r}."


def _about_levels(limit: Limit) -> Iterator[tuple[str, str]]:
    if limit.side not in Threshold.Side.values:
        yield "side", f"above or below is wanted, got {limit.side!r}."
        return
    for field in ("watch", "breach"):
        if not math.isfinite(getattr(limit, field)):
            yield field, f"A finite number is wanted, got {getattr(limit, field)}."
    if (limit.breach < limit.watch) if limit.side == "above" else (limit.breach > limit.watch):
        yield (
            "breach",
            f"The breach level must lie beyond the watch level: {limit.side} {limit.watch}, got {limit.breach}.",
        )


def _no_such_metric(name: str) -> str:
    plain, cut_off = split_name(name)
    if plain in METRICS and METRICS[plain].of == "sample":
        return f"{plain} is a breach by itself and has no threshold."
    if plain in METRICS:
        return f"{plain} has no cut-off." if cut_off else f"{plain} is measured at a cut-off: {plain}@0.5, for example."
    close = get_close_matches(plain, METRICS, n=1)
    return f"There is no metric {name!r}.{f' Is {close[0]} meant?' if close else ''}"


def _about_cut_off(limit: Limit, spec: LogSpec) -> str:
    known = [f"{value:g}" for value in spec.cut_offs]
    cut_off = split_name(limit.metric)[1]
    return "" if cut_off in known else f"The monitor's cut-offs are {', '.join(known)}; got {cut_off}."


def _about_column(limit: Limit, metric: Metric, spec: LogSpec) -> str:
    if not limit.column:
        return ""
    if metric.of == "window":
        return f"{metric.words} is of the score and the outcome, not of a feature; leave the column out."
    names = {"number": spec.numbers, "category": spec.categories}.get(metric.of, (*spec.numbers, *spec.categories))
    if limit.column in names:
        return ""
    is_feature = limit.column in (*spec.numbers, *spec.categories)
    return (
        f"{metric.words} is measured of a {metric.of}, and {limit.column!r} is none."
        if is_feature
        else f"There is no feature {limit.column!r}."
    )
