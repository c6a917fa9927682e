"""The compiled inner loops: values into bins, without the GIL.

What makes 1,001 bins affordable: the bits of a float, made order-preserving, are cut to their top 18 or so, which
index a table of how many edges lie below each such cell; a search of a fixed number of steps among the few edges
of the cell finishes it. Each step is taken for a tile of values at once: such a loop has no branch to be guessed
wrong and is done eight values at a time, so that a value costs 4 ns instead of 11, half a one for each step. Each
column is summed in row order into one array, so its bits do not depend on how many threads share the columns.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from engines.refusals import LogRefused

_SHIFTS = range(40, 64)
_MOST_CELLS = 140_000  # 280 kB a column: at 46 bits the range of a column that has both signs
_TILE = 512  # values, so that they and their places stay in the first cache
MOST_EDGES = np.iinfo(np.int16).max
_SIGN = np.uint64(1 << 63)
CLIP = 10.0
SMALLEST_SD = float(np.finfo(np.float64).tiny)
UNGROUPED = -1


@intrinsic
def _bits(typingctx, value):
    """Reinterpret a float64 as uint64 in a register; numba has no view() on scalars."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.uint64))

    return types.uint64(types.float64), build


@njit(inline="always")
def _ordered(value):
    """Order-preserving bits. Adding 0.0 makes -0.0 the same value as 0.0."""
    bits = _bits(value + 0.0)
    if bits & _SIGN:
        return ~bits
    return bits | _SIGN


class Cells(NamedTuple):
    """The lookup table of one column.

    edges   (m + padding,) float64, infinite after the m-th, so that a search may run on past its cell
    below   (cells + 2,) int16: how many edges lie below each cell, from the one before the first edge's
    first   the first edge's cell; shift  how many low bits a cell leaves out
    stride  the first step of the search; it is halved down to 1
    """

    edges: np.ndarray
    below: np.ndarray
    first: int
    shift: np.uint64
    stride: int


def cell_table(edges: np.ndarray) -> Cells:
    """The finest table that stays small; only the reference's range is tabled.

    Raises LogRefused for more edges than the table can number.
    """
    if edges.size > MOST_EDGES:
        raise LogRefused(
            f"a column of the reference has {edges.size:,} edges, at most {MOST_EDGES:,} can be counted in"
        )
    shift, cells = next((shift, cells) for shift in _SHIFTS if np.ptp(cells := _cells(edges, shift)) < _MOST_CELLS)
    filled, counts = np.unique(cells, return_counts=True)
    stride = 1 << (int(counts.max()).bit_length() - 1)
    below = np.zeros(np.ptp(cells) + 3, np.int16)
    below[filled - cells[0] + 2] = counts
    np.cumsum(below, out=below)
    padded = np.concatenate([edges, np.full(2 * stride, np.inf)])
    return Cells(padded, below, int(cells[0]), np.uint64(shift), stride)


def _cells(edges: np.ndarray, shift: int) -> np.ndarray:
    bits = (edges + 0.0).view(np.uint64)
    return (np.where(bits & _SIGN, ~bits, bits | _SIGN) >> np.uint64(shift)).astype(np.int64)


@njit(inline="always")
def _find_bins(values, cells, bins):
    """Fill bins (n,) int32 with the bin of each value of a tile; that of a missing one is arbitrary."""
    edges, below, last = cells.edges, cells.below, cells.below.size - 1
    for i in range(values.size):
        cell = np.int64(_ordered(values[i]) >> cells.shift) - cells.first
        bins[i] = below[np.uint64(min(max(cell + 1, 0), last))]
    stride = cells.stride
    while stride > 0:
        for i in range(values.size):
            bins[i] += stride if edges[np.uint64(bins[i] + stride - 1)] < values[i] else 0
        stride >>= 1


@njit(inline="always")
def _is_one_state(groups):
    differences = 0
    for i in range(groups.size):
        differences |= groups[i] ^ groups[0]
    return differences == 0


@njit(nogil=True, cache=True)
def fill_number(values, groups, cells, centre, counts, centred, extremes, infinite):
    """Add a block of one numeric column.

    values    (n,) float64, NaN = missing
    groups    (cuts, n) int32: the state each row adds to, by cut; UNGROUPED leaves it out
    centre    what is taken off each value before it is summed
    counts    (states, edges + 2) int64, centred (states, edges + 1) float64
    extremes  (states, 2) float64, infinite (states,) int64
    """
    buffer = np.empty(_TILE, np.int32)
    for start in range(0, values.size, _TILE):
        tile = values[start : start + _TILE]
        bins = buffer[: tile.size]
        _find_bins(tile, cells, bins)
        for cut in range(groups.shape[0]):
            states = groups[cut, start : start + tile.size]
            if not _is_one_state(states):
                for i in range(tile.size):
                    if states[i] != UNGROUPED:
                        at, one = states[i], slice(i, i + 1)
                        infinite[at] += _add_values(tile[one], bins[one], centre, counts[at], centred[at], extremes[at])
            elif states[0] != UNGROUPED:
                at = states[0]
                infinite[at] += _add_values(tile, bins, centre, counts[at], centred[at], extremes[at])


@njit(inline="always")
def _add_values(values, bins, centre, counts, centred, extremes):
    """Add values to one state; returns how many are infinite."""
    low, high, infinite = extremes[0], extremes[1], 0
    for i in range(values.size):
        value, place = values[i], np.uint64(bins[i])
        if value != value:
            counts[-1] += 1
            continue
        counts[place] += 1
        if abs(value) < np.inf:
            centred[place] += value - centre
            low = value if value < low else low
            high = value if value > high else high
        else:
            infinite += 1
    extremes[0], extremes[1] = low, high
    return infinite


