"""Read one column of one window again, and hold the exact figures against those of the profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import numpy as np

from engines.exact import Between, exact_ranking, exact_values
from engines.interface import Engine
from engines.partition import window as merged
from engines.refusals import LogRefused
from engines.sources import LogFile, Partition
from jobs.models import Job
from jobs.services import report_progress
from monitoring.models import ExactCheck, Measurement, Monitor, StoredProfile, Window
from monitoring.services import profiles
from monitoring.services.definitions import spec_of
from monitoring.services.exact import complete_exact, refuse_exact
from monitoring.services.reading import engine_of
from monitoring.sources import LocationRefused, find_log
from monitoring.wording import name_of
from stats.raw import exact_distances, exact_psi, exact_quantiles, rank_of
from stats.reference import NumberBins, ReferenceProfile, ScoreBins
from stats.results import NotComputed, Outcome, Value
from stats.state import NumberCounts, ProfileState

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
ROUNDING = 1e-9  # relative: of sums that are added in another order


def perform_exact(*, check: ExactCheck, job: Job) -> None:
    """Compute and store the exact figures, or refuse with the reason where the log is not what was measured."""
    window, engine = check.window, engine_of(check.window.monitor)
    try:
        report_progress(job=job, done=0, total=3, step="Looking whether the files are those that were measured")
        before, now = _reference_files(engine, window), _window_files(engine, window)
        figures = list(_figures(check, before, now, job))
    except (LogRefused, LocationRefused) as refusal:
        refuse_exact(check=check, reason=str(refusal), job=job)
        return
    inputs = {partition.key: partition.sha256 for partition in now}
    complete_exact(check=check, figures=figures, inputs=inputs, job=job)


def _reference_files(engine: Engine, window: Window) -> list[Partition]:
    monitor, reference = window.monitor, window.run.reference
    files = find_log(monitor.reference_location, monitor.format, monitor.model.unit)
    return _unaltered(engine, files, reference.inputs, f"reference no. {reference.number}")


def _window_files(engine: Engine, window: Window) -> list[Partition]:
    """The files that hold the window's days, as its run read them."""
    monitor, run = window.monitor, window.run
    holding = StoredProfile.objects.filter(
        reference=run.reference, first_day__lte=window.end_on, last_day__gte=window.start_on
    )
    known = {(row.key, row.file_sha256) for row in holding}
    inputs = {key: sha256 for key, sha256 in run.inputs.items() if (key, sha256) in known}
    return _unaltered(engine, find_log(monitor.location, monitor.format, monitor.model.unit), inputs, run.ref)


def _unaltered(engine: Engine, files: list[LogFile], inputs: Mapping[str, str], what: str) -> list[Partition]:
    """Raises LogRefused where a file is gone, or holds other bytes than when it was read."""
    found = {file.key: file for file in files}
    if gone := sorted(inputs.keys() - found.keys()):
        raise LogRefused(f"{gone[0]} that {what} read is not there any more", partition=gone[0])
    partitions = engine.partitions([found[key] for key in inputs])
    for partition in partitions:
        if partition.sha256 != inputs[partition.key]:
            raise LogRefused(
                f"{partition.key} was altered since {what} read it, so what was measured cannot be read again",
                partition=partition.key,
            )
    return partitions


def _figures(check: ExactCheck, before: list[Partition], now: list[Partition], job: Job) -> Iterator[dict]:
    window, monitor = check.window, check.window.monitor
    spec, reference = spec_of(monitor), profiles.load_reference(window.run.reference)
    column = check.column or spec.score
    report_progress(job=job, done=1, total=3, step=f"Reading {column} of the reference")
    values = exact_values(before, spec, column, between=(monitor.reference_since, monitor.reference_until))
    report_progress(job=job, done=2, total=3, step=f"Reading {column} of {window.label}")
    current = exact_values(now, spec, column, between=_days(window))
    exact = _exact(check, reference, values, current)
    if not check.column:
        exact["auc"] = exact_ranking(now, spec, between=_days(window), labels_as_of=window.run.labels_as_of)
    yield from _beside(check, exact)
    yield from _quantiles(monitor, reference, window, check.column, current)


def _days(window: Window) -> Between:
    return window.start_on, window.end_on + timedelta(days=1)


def _exact(check: ExactCheck, reference: ReferenceProfile, before: np.ndarray, now: np.ndarray) -> dict[str, Outcome]:
    bins, prefix = _bins(reference, check.column), "" if check.column else "score_"
    distances = exact_distances(before, now)
    found = {"ks": distances, "wasserstein": distances} if isinstance(distances, NotComputed) else distances
    found |= {"psi": exact_psi(before, now, bins.edges[bins.cuts], with_missing=bool(check.column))}
    return {f"{prefix}{metric}": found[metric] for metric in ("psi", "ks", "wasserstein")}


def _bins(reference: ReferenceProfile, column: str) -> NumberBins | ScoreBins:
    return reference.number(column) if column else reference.score


def _beside(check: ExactCheck, exact: Mapping[str, Outcome]) -> Iterator[dict]:
    """Each exact value beside the stored one; what the window has no value of is left out."""
    stored = Measurement.objects.filter(
        window=check.window, column=check.column, segment="", metric__in=exact, value__isnull=False
    )
    known = {figure.metric: figure for figure in stored}
    for metric, outcome in exact.items():
        if metric in known and isinstance(outcome, Value):
            figure = known[metric]
            yield _line(metric, name_of(metric), figure.value, figure.bound, outcome.value)


def _line(metric: str, words: str, stored: float, bound: float | None, exact: float) -> dict:
    allowed = (bound or 0.0) + ROUNDING * max(abs(stored), abs(exact), 1e-3)
    return {
        "metric": metric,
        "words": words,
        "value": stored,
        "bound": bound,
        "exact": exact,
        "is_within": abs(stored - exact) <= allowed,
    }


def _quantiles(
    monitor: Monitor, reference: ReferenceProfile, window: Window, column: str, current: np.ndarray
) -> Iterator[dict]:
    """From the profile a quantile is known to lie in a bin; exactly, it is a value of the window's rows."""
    present = current[~np.isnan(current)]
    since, until = _days(window)
    state = merged(profiles.profiles_of(window), since=since, until=until)
    if state is None or present.size < monitor.minimum_rows:
        return
    bins, counts = _bins(reference, column), _counts(reference, state, column)
    for share, exact in zip(QUANTILES, exact_quantiles(present, QUANTILES), strict=True):
        place = int(np.searchsorted(np.cumsum(counts), rank_of(share, int(counts.sum()))))
        if 0 < place < bins.edges.size:  # beyond the outer edges nothing bounds it
            low, high = float(bins.edges[place - 1]), float(bins.edges[place])
            middle, half = (low + high) / 2, (high - low) / 2
            yield _line(f"quantile@{share:g}", f"{share:.0%} quantile", middle, half, float(exact))


def _counts(reference: ReferenceProfile, state: ProfileState, column: str) -> np.ndarray:
    if not column:
        return state.score.counts.sum(axis=0)
    place = [bins.name for bins in reference.numbers].index(column)
    number: NumberCounts = state.numbers[place]
    return number.counts[:-1]
