"""Everything that is wrong with a monitor's definition, found at once, each at its place in what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.conf import settings

from engines.log import Fault, LogSpec, LogSpecError, columns_named, faults_of
from engines.refusals import LogRefused
from engines.sources import SUFFIXES, check_columns
from inventory.models import Model
from monitoring.models import Monitor
from monitoring.services.thresholds import Limit, problems_of_limits
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
        _limits(plain.get("limits"), columns),
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


def _limits(limits: object, columns: Mapping) -> Iterator[Problem]:
    """What is wrong with thresholds, of those whose values are of their types."""
    listed = enumerate(limits if isinstance(limits, (list, tuple)) else ())
    read = {place: limit for place, plain in listed if (limit := _limit(plain)) is not None}
    yield from problems_of_limits(read, _spec(columns)).items()


def _limit(plain: object) -> Limit | None:
    if not isinstance(plain, Mapping):
        return None
    texts = {name: plain.get(name) or "" for name in ("metric", "side", "rationale", "column", "segment")}
    levels = {name: plain.get(name) for name in ("watch", "breach")}
    is_read = all(isinstance(text, str) for text in texts.values()) and all(map(_is_number, levels.values()))
    return Limit(**texts, **levels) if is_read and texts["metric"] else None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _spec(columns: Mapping) -> LogSpec | None:
    try:
        return LogSpec.from_dict(dict(columns))
    except (LogSpecError, TypeError, ValueError, AttributeError):
        return None