@njit(nogil=True, cache=True)
def standardise(values, mean, sd, out):
    """(value - mean) / sd clipped to ±CLIP into out (n,); missing and a constant reference give 0.

    So does a spread below SMALLEST_SD, whose reciprocal is no number.
    """
    scale = 1.0 / sd if sd >= SMALLEST_SD else 0.0
    for i in range(values.size):
        value = values[i]
        if value != value or scale == 0.0:
            out[i] = 0.0
        else:
            out[i] = min(max((value - mean) * scale, -CLIP), CLIP)


@njit(nogil=True, cache=True)
def fill_moments(standardised, groups, first, last, total, products):
    """Add the outer products of rows to those of their state, for features first…last - 1 against all below.

    standardised  (p, n) float64
    groups        (n,) int32
    total         (states, p), products (states, p, p): the lower triangle is filled
    """
    features, rows = standardised.shape
    tile = np.empty((64, features))
    for start in range(0, rows, 64):
        size = min(64, rows - start)
        for j in range(last):
            for r in range(size):
                tile[r, j] = standardised[j, start + r]
        r = 0
        while r < size:
            state = groups[start + r]
            if state == UNGROUPED:
                r += 1
            elif r + 3 < size and _all_are(groups, start + r + 1, state):
                _add_four(tile[r : r + 4], first, last, total[state], products[state])
                r += 4
            else:
                _add_row(tile[r], first, last, total[state], products[state])
                r += 1


@njit(inline="always")
def _all_are(groups, at, state):
    return groups[at] == state and groups[at + 1] == state and groups[at + 2] == state


@njit(inline="always")
def _add_row(row, first, last, total, products):
    for i in range(first, last):
        value = row[i]
        total[i] += value
        target = products[i]
        for j in range(i + 1):
            target[j] += value * row[j]


@njit(inline="always")
def _add_four(rows, first, last, total, products):
    """Four rows of one state, added in their order: each sum is loaded and stored once instead of four times."""
    a, b, c, d = rows[0], rows[1], rows[2], rows[3]
    for i in range(first, last):
        va, vb, vc, vd = a[i], b[i], c[i], d[i]
        total[i] = (((total[i] + va) + vb) + vc) + vd
        target = products[i]
        for j in range(i + 1):
            target[j] = (((target[j] + va * a[j]) + vb * b[j]) + vc * c[j]) + vd * d[j]


@njit(nogil=True, cache=True)
def fill_score(scores, labels, decisions, groups, cells, bands, counts, sums, squares, log_loss, by_decision):
    """Add a block of the score, by label class and decision.

    scores     (n,) float64 within 0..1 wherever the row is grouped
    labels     (n,) int8: 0 unknown, 1 good, 2 bad; decisions (n,) int8: 0 none, 1 declined, 2 approved
    bands      (edges + 1,) int8: score band of each bin
    The other arrays are those of stats.state.ScoreCounts with a leading axis of states.
    """
    smallest = np.finfo(np.float64).eps  # as scikit-learn clips, so that a score of 0 or 1 stays finite
    buffer = np.empty(_TILE, np.int32)
    for start in range(0, scores.size, _TILE):
        tile = scores[start : start + _TILE]
        _find_bins(tile, cells, buffer[: tile.size])
        for i in range(start, start + tile.size):
            if groups[0, i] == UNGROUPED:
                continue
            score, label, position = scores[i], labels[i], buffer[i - start]
            loss = 0.0
            if label > 0:
                likelihood = score if label == 2 else 1.0 - score
                loss = -np.log(min(max(likelihood, smallest), 1.0 - smallest))
            for cut in range(groups.shape[0]):
                state = groups[cut, i]
                counts[state, label, position] += 1
                sums[state, label, position] += score
                squares[state, label, position] += score * score
                if label > 0:
                    log_loss[state, label - 1] += loss
                by_decision[state, label, decisions[i], bands[position]] += 1


@njit(nogil=True, cache=True)
def fill_levels(positions, bins, groups, counts):
    """Add a block of one categorical column.

    positions  (n,) int32 among the levels of the block, -1 = missing
    bins       (levels + 1,) int32: the bin of each of them and, last, of a missing one
    groups     (cuts, n) int32, as fill_number takes them; counts (states, bins) int64
    """
    for i in range(positions.size):
        if groups[0, i] == UNGROUPED:
            continue
        position = bins[positions[i]]
        for cut in range(groups.shape[0]):
            counts[groups[cut, i], position] += 1


@njit(nogil=True, cache=True)
def mark_repeats(prints, usable, slots, repeated):
    """Flag every usable row whose fingerprint was seen before, here or in an earlier block.

    prints    (n, 2) uint64; usable (n,) bool; repeated (n,) bool, filled
    slots     (capacity, 2) uint64, open addressing; two zeros are a free slot
    Returns how many slots were newly taken; the caller keeps some free.
    """
    capacity = np.uint64(slots.shape[0])
    added = 0
    for i in range(prints.shape[0]):
        repeated[i] = False
        if not usable[i]:
            continue
        # The top 32 bits, scaled to the capacity: it need not be a power of two, which halves the memory.
        at = ((prints[i, 0] >> np.uint64(32)) * capacity) >> np.uint64(32)
        while True:
            if slots[at, 0] == prints[i, 0] and slots[at, 1] == prints[i, 1]:
                repeated[i] = True
                break
            if slots[at, 0] == 0 and slots[at, 1] == 0:
                slots[at, 0], slots[at, 1] = prints[i, 0], prints[i, 1]
                added += 1
                break
            at = (at + np.uint64(1)) % capacity
    return added
