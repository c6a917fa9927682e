"""The local engine: Arrow blocks into a compiled kernel, columns shared out over threads.

The bits of a result do not depend on how many threads there are: a column's block is one task, its blocks
follow each other in file order, and each adds to the one array of its column, so every sum is taken row after
row. Nothing is held a thread, and there is no merge that could reorder additions.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import date, datetime
from functools import partial

import numpy as np

from engines.admission import (
    INFINITE,
    MALFORMED,
    NOT_A_NUMBER,
    Admission,
    Admitted,
    day_of,
    numbers_of,
)
from engines.corrections import Corrections
from engines.fitting import fit_bins
from engines.log import LogSpec
from engines.partition import ALL, PartitionProfile, window
from engines.pools import pool_of
from engines.reading import Block, Reader, open_partition
from engines.refusals import LogRefused
from engines.sample import Sample, merge_samples
from engines.sampling import PartitionSample, texts_at
from engines.sources import LogFile, Partition, take_digests
from engines.tally import CategoryTally, MomentTally, NumberTally, ScoreTally, cell_tables
from engines.versions import VersionTally
from stats.reference import ReferenceProfile
from stats.state import ProfileState

_own = threading.local()
Progress = Callable[[int, int | None], None]
READ_BYTES = 4 << 20
KEPT_BYTES = 64 << 20  # a larger buffer is given back after its block
SMALL_PARTITION = 32 << 20  # bytes of a file: larger ones one at a time, or memory would grow with the threads


def profile_partition(
    partition: Partition,
    spec: LogSpec,
    reference: ReferenceProfile,
    *,
    labels_as_of: datetime | None = None,
    between: tuple[date | None, date | None] = (None, None),
    progress: Progress | None = None,
    threads: int | None = None,
) -> PartitionProfile:
    """Read one partition once into states by bank's day and segment, a sample and the account of its rows.

    labels_as_of  a moment with a zone: outcomes known later count as not yet known; None takes all
    between       first day and the day after the last, either may be None; other rows are left out
    progress      called with (rows so far, rows in the file or None) after each block; what it raises
                  (engines.refusals.Cancelled) ends the read
    threads       columns at a time; every number gives the same bits
    Raises LogRefused where the file cannot be read, lacks row id, time or score, or the reference was fitted
    for other features.
    """
    check_fits(spec, reference)
    run = _Run(partition, spec, reference, labels_as_of, between, features=True)
    return run.profile(progress, threads or os.process_cpu_count() or 1)


def refresh_labels(
    partition: Partition,
    spec: LogSpec,
    reference: ReferenceProfile,
    profile: PartitionProfile,
    *,
    labels_as_of: datetime | None = None,
) -> PartitionProfile:
    """A new revision of `profile` with the labels known by now; reads no feature.

    Raises MergeRefused where other rows are there than when `profile` was made, LogRefused as
    profile_partition does.
    """
    run = _Run(partition, spec, reference, labels_as_of, (None, None), features=False)
    return profile.with_labels_of(run.profile(None, 1))


def profile_partitions(
    partitions: list[Partition],
    spec: LogSpec,
    reference: ReferenceProfile,
    *,
    labels_as_of: datetime | None = None,
    between: tuple[date | None, date | None] = (None, None),
    progress: Callable[[Partition, int, int | None], None] | None = None,
    threads: int | None = None,
) -> Iterator[PartitionProfile]:
    """Profile many partitions, in their order; small ones several at a time, which beats sharing out columns.

    progress  called with (partition, rows so far, rows in the file or None) in the caller's thread, where
              partitions are read one at a time; while several small ones are, their ends are all there is to tell
    Closing the iterator early stops after what is under way. Raises as profile_partition does.
    """
    check_fits(spec, reference)
    cell_tables(reference)
    threads = threads or os.process_cpu_count() or 1
    # States of segments are dense: several partitions of them at once would multiply the memory.
    small = not reference.segments and all(partition.bytes <= SMALL_PARTITION for partition in partitions)
    inner = 1 if small and len(partitions) >= threads else threads
    is_told = progress is not None and (inner > 1 or threads == 1)

    def profile(partition: Partition) -> PartitionProfile:
        run = _Run(partition, spec, reference, labels_as_of, between, features=True)
        return run.profile(partial(progress, partition) if is_told else None, inner)

    if inner > 1 or threads == 1:
        yield from map(profile, partitions)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from _in_order(pool, profile, partitions, ahead=threads)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(pool: Executor, work, items: list, *, ahead: int) -> Iterator:
    """Results in order with a bounded number under way: a slow reader must not pile up profiles."""
    waiting: list[Future] = []
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > ahead:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def fit_reference(
    partitions: list[Partition],
    spec: LogSpec,
    *,
    since: date | None = None,
    until: date | None = None,
    seed: int,
    psi_bins: int = 10,
    labels_as_of: datetime | None = None,
    threads: int | None = None,
) -> ReferenceProfile:
    """Fit the bins of every column on the days since ≤ day < until, and count that window in them.

    seed          keys the sample of every partition that is profiled against this reference
    labels_as_of  as for profile_partition: the calibration and every outcome of the reference are of that moment,
                  and it is one of the reference's settings. A window's metrics are compared with the reference's:
                  take the same rule for both
    Raises LogRefused where the window holds no usable row or a numeric feature no finite value.
    """
    return fit_reference_and_sample(
        partitions,
        spec,
        since=since,
        until=until,
        seed=seed,
        psi_bins=psi_bins,
        labels_as_of=labels_as_of,
        threads=threads,
    )[0]


def fit_reference_and_sample(
    partitions, spec, *, since=None, until=None, seed, psi_bins=10, labels_as_of=None, threads=None
) -> tuple[ReferenceProfile, Sample]:
    """As fit_reference, and a sample of the reference window's raw rows, to be drawn from as a whole."""
    between = (since, until)
    bins = fit_bins(partitions, spec, between=between, seed=seed, psi_bins=psi_bins, labels_as_of=labels_as_of)
    profiles = list(
        profile_partitions(partitions, spec, bins, labels_as_of=labels_as_of, between=between, threads=threads)
    )
    state = window(profiles)
    return bins.counted(state), merge_samples(profile.sample for profile in profiles).as_one_window()


