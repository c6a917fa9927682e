"""Repeat a run to check it: its inputs are read again up to its cut-off, and compared with what was sealed.

Nothing that anybody relies on moves: no window, no profile, no breach, no standing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.utils import timezone

from accounts.refusals import NotNow
from audit.reading import every_entry, subject_name
from audit.services import record
from engines.interface import Engine
from engines.partition import MergeRefused, PartitionProfile
from engines.refusals import LogRefused
from engines.sources import LogFile, Partition
from inventory.policies import check_not_refused
from jobs.models import Job
from jobs.services import effects_of, finish
from monitoring import events
from monitoring.measures.digests import code_version, figures_digest, result_digest
from monitoring.measures.windows import MeasuredWindow, measure_windows
from monitoring.models import Measurement, Run, Window
from monitoring.services import profiles, runs
from monitoring.services.definitions import spec_of
from monitoring.services.reading import Progress, due_of, engine_of
from monitoring.sources import LocationRefused, find_log
from monitoring.wording import said
from stats.reference import ReferenceProfile

MOST_SAID = 50
NUMBERS = ("value", "bound", "low", "high")


def perform_repeat(*, run: Run, job: Job) -> None:
    """Read again what `run.repeats` read, measure it, and say what differs. Safe to repeat."""
    first, monitor, engine = run.repeats, run.monitor, engine_of(run.monitor)
    try:
        check_not_refused(monitor.version)
        partitions = engine.partitions(_files_of(first))
        reference, progress = profiles.load_reference(first.reference), Progress(job, partitions)
        with tempfile.TemporaryDirectory(prefix="assay-repeat-") as folder:
            read = list(_read(run, engine, reference, partitions, progress, Path(folder)))
            progress.say("Measuring windows")
            windows = measure_windows(
                read,
                _load,
                reference,
                span=monitor.span,
                minimum_rows=monitor.minimum_rows,
                due=due_of(run),
            )
    except (LogRefused, LocationRefused, MergeRefused, NotNow) as refusal:
        runs.refuse_run(run=run, reason=str(refusal), job=job)
        return
    complete_repeat(run=run, read=read, windows=windows, partitions=partitions, job=job)


@dataclass(frozen=True)
class Aside:
    """A profile that was read for a comparison alone: in a folder of its own, where no run finds it."""

    path: Path
    first_day: date | None
    last_day: date | None
    rows_read: int
    rows_refused: int
    reasons: list[str]


def _files_of(first: Run) -> list[LogFile]:
    """The files that the run read; those that came since are not of it. Raises LogRefused where one is gone."""
    monitor = first.monitor
    found = {file.key: file for file in find_log(monitor.location, monitor.format, monitor.model.unit)}
    if gone := [key for key in first.inputs if key not in found]:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise LogRefused(f"{gone[0]}{more} that {first.ref} read is not there any more", partition=gone[0])
    return [found[key] for key in first.inputs]


def _read(
    run: Run, engine: Engine, reference: ReferenceProfile, partitions: list[Partition], progress: Progress, folder: Path
) -> Iterator[Aside]:
    reading = engine.profile(
        partitions, spec_of(run.monitor), reference, labels_as_of=run.labels_as_of, progress=progress.rows
    )
    for place, partition in enumerate(partitions, start=1):
        progress.start(place, partition, "reading")
        yield _aside(next(reading), folder / str(place))
        progress.end(partition)


def _aside(profile: PartitionProfile, path: Path) -> Aside:
    path.write_bytes(profile.to_bytes())
    days = profile.days
    return Aside(
        path=path,
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        rows_read=profile.rows_read,
        rows_refused=sum(profile.refused.values()),
        reasons=profiles.reasons_of(profile),
    )


def _load(aside: Aside) -> PartitionProfile:
    return PartitionProfile.from_bytes(aside.path.read_bytes())


def complete_repeat(
    *, run: Run, read: Sequence[Aside], windows: list[MeasuredWindow], partitions: list[Partition], job: Job
) -> Run:
    """Write down how the repeat compares, on the run, the trail and the job; nothing else."""
    first, sealed = run.repeats, _sealed_of(run.repeats)
    digests = {w.start_on.isoformat(): figures_digest(w, w.figures, reference=first.reference.sha256) for w in windows}
    inputs = {partition.key: partition.sha256 for partition in partitions}
    reasons = [reason for aside in read for reason in aside.reasons]
    with effects_of(job):
        run.reference = first.reference
        run.inputs, run.reasons = inputs, reasons[:200]
        run.input_digest = runs.input_digest(run, first.reference, inputs)
        run.result_digest = result_digest({day: d for day, d in digests.items() if day in sealed or not sealed})
        run.differences = [*_of_inputs(first, inputs), *_of_windows(first, sealed, windows, digests)][:MOST_SAID]
        run.code_version = code_version()
        run.rows_read = sum(aside.rows_read for aside in read)
        run.rows_refused = sum(aside.rows_refused for aside in read)
        run.partitions_read = len(read)
        run.outcome = Run.Outcome.PARTLY if reasons else Run.Outcome.COMPUTED
        run.finished_at = timezone.now()
        run.save()
        record(
            events.RUN_REPEATED,
            subject=run,
            trails=[run.monitor.model],
            by=None,
            data={
                "run": run.ref,
                "repeats": first.ref,
                "verdict": run.verdict,
                "same_bits": run.same_bits,
                "differences": run.differences,
                "inputs": inputs,
                "input_digest": run.input_digest,
                "result_digest": run.result_digest,
                "code_version": run.code_version,
            },
        )
        finish(job=job, message=f"{run.rows_read:,} rows in {len(read)} partitions; {run.verdict}")
    return run


def _sealed_of(run: Run) -> dict[str, str]:
    """First day to digest of each window that the run measured, by its entry; empty where it names none."""
    entries = every_entry().filter(event=events.RUN_COMPLETED.name, subject=subject_name(run))
    return entries.get().data.get("figures", {})


def _of_inputs(first: Run, inputs: dict[str, str]) -> list[str]:
    return [
        f"{key} is another file than {first.ref} read: {sha256[:12]}… now, {first.inputs[key][:12]}… then."
        for key, sha256 in inputs.items()
        if sha256 != first.inputs[key]
    ]


def _of_windows(
    first: Run, sealed: dict[str, str], windows: list[MeasuredWindow], digests: dict[str, str]
) -> Iterator[str]:
    """A sentence for each window that does not come out as it was sealed."""
    for day in sorted(sealed.keys() - digests.keys()):
        yield f"The window from {day} has no rows any more."
    for window in windows:
        day = window.start_on.isoformat()
        if day in sealed and sealed[day] != digests[day]:
            yield _of_window(first, window, sealed[day])


def _of_window(first: Run, window: MeasuredWindow, sealed: str) -> str:
    label = Window(start_on=window.start_on, end_on=window.end_on).label
    if not window.rows:
        return f"{label}: no rows any more."
    stored = Window.objects.filter(monitor=first.monitor_id, start_on=window.start_on, figures_sha256=sealed).first()
    then = {_place(figure): figure for figure in Measurement.objects.filter(window=stored)}
    now = {_place(figure): figure for figure in window.figures}
    moved = [place for place in now if place not in then or _bits(now[place]) != _bits(then[place])]
    if window.versions != (stored.versions if stored else {}):
        return f"{label}: rows of other versions of the model."
    if not moved:
        return f"{label}: the same figures, of other counts."
    metric, column, segment = moved[0]
    values = [f"{figure.value:.6g}" if figure and figure.value is not None else "none" for figure in
              (now[moved[0]], then.get(moved[0]))]  # fmt: skip
    what = said(metric, column, segment)
    return f"{label}: {len(moved)} of {len(now)} figures differ, first {what}: {values[0]} now, {values[1]} then."


def _place(figure) -> tuple[str, str, str]:
    return figure.metric, figure.column or "", figure.segment


def _bits(figure) -> tuple:
    return figure.n, *(getattr(figure, name) for name in NUMBERS), figure.reason or ""
