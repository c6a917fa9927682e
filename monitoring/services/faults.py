"""Everything that is wrong with a monitor's definition, found at once, each at its place in what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.conf import settings

from engines.log import Fault, columns_named, faults_of
from engines.refusals import LogRefused
from engines.sources import SUFFIXES, check_columns
from inventory.models import Model
from monitoring.models import Monitor, Threshold
from monitoring.sources import LocationRefused, find_log
from web.text import is_storable

LOCATIONS = ("location", "reference_location")
Problem = tuple[str, str]  # path of the field, sentence


def problems_of(model: Model, plain: Mapping) -> dict[str, str]:
    """A sentence for each field at fault, by its path: columns/features/0/name.

    plain  a definition as plain values, as the API takes it. What is missing or not of its type is passed over:
           that it is so is for whoever reads the values to say.
    """
    columns = plain.get("columns")
    columns = {"time_zone": settings.BANK_TIME_ZONE} | columns if isinstance(columns, Mapping) else {}
    checks = (
        _name(model, plain.get("name")),
        (_at("columns", fault) for fault in faults_of(columns)),
        _logs(model, plain, columns),
        _days(plain.get("reference_since"), plain.get("reference_until")),
        _limits(plain.get("limits")),
    )
    problems: dict[str, str] = {}
    for place, sentence in (found for check in checks for found in check):
        problems.setdefault(place, sentence)
    return problems


def sentence(reason: str) -> str:
    """A reason as the engine gives it, as a sentence."""
    return f"{reason[0].upper()}{reason[1:]}."


def path_of(field: str, place: tuple[str | int, ...]) -> str:
    return "/".join(map(str, (field, *place)))


def _at(field: str, fault: Fault) -> Problem:
    return path_of(field, fault.place), sentence(fault.reason)


def _name(model: Model, name: object) -> Iterator[Problem]:
    if is_storable(name) and model.monitors.filter(name=name).exists():
        yield "name", f"{model.ref} has a monitor called {name!r} already."


def _logs(model: Model, plain: Mapping, columns: Mapping) -> Iterator[Problem]:
    """What the files at both locations say of the columns, whatever else is wrong with the definition."""
    format, named = plain.get("format", Monitor.Format.PARQUET), columns_named(columns)
    for field in LOCATIONS:
        if not (plain.get(field) and is_storable(plain[field]) and format in list(SUFFIXES)):
            continue
        try:
            files = find_log(plain[field], format, model.unit)
        except (LocationRefused, LogRefused) as refusal:
            yield field, sentence(str(refusal).rstrip("."))
            continue
        for problem in check_columns(files, named):
            yield path_of("columns", problem.place) if problem.place else field, sentence(problem.reason)


def _days(since: object, until: object) -> Iterator[Problem]:
    if since and until and str(until) < str(since):
        yield "reference_until", f"The reference cannot end before it begins: from {since}, got {until}."


def _limits(limits: object) -> Iterator[Problem]:
    seen = set()
    for place, limit in enumerate(limits if isinstance(limits, (list, tuple)) else ()):
        if not isinstance(limit, Mapping):
            continue
        yield from _limit(f"limits/{place}", limit)
        metric = limit.get("metric")
        figures = str(metric), str(limit.get("column") or ""), str(limit.get("segment") or "")
        if isinstance(metric, str) and figures in seen:
            yield f"limits/{place}/metric", f"There are two limits on {metric}; one is wanted."
        seen.add(figures)


def _limit(path: str, limit: Mapping) -> Iterator[Problem]:
    side, watch, breach = (limit.get(name) for name in ("side", "watch", "breach"))
    if side not in Threshold.Side.values:
        yield f"{path}/side", f"above or below is wanted, got {side!r}."
        return
    if not all(isinstance(level, (int, float)) for level in (watch, breach)):
        return
    if (breach < watch) if side == Threshold.Side.ABOVE else (breach > watch):
        beyond = f"{side} {watch}, got {breach}"
        yield f"{path}/breach", f"The breach level must lie beyond the watch level: {beyond}."
