"""Which rows of a block are used, to which states each adds, and what its label and decision are."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from engines.arrays import valid_places
from engines.columns import (
    NO_DAY,
    NO_TIME,
    as_levels,
    as_moments,
    as_numbers,
    is_moment,
    texts_of,
)
from engines.corrections import Corrections, Restated
from engines.kernels import UNGROUPED, mark_repeats
from engines.log import LogSpec
from engines.partition import ALL, MISSING
from engines.reading import Columns, Reader
from engines.refusals import LogRefused
from engines.siphash import fingerprints, key_of
from engines.zones import DAY_MICROSECONDS
from stats.reference import CategoryLevels, ReferenceProfile
from stats.state import APPROVED, BAD, DECLINED, GOOD, UNDECIDED, UNKNOWN

NO_ROW_ID = "row id is missing"
NO_MOMENT = "time is missing or cannot be read"
NO_SCORE = "score is missing or not finite"
WRONG_SCORE = "score is outside 0 to 1"
OUTSIDE = "day is outside the window asked for"
REPEATED = "row id came before in this partition"
RESTATED = "row id came before; the outcome it states as of another moment counts with the first row"
MALFORMED = "line has the wrong number of cells"

WRONG_LABEL = "neither 0 nor 1 and count as not known"
NO_KNOWN_AT = "without the moment they became known and count as not known"
NOT_A_NUMBER = "no numbers and count as missing"
INFINITE = "infinite and are left out of sums"
UNHEARD_OF = "no known word for approved or declined and count as declined"

OTHER, NEW = "(other)", "(new)"
_UNHEARD = 3
DAYS_A_PARTITION = 400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Admitted:
    """One block of rows, judged.

    groups     (1 + segments, n) int32: the state that a row adds to in each cut, UNGROUPED if refused
    scores     (n,) float64; labels, decisions (n,) int8
    keys       (n,) uint64: the sampling key; bands (n,) int8: the reference score band
    moments    (n,) int64 microseconds UTC; days (n,) int32
    """

    groups: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    decisions: np.ndarray
    keys: np.ndarray
    bands: np.ndarray
    moments: np.ndarray
    days: np.ndarray


class SeenRowIds:
    """Fingerprints of the row ids so far: 16 bytes a slot, one and a half slots a row."""

    def __init__(self, expected: int | None):
        self._slots = np.zeros((max(1_024, (expected or 0) * 3 // 2), 2), np.uint64)
        self._taken = 0

    def repeats(self, prints: np.ndarray, usable: np.ndarray) -> np.ndarray:
        """(n,) bool: usable rows whose id was seen before."""
        if self._taken + usable.size > len(self._slots) * 3 // 4:
            self._grow(usable.size)
        repeated = np.empty(usable.size, bool)
        self._taken += mark_repeats(prints, usable, self._slots, repeated)
        return repeated

    def _grow(self, more: int) -> None:
        kept = self._slots[self._slots.any(axis=1)]
        self._slots = np.zeros((2 * (self._taken + more), 2), np.uint64)
        mark_repeats(kept, np.ones(len(kept), bool), self._slots, np.empty(len(kept), bool))


class Admission:
    """Judges the blocks of one partition, in order, and keeps the account of rows and reasons."""

    def __init__(
        self,
        spec: LogSpec,
        *,
        rows: int | None = None,
        reference: ReferenceProfile | None = None,
        labels_as_of: datetime | None = None,
        between: tuple[date | None, date | None] = (None, None),
        corrections: Corrections | None = None,
    ):
        """Without a reference (when one is being fitted) there are no segments and one score band.

        corrections  of an earlier reading of the same partition
        """
        self.spec = spec
        self._segments = reference.segments if reference else ()
        self.rows_read = 0
        self.refused: Counter[str] = Counter()
        self.remarks: Counter[tuple[str, str]] = Counter()
        self.absent: list[str] = []
        self.groups: dict[tuple[int, str], int] = {}
        self._seen = SeenRowIds(rows)
        self._key = key_of(reference.seed if reference else 0)
        self._as_of = None if labels_as_of is None else microseconds(labels_as_of)
        self._next_label = NEVER
        self._band_edges = reference.score.edges[reference.score.band_cuts] if reference else np.empty(0)
        self._first, self._end = (None if day is None else number_of(day) for day in between)
        self._restated, self._corrections = Restated(), corrections

    @property
    def columns(self) -> tuple[str, ...]:
        """What `judge` needs of a block."""
        spec = self.spec
        roles = (spec.row_id, spec.time, spec.score, spec.label, spec.label_known_at, spec.decision)
        return tuple(dict.fromkeys(name for name in (*roles, *spec.segments) if name))

    def check_columns(self, reader: Reader, partition) -> None:
        """Raises LogRefused where a row could not be placed; remarks on what else is not there."""
        for role in (self.spec.row_id, self.spec.time, self.spec.score):
            if role not in reader.names:
                reason = f"there is no column {role!r} in {partition.key}, and without it no row can be placed"
                raise LogRefused(reason, column=role, partition=partition.key)
        for name in self.spec.columns:
            if name not in reader.names:
                self.absent.append(name)

    def judge(self, block: Columns) -> Admitted:
        """Raises LogRefused for a column of a type that cannot be what the definition says."""
        prints, has_id = self._fingerprints(block[self.spec.row_id])
        moments, days = self._moments(block[self.spec.time], self.spec.time)
        scores = self._numbers(block, self.spec.score)
        usable, repeated = self._usable(has_id, days, scores, prints)
        days = np.where(usable, days, NO_DAY)
        return Admitted(
            groups=self._grouped(days, block),
            scores=scores,
            labels=self._labels(block, moments, usable, repeated, prints),
            decisions=self._decisions(block, usable),
            keys=prints[:, 0],
            bands=(self._band_edges[:, None] < scores).sum(axis=0, dtype=np.int8),
            moments=moments,
            days=days,
        )

    def _usable(self, has_id, days, scores, prints) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bool: usable rows, and those that only came before; refused ones count under the first reason."""
        self.rows_read += scores.size
        usable = np.ones(scores.size, bool)
        with np.errstate(invalid="ignore"):
            within = (scores >= 0) & (scores <= 1)
        for reason, passes in (
            (NO_ROW_ID, has_id),
            (NO_MOMENT, days != NO_DAY),
            (OUTSIDE, self._inside(days)),
            (NO_SCORE, np.isfinite(scores)),
            (WRONG_SCORE, within),
        ):
            usable = self._refuse(reason, usable, passes)
        repeated = self._seen.repeats(prints, usable)
        return self._refuse(REPEATED, usable, ~repeated), repeated

    def _inside(self, days: np.ndarray) -> np.ndarray:
        inside = np.ones(days.size, bool) if self._first is None else days >= self._first
        return inside if self._end is None else inside & (days < self._end)

    def _refuse(self, reason: str, usable: np.ndarray, passes: np.ndarray) -> np.ndarray:
        left = usable & passes
        self._count(self.refused, reason, int(usable.sum() - left.sum()))
        return left

    @staticmethod
    def _count(account: Counter, key, number: int) -> None:
        if number:
            account[key] += number

    def corrections(self) -> Corrections | None:
        """What the partition has to be read again for; None where no outcome was restated, or it was."""
        return None if self._corrections else self._restated.corrections(self._as_of)

    def refusals(self) -> dict[str, int]:
        """Rows left out by reason, those that restate an outcome by one of their own."""
        restated = self._corrections.restated if self._corrections else 0
        moved = Counter(self.refused) + Counter({RESTATED: restated})
        return dict(sorted((moved - Counter({REPEATED: restated})).items()))

    def reasons(self) -> tuple[str, ...]:
        """Why the partition is only partly computed, a sentence each."""
        gone = [f"column {name!r} is not in this partition; its values count as missing" for name in self.absent]
        return (*gone, *(f"column {name!r}: {n} values are {what}" for (name, what), n in self.remarks.items()))

    def remark(self, column: str, what: str, number: int) -> None:
        """Count cells of a column that make the partition only partly computed."""
        self._count(self.remarks, (column, what), number)

    def _fingerprints(self, column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
        refuse_nested(column, self.spec.row_id)
        texts = texts_of(column)
        has_id = valid_places(texts)
        array = pa.concat_arrays(texts.chunks) if texts.num_chunks else pa.nulls(0, pa.string())
        offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
        data = array.buffers()[2]
        prints = np.empty((len(array), 2), np.uint64)
        fingerprints(offsets, np.frombuffer(data or b"", np.uint8), self._key, prints)
        return prints, has_id & (np.diff(offsets) > 0)

    def _moments(self, column: pa.ChunkedArray, name: str) -> tuple[np.ndarray, np.ndarray]:
        if not is_moment(column.type):
            raise LogRefused(f"column {name!r} is of type {column.type}, a time is needed", column=name)
        return as_moments(column, self.spec.time_zone)

    def _numbers(self, block: Columns, name: str) -> np.ndarray:
        values, unreadable = numbers_of(block[name], name)
        self.remark(name, NOT_A_NUMBER, unreadable)
        return values

    def _labels(self, block: Columns, moments, usable: np.ndarray, repeated: np.ndarray, prints) -> np.ndarray:
        if self.spec.label not in block:
            return np.zeros(moments.size, np.int8)
        labels, known_at = self._outcomes(block, usable), self._known_at(block, moments.size)
        if self._corrections:
            labels, known_at = self._corrections.apply(prints, usable, labels, known_at)
            self._next_label = min(self._next_label, self._corrections.next_moment)
        else:
            self._restated.add(prints, labels, known_at, repeated)
        labels[~self._known(known_at, moments, usable & (labels != UNKNOWN))] = UNKNOWN
        return labels

    def _outcomes(self, block: Columns, usable: np.ndarray) -> np.ndarray:
        """(n,) int8 as each line states them, known or not."""
        values = self._numbers(block, self.spec.label)
        labels = np.where(values == 1, BAD, np.where(values == 0, GOOD, UNKNOWN)).astype(np.int8)
        self.remark(self.spec.label, WRONG_LABEL, int((usable & ~np.isnan(values) & (labels == UNKNOWN)).sum()))
        return labels

    def _known(self, known_at: np.ndarray, moments: np.ndarray, labelled: np.ndarray) -> np.ndarray:
        """(n,) bool: the label was known, and the row old enough for it to be final, at `labels_as_of`."""
        if self._as_of is None:
            return labelled
        counts_from = np.full(moments.size, NO_TIME)
        if self.spec.label_known_at:
            counts_from = known_at
            is_known_once = counts_from != NO_TIME
            self.remark(self.spec.label, NO_KNOWN_AT, int((labelled & ~is_known_once).sum()))
            labelled = labelled & is_known_once
        if self.spec.label_maturity_days is not None:
            counts_from = np.maximum(counts_from, moments + self.spec.label_maturity_days * DAY_MICROSECONDS)
        is_later = labelled & (counts_from > self._as_of)
        self._next_label = min(self._next_label, int(counts_from[is_later].min(initial=NEVER)))
        return labelled & ~is_later

    @property
    def labels_change_at(self) -> datetime | None:
        """The first moment after `labels_as_of` at which a row's label counts that does not yet; None for never."""
        return None if self._next_label == NEVER else EPOCH + timedelta(microseconds=self._next_label)

    def _known_at(self, block: Columns, rows: int) -> np.ndarray:
        """(n,) int64 when each label became known; NO_TIME where there is no such column."""
        name = self.spec.label_known_at
        return self._moments(block[name], name)[0] if name in block else np.full(rows, NO_TIME)

    def _decisions(self, block: Columns, usable: np.ndarray) -> np.ndarray:
        name, spec = self.spec.decision, self.spec
        if name not in block:
            return np.zeros(usable.size, np.int8)
        approved, declined = map(_plain, (spec.approved_values, spec.declined_values))
        parts = [np.empty(0, np.int8)]
        for positions, names in levels_of(block[name], name):
            codes = [_decision(text, approved, declined) for text in names]
            parts.append(np.array([*codes, 0], np.int8)[positions])
        decisions = np.concatenate(parts)
        self.remark(name, UNHEARD_OF, int((usable & (decisions == _UNHEARD)).sum()))
        decisions[decisions == _UNHEARD] = DECLINED
        return decisions

    def _grouped(self, days: np.ndarray, block: Columns) -> np.ndarray:
        groups = np.empty((1 + len(self._segments), days.size), np.int32)
        present, place = _distinct_days(days)
        self._check_days(present)
        groups[0] = self._numbered(present, [ALL])[place, 0]
        for cut, levels in enumerate(self._segments, start=1):
            names = [f"{levels.name}={level}" for level in (*levels.levels, unknown_level(levels), MISSING)]
            codes = segment_codes(block.get(levels.name), levels, days.size)
            groups[cut] = self._numbered_present(present, names, place, codes)
        return groups

    def _numbered(self, present: np.ndarray, names: list[str]) -> np.ndarray:
        """(days + 1, names) state numbers, new ones in order; the last row is for refused rows."""
        table = np.full((present.size + 1, len(names)), UNGROUPED, np.int32)
        for i, day in enumerate(present.tolist()):
            for j, name in enumerate(names):
                table[i, j] = self.groups.setdefault((day, name), len(self.groups))
        return table

    def _numbered_present(self, present, names, place, codes) -> np.ndarray:
        """State numbers (n,) for day × level, made only for the pairs that occur."""
        flat = place * len(names) + codes
        occurs = np.flatnonzero(np.bincount(flat, minlength=(present.size + 1) * len(names)))
        table = np.full((present.size + 1) * len(names), UNGROUPED, np.int32)
        for pair in occurs[occurs < present.size * len(names)].tolist():
            day, name = divmod(pair, len(names))
            table[pair] = self.groups.setdefault((int(present[day]), names[name]), len(self.groups))
        return table[flat]

    def _check_days(self, present: np.ndarray) -> None:
        days = {day for day, _ in self.groups} | set(present.tolist())
        if len(days) > DAYS_A_PARTITION:
            raise LogRefused(
                f"the partition holds more than {DAYS_A_PARTITION} different days; "
                "split it by month or check the time column",
                column=self.spec.time,
            )


def _distinct_days(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The days that occur, ascending, and the place (n,) of each row's among them; refused rows come last."""
    known = days[days != NO_DAY]
    if not known.size:
        return known, np.zeros(days.size, np.int64)
    first, last = int(known.min()), int(known.max())
    if first == last:
        return known[:1], (days == NO_DAY).astype(np.int64)
    occurs = np.bincount(known - first) > 0
    place = np.cumsum(occurs) - 1
    present = np.flatnonzero(occurs) + first
    return present, np.where(days == NO_DAY, present.size, place[np.maximum(days - np.int64(first), 0)])


def unknown_level(levels: CategoryLevels) -> str:
    """What a value that is no level is called: new, or one of the levels of the reference that are not kept."""
    return NEW if levels.complete else OTHER


def segment_codes(column: pa.ChunkedArray | None, levels: CategoryLevels, rows: int) -> np.ndarray:
    """(n,) int64 positions among the levels, then `unknown_level`, then MISSING."""
    other, missing = len(levels.levels), len(levels.levels) + 1
    if column is None:
        return np.full(rows, missing, np.int64)
    known = {name: code for code, name in enumerate(levels.levels)}
    parts = [
        np.array([*(missing if name is None else known.get(name, other) for name in names), missing])[positions]
        for positions, names in levels_of(column, levels.name)
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])


def numbers_of(column: pa.ChunkedArray, name: str) -> tuple[np.ndarray, int]:
    """(n,) float64 and the count of unreadable cells. Raises LogRefused for a type that holds no numbers."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind) or pa.types.is_temporal(kind):
        raise LogRefused(f"column {name!r} is of type {kind}, a number is needed", column=name)
    return as_numbers(column)


def levels_of(column: pa.ChunkedArray, name: str) -> list[tuple[np.ndarray, list[str | None]]]:
    """As engines.columns.as_levels. Raises LogRefused for lists and records."""
    refuse_nested(column, name)
    return as_levels(column)


def refuse_nested(column: pa.ChunkedArray, name: str) -> None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind):
        raise LogRefused(f"column {name!r} is of type {kind}, single values are needed", column=name)


def _plain(values: Iterable[str]) -> set[str]:
    return {value.strip().casefold() for value in values}


def _decision(text: str | None, approved: set[str], declined: set[str]) -> int:
    plain = (text or "").strip().casefold()
    if not plain:
        return UNDECIDED
    return APPROVED if plain in approved else DECLINED if plain in declined else _UNHEARD


def microseconds(moment: datetime) -> int:
    """Since 1970, UTC. Raises ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"labels_as_of needs a time zone, got {moment.isoformat()}")
    return (moment.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def number_of(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def day_of(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)