def check_fits(spec: LogSpec, reference: ReferenceProfile) -> None:
    """Raises LogRefused where the reference was fitted for other columns than the definition names."""
    fitted = [
        tuple(bins.name for bins in reference.numbers),
        tuple(levels.name for levels in reference.categories),
        tuple(levels.name for levels in reference.segments),
    ]
    if fitted != [spec.numbers, spec.categories, spec.segments]:
        raise LogRefused("the reference was fitted for other features or segments; fit a new one")


class _Run:
    """One read of one partition."""

    def __init__(self, partition, spec, reference, labels_as_of, between, *, features: bool, corrections=None):
        self.partition, self.spec, self.reference = partition, spec, reference
        self.labels_as_of, self.between, self.corrections = labels_as_of, between, corrections
        tables = cell_tables(reference)
        self.score = ScoreTally(reference.score, tables[""])
        self.numbers = {b.name: NumberTally(b, tables[b.name]) for b in reference.numbers if features}
        self.categories = {c.name: CategoryTally(c) for c in reference.categories if features}
        self.places = {name: place for place, name in enumerate(self.numbers)}
        self.moments = MomentTally(len(self.numbers))
        self.sample = PartitionSample(spec, reference.score.bands, (*self.numbers, *self.categories))
        self.versions = VersionTally() if spec.model_version and features else None

    def profile(self, progress: Progress | None, threads: int) -> PartitionProfile:
        reader = open_partition(self.partition, self.spec.columns, levels=self.spec.levels)
        self.admission = Admission(
            self.spec,
            rows=reader.rows,
            reference=self.reference,
            labels_as_of=self.labels_as_of,
            between=self.between,
            corrections=self.corrections,
        )
        self.admission.check_columns(reader, self.partition)
        with pool_of(threads) as pool:
            self._read(reader, pool, threads, progress)
        profile, corrections = self._finished(reader), self.admission.corrections()
        return profile.with_labels_of(self._read_again(corrections, threads)) if corrections else profile

    def _read_again(self, corrections: Corrections, threads: int) -> PartitionProfile:
        """The label columns alone, each row with the newest of the outcomes that its lines state."""
        rules = (self.labels_as_of, self.between)
        again = _Run(self.partition, self.spec, self.reference, *rules, features=False, corrections=corrections)
        return again.profile(None, threads)

    def _read(self, reader: Reader, pool: Executor, threads: int, progress) -> None:
        """Judging the next block overlaps with counting this one."""
        head = tuple(dict.fromkeys(filter(None, (*self.admission.columns, self.spec.model_version))))
        blocks = reader.blocks((*head, *self.numbers, *self.categories))
        judging = _judged(pool, self.admission, blocks, head)
        while judging is not None:
            block, columns, admitted = judging.result()
            judging = _judged(pool, self.admission, blocks, head)
            self._count(block, columns, admitted, pool, threads)
            if progress:
                progress(self.admission.rows_read, reader.rows)

    def _count(self, block: Block, columns, admitted: Admitted, pool: Executor, threads: int) -> None:
        self._grow(len(self.admission.groups))
        chosen = self.sample.candidates(admitted)
        standardised = self._matrix(block.rows)
        tasks = [
            pool.submit(self._columns, block, names, admitted, chosen, standardised)
            for names in self._shares(block.rows, threads)
        ]
        labels = (admitted.scores, admitted.labels, admitted.decisions, admitted.groups)
        scoring = pool.submit(self.score.add, *labels)
        values = {name: taken for task in tasks for name, taken in task.result().items()}
        products = [
            pool.submit(self.moments.add, standardised, admitted.groups[0], part)
            for part in self.moments.parts(threads)
        ]
        self.moments.count(admitted.groups[0])
        self.sample.add(admitted, chosen, columns, values)
        if self.versions:
            self.versions.add(columns.get(self.spec.model_version), self.spec.model_version, admitted)
        for task in (scoring, *products):
            task.result()

    def _matrix(self, rows: int) -> np.ndarray:
        """(numbers, rows) to be filled; one buffer a thread: a new one has to be zeroed by the kernel first."""
        size = len(self.numbers) * rows
        buffer = getattr(_own, "buffer", None)
        if buffer is None or buffer.size < size:
            buffer = np.empty(size)
            if buffer.nbytes <= KEPT_BYTES:
                _own.buffer = buffer
        return buffer[:size].reshape(len(self.numbers), rows)

    def _grow(self, states: int) -> None:
        for tally in (self.score, self.moments, *self.numbers.values(), *self.categories.values()):
            tally.grow(states)

    def _shares(self, rows: int, threads: int) -> list[tuple[str, ...]]:
        """Columns that one task reads at once: few enough for memory, many enough to save calls."""
        names = (*self.numbers, *self.categories)
        at_once = max(1, min(READ_BYTES // (8 * max(rows, 1)), -(-len(names) // (2 * threads))))
        return [names[start : start + at_once] for start in range(0, len(names), at_once)]

    def _columns(self, block: Block, names, admitted: Admitted, chosen, standardised) -> dict:
        """Count some columns of a block; returns their values at the sampled rows."""
        columns, taken = block.read(names), {}
        for name in names:
            if name in self.numbers:
                taken[name] = self._number(name, columns, admitted, chosen, standardised)
            else:
                taken[name] = self._category(name, columns, admitted, chosen)
        return taken

    def _number(self, name: str, columns, admitted: Admitted, chosen, standardised) -> np.ndarray:
        if name in columns:
            values, unreadable = numbers_of(columns[name], name)
            self.admission.remark(name, NOT_A_NUMBER, unreadable)
        else:
            values = np.full(admitted.scores.size, np.nan)
        tally = self.numbers[name]
        tally.add(values, admitted.groups)
        tally.standardised(values, standardised[self.places[name]])
        return values[chosen]

    def _category(self, name: str, columns, admitted: Admitted, chosen):
        if name in columns:
            self.categories[name].add(columns[name], admitted.groups)
        else:
            self.categories[name].add_missing(admitted.groups)
        return texts_at(columns.get(name), chosen)

    def _finished(self, reader: Reader) -> PartitionProfile:
        self.partition.check_unchanged()
        admission = self.admission
        if reader.malformed:
            admission.refused[MALFORMED] += reader.malformed
            admission.rows_read += reader.malformed
        states = {(day_of(day), name): self._state(i, name) for (day, name), i in admission.groups.items()}
        self._remark_infinite(states)
        return PartitionProfile(
            partition=self.partition.key,
            partition_sha256=self.partition.sha256,
            reference=self.reference.sha256,
            rows_read=admission.rows_read,
            refused=admission.refusals(),
            reasons=admission.reasons(),
            states=states,
            sample=self.sample.sample,
            labels_as_of=self.labels_as_of,
            labels_change_at=admission.labels_change_at,
            versions=self.versions.by_day if self.versions else {},
        )

    def _state(self, i: int, name: str) -> ProfileState:
        score = self.score.state(i)
        return ProfileState(
            rows=int(score.counts.sum()),
            numbers=tuple(tally.state(i) for tally in self.numbers.values()),
            categories=tuple(tally.state(i) for tally in self.categories.values()),
            score=score,
            moments=self.moments.state(i) if name == ALL else None,
        )

    def _remark_infinite(self, states: dict) -> None:
        for place, name in enumerate(self.numbers):
            found = sum(s.numbers[place].infinite for (_, segment), s in states.items() if segment == ALL)
            self.admission.remark(name, INFINITE, found)


def _judged(pool: Executor, admission: Admission, blocks: Iterator[Block], head) -> Future | None:
    block = next(blocks, None)
    if block is None:
        return None

    def judge() -> tuple[Block, dict, Admitted]:
        columns = block.read(head)
        return block, columns, admission.judge(columns)

    return pool.submit(judge)


class LocalEngine:
    """engines.interface.Engine over files that this process can open."""

    def partitions(self, files: list[LogFile]) -> list[Partition]:
        return take_digests(files)

    def fit(
        self, partitions, spec, *, since=None, until=None, seed, labels_as_of=None
    ) -> tuple[ReferenceProfile, Sample]:
        return fit_reference_and_sample(
            partitions, spec, since=since, until=until, seed=seed, labels_as_of=labels_as_of
        )

    def profile(self, partitions, spec, reference, *, labels_as_of=None, progress=None) -> Iterator[PartitionProfile]:
        return profile_partitions(partitions, spec, reference, labels_as_of=labels_as_of, progress=progress)

    def refresh(self, partition, spec, reference, known, *, labels_as_of=None) -> PartitionProfile:
        return refresh_labels(partition, spec, reference, known, labels_as_of=labels_as_of)
