"""The reference profile: the bins of every column, fitted once, and the reference window counted in them.

It is a versioned, hashed record: a change of any edge, level, knot or count is another reference.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

import numpy as np

from stats.bins import below, check_edges, inner_cuts, positions_of, quantile_edges
from stats.distance import Curve, Grid
from stats.packing import PackedBytesError, Reader, Writer
from stats.ranking import auc
from stats.results import Outcome, StatsInputError
from stats.state import (
    BAD,
    GOOD,
    CategoryCounts,
    Moments,
    NumberCounts,
    ProfileState,
    ScoreCounts,
    read_state,
    write_state,
)

LEVELS = 1_000
SEGMENT_LEVELS = 50
SCORE_GRID = 10_001
SCORE_BANDS = 10

_KIND, _KIND_WITH_SEED = "reference-profile/3", "reference-profile/2"


@dataclass(frozen=True, slots=True, eq=False)
class NumberBins:
    """Bins of one numeric feature.

    edges      (m,) float64, strictly increasing
    cuts       (k,) positions among the edges: the inner cuts of the PSI bins
    mean, sd   of the reference's finite values; sd is 0 for a constant
    """

    name: str
    edges: np.ndarray
    cuts: np.ndarray
    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class CategoryLevels:
    """Levels of one categorical feature or segment, most frequent first (ties by name).

    complete  False where the reference had more levels than are kept: an unknown name then counts as
              "other", because nobody can tell whether it is new
    """

    name: str
    levels: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class ScoreBins:
    """Bins of the score: its reference quantiles, a grid on 0..1, the cut-offs, band edges and knots.

    cut_offs         (c,) operating points; score >= cut-off is the positive call
    cut_off_cuts     (c,) positions of the edge just under each cut-off
    band_cuts        (≤ 9,) positions of the reference's inner deciles
    knots            (2, k) float64: score and calibrated probability, piecewise linear between; k = 0 where the
                     reference has no labels of both classes
    """

    edges: np.ndarray
    cuts: np.ndarray
    mean: float
    sd: float
    cut_offs: np.ndarray
    cut_off_cuts: np.ndarray
    band_cuts: np.ndarray
    knots: np.ndarray

    @property
    def bands(self) -> int:
        return self.band_cuts.size + 1


@dataclass(frozen=True, eq=False)
class ReferenceProfile:
    """Bins of every column and the reference window counted in them.

    seed       key of the sample. Not in the bytes, which are handed out: they are bound to it by its digest
    settings   how it was fitted: psi_bins, since, until, labels_as_of, partitions, spec (JSON values)
    state      the reference window itself
    """

    numbers: tuple[NumberBins, ...]
    categories: tuple[CategoryLevels, ...]
    score: ScoreBins
    segments: tuple[CategoryLevels, ...]
    seed: int
    settings: dict
    state: ProfileState
    tells_seed: bool = False  # of bytes that were written before the key was drawn at random

    @property
    def rows(self) -> int:
        return self.state.rows

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """The distribution function of each number in the reference window."""
        pairs = zip(self.numbers, self.state.numbers, strict=True)
        return tuple(
            Curve(counts.counts[:-1], counts.centred, Grid(bins.edges, centre=bins.mean, unit=bins.sd))
            for bins, counts in pairs
        )

    @cached_property
    def score_curve(self) -> Curve:
        score = self.state.score
        return Curve(score.counts.sum(axis=0), score.sums.sum(axis=0), Grid(self.score.edges, unit=self.score.sd))

    @cached_property
    def score_area(self) -> Outcome:
        """AUC in the reference window."""
        counts = self.state.score.counts
        return auc(counts[GOOD], counts[BAD], point=self.score_curve.grid.point)

    def number(self, name: str) -> NumberBins:
        return next(bins for bins in self.numbers if bins.name == name)

    def category(self, name: str) -> CategoryLevels:
        return next(levels for levels in self.categories if levels.name == name)

    def counted(self, state: ProfileState) -> "ReferenceProfile":
        """The same bins with the reference window counted in them."""
        return replace(self, state=state)

    def to_bytes(self) -> bytes:
        writer = Writer(_KIND_WITH_SEED if self.tells_seed else _KIND)
        writer.document(self._document())
        for bins in (*self.numbers, self.score):
            writer.floats(bins.edges)
            writer.counts(bins.cuts)
        writer.floats(self.score.cut_offs)
        writer.counts(self.score.cut_off_cuts)
        writer.counts(self.score.band_cuts)
        writer.floats(self.score.knots)
        write_state(writer, self.state)
        return writer.to_bytes()

    def _document(self) -> dict:
        return {
            "numbers": [[bins.name, float(bins.mean), float(bins.sd)] for bins in self.numbers],
            "score": [float(self.score.mean), float(self.score.sd)],
            "categories": [_listed(levels) for levels in self.categories],
            "segments": [_listed(levels) for levels in self.segments],
            "seed": self.seed if self.tells_seed else _digest_of(self.seed),
            "settings": self.settings,
        }

    @classmethod
    def from_bytes(cls, data: bytes, *, seed: int) -> "ReferenceProfile":
        """Raises PackedBytesError for anything that `to_bytes` did not write, and for another seed."""
        tells_seed = data.startswith(f"assay/{_KIND_WITH_SEED}\n".encode())
        reader = Reader(_KIND_WITH_SEED if tells_seed else _KIND, data)
        document = reader.document()
        if document["seed"] != (seed if tells_seed else _digest_of(seed)):
            raise PackedBytesError("the reference was fitted with another sampling key")
        numbers = tuple(
            NumberBins(name, reader.floats(), reader.counts(), mean, sd) for name, mean, sd in document["numbers"]
        )
        score = ScoreBins(
            reader.floats(), reader.counts(), *document["score"],
            reader.floats(), reader.counts(), reader.counts(), reader.floats(),
        )  # fmt: skip
        state = read_state(reader)
        reader.finish()
        categories, segments = (
            tuple(CategoryLevels(name, tuple(levels), complete) for name, levels, complete in document[part])
            for part in ("categories", "segments")
        )
        return cls(numbers, categories, score, segments, seed, document["settings"], state, tells_seed)

    @cached_property
    def sha256(self) -> str:
        return sha256(self.to_bytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReferenceProfile) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)


def _digest_of(seed: int) -> str:
    return sha256(f"assay-sampling-key-v1 {seed}".encode()).hexdigest()


def _listed(levels: CategoryLevels) -> list:
    return [levels.name, list(levels.levels), levels.complete]


def fit_number(name: str, values: np.ndarray, *, psi_bins: int = 10) -> NumberBins:
    """Bins of a numeric feature from its reference values (n,); NaN and infinities are left out.

    Raises StatsInputError where no finite value is left, or one below which no number lies.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise StatsInputError(f"{name}: the reference window has no finite value")
    if finite.min() == np.finfo(np.float64).min:
        raise StatsInputError(f"{name}: the reference window holds {finite.min():.3g}, below which no number lies")
    cuts = inner_cuts(finite, psi_bins)
    edges = np.union1d(quantile_edges(finite), cuts)
    return NumberBins(name, edges, positions_of(cuts, edges), *mean_and_sd(finite))


