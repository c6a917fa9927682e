"""What monitoring asks of an engine: whoever can fill the profile states of `stats` from a log can stand behind it.

`engines.local` reads files in this process. One that has a warehouse count them would hand out the same profiles:
counts equal, sums within 1e-9 relative (tests/spec/engines).
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from engines.log import LogSpec
from engines.partition import PartitionProfile
from engines.sample import Sample
from engines.sources import LogFile, Partition
from stats.reference import ReferenceProfile

Progress = Callable[[Partition, int, int | None], None]


@runtime_checkable
class Engine(Protocol):
    """Reads logs into profiles. Each method raises LogRefused, with the reason, for a log that cannot be read."""

    def partitions(self, files: list[LogFile]) -> list[Partition]:
        """The files of a log, in the order in which they are to be read, each with the digest of its content."""
        ...

    def fit(
        self,
        partitions: list[Partition],
        spec: LogSpec,
        *,
        since: date | None,
        until: date | None,
        seed: int,
        labels_as_of: datetime | None = None,
    ) -> tuple[ReferenceProfile, Sample]:
        """The reference profile of the days since ≤ day < until, and a sample of their rows."""
        ...

    def profile(
        self,
        partitions: list[Partition],
        spec: LogSpec,
        reference: ReferenceProfile,
        *,
        labels_as_of: datetime | None = None,
        progress: Progress | None = None,
    ) -> Iterator[PartitionProfile]:
        """One profile a partition, in their order. Closing the iterator early stops the reading.

        progress  called with (partition, rows so far, rows in it or None); what it raises ends the reading
        """
        ...

    def refresh(
        self,
        partition: Partition,
        spec: LogSpec,
        reference: ReferenceProfile,
        known: PartitionProfile,
        *,
        labels_as_of: datetime | None = None,
    ) -> PartitionProfile:
        """A revision of `known` with the labels of a later moment, without reading a feature.

        Raises MergeRefused where other rows are there than when `known` was made.
        """
        ...
