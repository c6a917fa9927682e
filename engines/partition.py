"""What one read of one partition leaves behind: states by day and segment, a sample, and the account of rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from hashlib import sha256

from engines.sample import KEY, Sample
from stats.packing import Reader, Writer
from stats.state import ProfileState, merge, read_state, write_state

ALL = "all"
MISSING = "(missing)"  # level of a segment, or version, that a row does not name
_KIND, _KIND_WITHOUT_VERSIONS = "partition-profile/3", "partition-profile/2"


class MergeRefused(ValueError):
    """Profiles that were cut by different references, or no profile at all."""


@dataclass(frozen=True, eq=False)
class PartitionProfile:
    """One partition, read once.

    partition     key and sha256 of the file
    reference     sha256 of the reference profile that cut the bins
    rows_read     rows in the file; rows_read = rows + the sum of `refused`
    refused       sentence → rows that were left out for it
    reasons       sentences why the partition is only partly computed; empty when it is whole
    states        (bank's day, segment) → state; the segment is "all" or "column=value"
    labels_as_of      moment up to which labels count as known; None where all of them do
    labels_change_at  the first moment after it at which one more counts: until then every cut-off gives this very
                      profile. None: never again
    versions          (bank's day, version of the model) → rows that it scored, as the log says; empty where it does not
    The two moments are not in its bytes: what was counted has the same digest, whenever it was read.
    """

    partition: str
    partition_sha256: str
    reference: str
    rows_read: int
    refused: dict[str, int]
    reasons: tuple[str, ...]
    states: dict[tuple[date, str], ProfileState] = field(repr=False)
    sample: Sample = field(repr=False)
    labels_as_of: datetime | None = None
    labels_change_at: datetime | None = None
    versions: dict[tuple[date, str], int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.rows_read - sum(self.refused.values())

    @property
    def days(self) -> list[date]:
        return sorted({day for day, _ in self.states})

    @property
    def segments(self) -> list[str]:
        """ "all" first, then the others in order."""
        return sorted({segment for _, segment in self.states}, key=lambda name: (name != ALL, name))

    def to_bytes(self) -> bytes:
        writer = Writer(_KIND)
        keys = sorted(self.states)
        writer.document(
            {
                "partition": [self.partition, self.partition_sha256],
                "reference": self.reference,
                "rows_read": self.rows_read,
                "refused": self.refused,
                "reasons": list(self.reasons),
                "states": [[day.isoformat(), segment] for day, segment in keys],
                "versions": [[day.isoformat(), name, rows] for (day, name), rows in sorted(self.versions.items())],
            }
        )
        for key in keys:
            write_state(writer, self.states[key])
        writer.blob(self.sample.to_bytes())
        return writer.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "PartitionProfile":
        """Raises PackedBytesError for anything that `to_bytes` did not write."""
        is_older = data.startswith(f"assay/{_KIND_WITHOUT_VERSIONS}\n".encode())
        reader = Reader(_KIND_WITHOUT_VERSIONS if is_older else _KIND, data)
        head = reader.document()
        keys = [(date.fromisoformat(day), segment) for day, segment in head["states"]]
        states = {key: read_state(reader) for key in keys}
        sample = Sample.from_bytes(reader.blob())
        reader.finish()
        return cls(
            *head["partition"],
            reference=head["reference"],
            rows_read=head["rows_read"],
            refused=head["refused"],
            reasons=tuple(head["reasons"]),
            states=states,
            sample=sample,
            versions={(date.fromisoformat(day), name): rows for day, name, rows in head.get("versions", ())},
        )

    @cached_property
    def sha256(self) -> str:
        return sha256(self.to_bytes()).hexdigest()

    def with_labels_of(self, newer: "PartitionProfile") -> "PartitionProfile":
        """A revision of this profile with the labels of a refresh (engines.local.refresh_labels).

        Also the account of rows: lines that only state an outcome again may have come.

        Raises MergeRefused where the refresh saw other rows than this profile did.
        """
        if {key: state.rows for key, state in newer.states.items()} != {
            key: state.rows for key, state in self.states.items()
        } or not newer.sample.table.column(KEY).equals(self.sample.table.column(KEY)):
            raise MergeRefused(f"{self.partition} holds other rows than before; profile it again")
        states = {key: replace(state, score=newer.states[key].score) for key, state in self.states.items()}
        return replace(
            self,
            partition_sha256=newer.partition_sha256,
            rows_read=newer.rows_read,
            refused=newer.refused,
            states=states,
            sample=self.sample.with_columns_of(newer.sample),
            labels_as_of=newer.labels_as_of,
            labels_change_at=newer.labels_change_at,
        )


def window(
    profiles: Iterable[PartitionProfile],
    *,
    since: date | None = None,
    until: date | None = None,
    segment: str = ALL,
) -> ProfileState | None:
    """The merged state of the days since ≤ day < until, in file order and within it by day; None without rows.

    Profiles are taken one at a time, so that a generator that loads them holds one.
    Raises MergeRefused where the profiles were cut by different references.
    """
    merged, references = {}, set()
    for profile in profiles:
        references.add(profile.reference)
        if len(references) > 1:
            raise MergeRefused("the profiles were cut by different references; read their partitions again")
        gather(profile, merged, lambda day: _is_within(day, since, until), segment=segment)
    return merged.get(True, {}).get(segment)


def _is_within(day: date, since: date | None, until: date | None) -> bool | None:
    return ((since is None or since <= day) and (until is None or day < until)) or None


def gather[W](
    profile: PartitionProfile,
    windows: dict[W, dict[str, ProfileState]],
    window_of: Callable[[date], W | None],
    *,
    segment: str | None = None,
) -> None:
    """Add a profile's states, day by day, to those of the windows that hold its days: the one way to merge them.

    windows    window → segment → state, added to in place
    window_of  the window of a day; None leaves the day out
    segment    None takes every segment
    """
    for (day, name), state in sorted(profile.states.items(), key=lambda item: item[0]):
        place = window_of(day)
        if place is not None and segment in (None, name):
            states = windows.setdefault(place, {})
            states[name] = merge(states[name], state) if name in states else state