def mean_and_sd(values: np.ndarray) -> tuple[float, float]:
    """Mean and population standard deviation; exactly 0 for a constant, where rounding would leave dust.

    Scaled by a power of two, which costs no bit: the squares of 1e200 overflow, those of 1e-200 are 0. Taken about
    a first mean, since the mean of numbers like 1e15 ± 10 is rounded by more than a bit.
    """
    if values.min() == values.max():
        return float(values[0]), 0.0
    exponent = int(np.frexp(np.abs(values).max())[1])
    scaled = np.ldexp(values, -exponent)
    first = scaled.mean()
    scaled -= first
    return float(np.ldexp(first + scaled.mean(), exponent)), float(np.ldexp(scaled.std(), exponent))


def fit_category(name: str, counts: dict[str, int], *, cap: int = LEVELS) -> CategoryLevels:
    """Levels of a categorical feature from the reference's count of each (missing left out)."""
    ordered = sorted(counts, key=lambda level: (-counts[level], level))
    return CategoryLevels(name, tuple(ordered[:cap]), len(ordered) <= cap)


def fit_score(
    scores: np.ndarray,
    knots: np.ndarray,
    *,
    cut_offs: tuple[float, ...],
    psi_bins: int = 10,
    grid: int = SCORE_GRID,
) -> ScoreBins:
    """Bins of the score from its reference values (n,), all within 0..1.

    knots  (2, k) from stats.calibration.isotonic_knots, k = 0 without labels
    """
    if scores.size == 0:
        raise StatsInputError("score: the reference window has no usable row")
    cuts, bands = inner_cuts(scores, psi_bins), inner_cuts(scores, SCORE_BANDS)
    operating = np.sort(np.asarray(cut_offs, np.float64))
    parts = [quantile_edges(scores), np.linspace(0, 1, grid), cuts, bands, below(operating), knots[0]]
    edges = check_edges(np.unique(np.concatenate(parts)))
    return ScoreBins(
        edges,
        positions_of(cuts, edges),
        *mean_and_sd(scores),
        cut_offs=operating,
        cut_off_cuts=positions_of(below(operating), edges),
        band_cuts=positions_of(bands, edges),
        knots=knots,
    )


def empty_state(
    numbers: tuple[NumberBins, ...], categories: tuple[CategoryLevels, ...], score: ScoreBins
) -> ProfileState:
    """The state of no rows: what every other state of these bins can be added to."""
    cells, features = (3, score.edges.size + 1), len(numbers)
    return ProfileState(
        rows=0,
        numbers=tuple(_no_numbers(bins.edges.size) for bins in numbers),
        categories=tuple(CategoryCounts(np.zeros(len(c.levels) + 3, np.int64)) for c in categories),
        score=ScoreCounts(
            np.zeros(cells, np.int64),
            np.zeros(cells),
            np.zeros(cells),
            np.zeros(2),
            np.zeros((3, 3, score.bands), np.int64),
        ),
        moments=Moments(0, np.zeros(features), np.zeros((features, features))),
    )


def _no_numbers(edges: int) -> NumberCounts:
    return NumberCounts(np.zeros(edges + 2, np.int64), np.zeros(edges + 1), np.inf, -np.inf, 0)
