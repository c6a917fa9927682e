"""Do a run: read what is new of the log through an engine, measure every window, store it all at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.refusals import NotNow
from engines.interface import Engine
from engines.local import LocalEngine
from engines.partition import MergeRefused, PartitionProfile
from engines.refusals import LogRefused
from engines.sources import Partition
from inventory.policies import check_not_refused
from jobs.models import Job
from jobs.services import report_progress
from monitoring.measures.windows import complete_by, measure_windows
from monitoring.models import Monitor, Reference, Run, StoredProfile
from monitoring.services import profiles, runs
from monitoring.services.definitions import spec_of
from monitoring.sources import LocationRefused, find_log
from stats.reference import ReferenceProfile

REPORT_EVERY = 0.5  # seconds between progress rows in the database


def perform_run(*, run: Run, job: Job) -> None:
    """Read the log and complete the run, or refuse it with the reason. Safe to repeat: what was read is kept."""
    monitor, engine = run.monitor, engine_of(run.monitor)
    try:
        check_not_refused(monitor.version)
        partitions = engine.partitions(find_log(monitor.location, monitor.format, monitor.model.unit))
        progress = Progress(job, partitions)
        reference, profile = _reference(run, engine, progress)
        stored, reused = _Reading(run, engine, reference, profile, progress).profiles(partitions)
        progress.say("Measuring windows")
        windows = measure_windows(
            stored,
            lambda kept: profiles.load_profile(kept.sha256),
            profile,
            span=monitor.span,
            minimum_rows=monitor.minimum_rows,
            due=due_of(run),
        )
    except (LogRefused, LocationRefused, MergeRefused, NotNow) as refusal:
        runs.refuse_run(run=run, reason=str(refusal), job=job)
        return
    inputs = {partition.key: partition.sha256 for partition in partitions}
    runs.complete_run(
        run=run, reference=reference, profiles=stored, windows=windows, inputs=inputs, reused=reused, job=job
    )


def due_of(run: Run) -> tuple[date, date] | None:
    """Days that rows are due of by the run's cut-off: of a monitor that runs by itself, since it was defined."""
    monitor, zone = run.monitor, ZoneInfo(settings.BANK_TIME_ZONE)
    since = monitor.defined_at.astimezone(zone).date()
    until = complete_by(run.labels_as_of.astimezone(zone).date(), monitor.span)
    return (since, until) if monitor.schedule_id and since <= until else None


def engine_of(_monitor: Monitor) -> Engine:
    """What reads the monitor's log: files, in this process."""
    return LocalEngine()


class Progress:
    """Bytes done of all bytes, shown at most twice a second; raises JobCancelled when somebody asked for it."""

    def __init__(self, job: Job, partitions: list[Partition]):
        self.job, self.count = job, len(partitions)
        self.total = sum(partition.bytes for partition in partitions)
        self.done, self.place, self.step, self._shown_at = 0, 0, "", 0.0

    def start(self, place: int, partition: Partition, what: str) -> None:
        self.place, self.step = place, f"Partition {place} of {self.count}: {what} {partition.key}"
        self._show(self.done)

    def rows(self, partition: Partition, read: int, rows: int | None) -> None:
        if time.monotonic() - self._shown_at > REPORT_EVERY:
            share = read / rows if rows else 0.0
            self._show(self.done + int(partition.bytes * min(share, 1.0)), f"{self.step}, {read:,} rows")

    def end(self, partition: Partition) -> None:
        self.done += partition.bytes

    def say(self, step: str) -> None:
        self.step = step
        self._show(self.done)

    def _show(self, done: int, step: str | None = None) -> None:
        self._shown_at = time.monotonic()
        report_progress(job=self.job, done=min(done, self.total), total=self.total, step=(step or self.step)[:200])


def _reference(run: Run, engine: Engine, progress: Progress) -> tuple[Reference, ReferenceProfile]:
    """The monitor's reference, fitted on its first run, with the outcomes known by its cut-off, and kept."""
    monitor = run.monitor
    reference = monitor.references.order_by("-number").first()
    if reference:
        return reference, profiles.load_reference(reference)
    progress.say("Fitting the reference")
    partitions = engine.partitions(find_log(monitor.reference_location, monitor.format, monitor.model.unit))
    profile, sample = engine.fit(
        partitions,
        spec_of(monitor),
        since=monitor.reference_since,
        until=monitor.reference_until,
        seed=monitor.seed,
        labels_as_of=run.labels_as_of,
    )
    inputs = {partition.key: partition.sha256 for partition in partitions}
    stored = profiles.store_reference(monitor=monitor, profile=profile, sample=sample, inputs=inputs, job=progress.job)
    return stored, profile


class _Reading:
    """One run's reading of its partitions: each is known, has newer labels, or is read."""

    def __init__(self, run: Run, engine: Engine, reference: Reference, profile: ReferenceProfile, progress: Progress):
        self.run, self.engine, self.reference, self.profile = run, engine, reference, profile
        self.progress, self.spec = progress, spec_of(run.monitor)

    def profiles(self, partitions: list[Partition]) -> tuple[list[StoredProfile], int]:
        """A stored profile of every partition, and how many needed no reading."""
        known = profiles.known_profiles(self.run, self.reference, partitions)
        unread = [partition for partition in partitions if partition.key not in known]
        found, reused = [], 0
        with closing(self._read(unread)) as reading:
            for place, partition in enumerate(partitions, start=1):
                row = known.get(partition.key)
                is_known = row is not None and row.holds_at(self.run.labels_as_of)
                self.progress.start(place, partition, _what(row, is_known))
                found.append(row if is_known else self._stored(partition, row, reading))
                reused += is_known
                self.progress.end(partition)
        return found, reused

    def _stored(
        self, partition: Partition, row: StoredProfile | None, reading: Iterator[PartitionProfile]
    ) -> StoredProfile:
        read = self._with_newer_labels(partition, row) if row else next(reading)
        return profiles.store_profile(run=self.run, reference=self.reference, profile=read, job=self.progress.job)

    def _read(self, unread: list[Partition]) -> Iterator[PartitionProfile]:
        return self.engine.profile(
            unread, self.spec, self.profile, labels_as_of=self.run.labels_as_of, progress=self.progress.rows
        )

    def _with_newer_labels(self, partition: Partition, row: StoredProfile) -> PartitionProfile:
        before = profiles.load_profile(row.sha256)
        return self.engine.refresh(partition, self.spec, self.profile, before, labels_as_of=self.run.labels_as_of)


def _what(row: StoredProfile | None, is_known: bool) -> str:
    if is_known:
        return "known"
    return "newer labels of" if row else "reading"
