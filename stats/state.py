"""The additive profile: counts and sums per bin, from which every metric of a window is computed.

Merging is addition, so days add up to weeks, months, rolling windows and vintages, and nobody re-reads raw
rows to change a window. Counts are integers and merge exactly; sums are float64 and merge in the order given,
so callers merge in file order and then by day to get the same bits every time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

from stats.packing import Reader, Writer

NAMED_NEW_LEVELS = 100
UNKNOWN, GOOD, BAD = 0, 1, 2  # label classes: not (yet) known, 0, 1
UNDECIDED, DECLINED, APPROVED = 0, 1, 2

_KIND = "profile-state/2"


@dataclass(frozen=True, slots=True, eq=False)
class NumberCounts:
    """One numeric column in one window.

    counts    (edges + 2,) int64: the bins of stats.bins, then missing
    centred   (edges + 1,) float64: sum of value - mean over the finite values of each bin, where the mean is
              the reference's (NumberBins.mean): a plain sum of numbers like 1e15 rounds their digits away
    low, high smallest and largest finite value; inf and -inf when there is none
    infinite  how many values were infinite: counted in the outer bins, left out of the sums
    """

    counts: np.ndarray
    centred: np.ndarray
    low: float
    high: float
    infinite: int

    @property
    def present(self) -> int:
        return int(self.counts[:-1].sum())

    @property
    def missing(self) -> int:
        return int(self.counts[-1])


@dataclass(frozen=True, slots=True, eq=False)
class CategoryCounts:
    """One categorical column in one window.

    counts      (levels + 3,) int64: the reference's levels, its other levels pooled, new levels, missing
    new_levels  (name, count) of the NAMED_NEW_LEVELS new names that sort first: keeping those, not the most
                frequent, makes the counts exact and merging independent of order
    """

    counts: np.ndarray
    new_levels: tuple[tuple[str, int], ...] = ()

    @property
    def missing(self) -> int:
        return int(self.counts[-1])


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """The score in one window, by label class (rows of each array: UNKNOWN, GOOD, BAD).

    counts     (3, edges + 1) int64
    sums       (3, edges + 1) float64: sum of the score
    squares    (3, edges + 1) float64: sum of its square
    log_loss   (2,) float64: sum of -ln(1 - score) over GOOD, of -ln(score) over BAD
    decisions  (3, 3, bands) int64: label class × UNDECIDED, DECLINED, APPROVED × reference score band
    """

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    log_loss: np.ndarray
    decisions: np.ndarray

    @property
    def labelled(self) -> int:
        return int(self.counts[GOOD:].sum())

    @property
    def by_band(self) -> np.ndarray:
        """(bands,) rows in each reference score band: the shares that make a drawn sample look like the window."""
        return self.decisions.sum(axis=(0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Second moments of the numeric features, standardised by the reference and clipped to ±10.

    rows      rows that entered
    total     (p,) float64; a missing value enters as 0, the reference's mean
    products  (p, p) float64, symmetric
    """

    rows: int
    total: np.ndarray
    products: np.ndarray


@dataclass(frozen=True, eq=False)
class ProfileState:
    """Everything that is kept of the rows of one window and segment.

    `numbers` and `categories` are in the order of the reference profile that cut the bins; merging states of
    different references is refused by the caller that knows their digests (PartitionProfile).
    """

    rows: int
    numbers: tuple[NumberCounts, ...]
    categories: tuple[CategoryCounts, ...]
    score: ScoreCounts
    moments: Moments | None = None

    def __add__(self, other: "ProfileState") -> "ProfileState":
        return merge(self, other)

    def to_bytes(self) -> bytes:
        writer = Writer(_KIND)
        write_state(writer, self)
        return writer.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ProfileState":
        """Raises PackedBytesError for anything that `to_bytes` did not write."""
        reader = Reader(_KIND, data)
        state = read_state(reader)
        reader.finish()
        return state

    @cached_property
    def sha256(self) -> str:
        return sha256(self.to_bytes()).hexdigest()


def merge(one: ProfileState, other: ProfileState) -> ProfileState:
    """Both windows as one. Raises ValueError where the columns or bins differ."""
    return ProfileState(
        rows=one.rows + other.rows,
        numbers=tuple(map(_merge_numbers, *_pairs(one.numbers, other.numbers))),
        categories=tuple(map(_merge_categories, *_pairs(one.categories, other.categories))),
        score=_merge_scores(one.score, other.score),
        moments=_merge_moments(one.moments, other.moments),
    )


def _pairs(one: tuple, other: tuple) -> tuple[tuple, tuple]:
    if len(one) != len(other):
        raise ValueError(f"states have {len(one)} and {len(other)} columns: of different references")
    return one, other


def _merge_numbers(one: NumberCounts, other: NumberCounts) -> NumberCounts:
    return NumberCounts(
        one.counts + other.counts,
        one.centred + other.centred,
        min(one.low, other.low),
        max(one.high, other.high),
        one.infinite + other.infinite,
    )


def _merge_categories(one: CategoryCounts, other: CategoryCounts) -> CategoryCounts:
    return CategoryCounts(one.counts + other.counts, merge_names(one.new_levels, other.new_levels))


def merge_names(*parts: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Add counts by name and keep the NAMED_NEW_LEVELS names that sort first."""
    total: dict[str, int] = {}
    for part in parts:
        for name, count in part:
            total[name] = total.get(name, 0) + count
    return tuple(sorted(total.items())[:NAMED_NEW_LEVELS])


def _merge_scores(one: ScoreCounts, other: ScoreCounts) -> ScoreCounts:
    return ScoreCounts(
        one.counts + other.counts,
        one.sums + other.sums,
        one.squares + other.squares,
        one.log_loss + other.log_loss,
        one.decisions + other.decisions,
    )


def _merge_moments(one: Moments | None, other: Moments | None) -> Moments | None:
    if one is None or other is None:
        return None
    return Moments(one.rows + other.rows, one.total + other.total, one.products + other.products)


def write_state(writer: Writer, state: ProfileState) -> None:
    """Append a state to a longer record; `read_state` takes it back."""
    writer.document(_scalars(state))
    for number in state.numbers:
        writer.counts(number.counts)
        writer.floats(number.centred)
        writer.floats(np.array([number.low, number.high]))
    for category in state.categories:
        writer.counts(category.counts)
    score = state.score
    writer.counts(score.counts)
    for sums in (score.sums, score.squares, score.log_loss):
        writer.floats(sums)
    writer.counts(score.decisions)
    if state.moments is not None:
        writer.floats(state.moments.total)
        writer.floats(state.moments.products)


def _scalars(state: ProfileState) -> dict:
    return {
        "rows": state.rows,
        "infinite": [number.infinite for number in state.numbers],
        "new_levels": [[list(pair) for pair in category.new_levels] for category in state.categories],
        "moments": None if state.moments is None else state.moments.rows,
    }


def read_state(reader: Reader) -> ProfileState:
    scalars = reader.document()
    return ProfileState(
        rows=scalars["rows"],
        numbers=tuple(_read_number(reader, infinite) for infinite in scalars["infinite"]),
        categories=tuple(
            CategoryCounts(reader.counts(), tuple((name, count) for name, count in names))
            for names in scalars["new_levels"]
        ),
        score=ScoreCounts(reader.counts(), reader.floats(), reader.floats(), reader.floats(), reader.counts()),
        moments=None if scalars["moments"] is None else Moments(scalars["moments"], reader.floats(), reader.floats()),
    )


def _read_number(reader: Reader, infinite: int) -> NumberCounts:
    counts, centred, extremes = reader.counts(), reader.floats(), reader.floats()
    return NumberCounts(counts, centred, float(extremes[0]), float(extremes[1]), infinite)
