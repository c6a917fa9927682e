"""States add up, in any grouping, and are stored bit for bit."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.packing import PackedBytesError, Reader, Writer
from stats.state import (
    NAMED_NEW_LEVELS,
    CategoryCounts,
    Moments,
    NumberCounts,
    ProfileState,
    ScoreCounts,
    merge,
    merge_names,
)

names = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(1, 9), max_size=150)


def state(seed: int) -> ProfileState:
    """Sums are small whole numbers, whose float additions are exact in any order."""
    random = np.random.default_rng(seed)

    def whole(*shape):
        return random.integers(-3, 9, shape).astype(float)

    def counts(*shape):
        return np.maximum(random.integers(-5, 300, shape), 0)

    return ProfileState(
        rows=int(random.integers(1, 9)),
        numbers=(NumberCounts(counts(7), whole(6), float(random.integers(0, 5)), 9.0, int(random.integers(2))),),
        categories=(CategoryCounts(counts(5), (("new", int(random.integers(1, 4))),)),),
        score=ScoreCounts(counts(3, 8), whole(3, 8), whole(3, 8), whole(2), counts(3, 3, 4)),
        moments=Moments(4, whole(2), whole(2, 2)),
    )


seeds = st.integers(0, 10_000)


@given(seeds, seeds, seeds)
def test_merging_does_not_depend_on_grouping(a, b, c):
    one, two, three = state(a), state(b), state(c)

    assert ((one + two) + three).sha256 == (one + (two + three)).sha256


@given(st.lists(seeds, min_size=1, max_size=5), st.randoms())
def test_merging_does_not_depend_on_order(chosen, random):
    shuffled = random.sample(chosen, len(chosen))

    assert reduce(merge, map(state, chosen)).sha256 == reduce(merge, map(state, shuffled)).sha256


@given(names, names, names)
def test_named_new_levels_are_the_same_in_any_grouping(one, two, three):
    parts = [tuple(sorted(part.items()))[:NAMED_NEW_LEVELS] for part in (one, two, three)]

    assert merge_names(merge_names(*parts[:2]), parts[2]) == merge_names(parts[0], merge_names(*parts[1:]))


@given(seeds)
def test_a_state_survives_its_bytes(seed):
    original = state(seed)

    copy = ProfileState.from_bytes(original.to_bytes())

    assert copy.to_bytes() == original.to_bytes()
    np.testing.assert_array_equal(copy.score.sums, original.score.sums)
    np.testing.assert_array_equal(copy.numbers[0].counts, original.numbers[0].counts)
    assert copy.categories[0].new_levels == original.categories[0].new_levels


def test_a_state_that_differs_in_one_count_has_another_digest():
    one, other = state(1), state(1)
    other.score.counts[1, 2] += 1

    assert one.sha256 != other.sha256


def test_states_of_different_columns_do_not_merge():
    one = state(1)
    other = ProfileState(1, (), one.categories, one.score)

    with pytest.raises(ValueError, match="different references"):
        merge(one, other)


@pytest.mark.parametrize("spoil", [lambda d: d[:-1], lambda d: d + b"x", lambda d: b"x" + d, lambda d: d[:40]])
def test_spoilt_bytes_are_refused(spoil):
    with pytest.raises(PackedBytesError):
        ProfileState.from_bytes(spoil(state(1).to_bytes()))


@given(st.lists(st.sampled_from([0, 0, 0, 1, 255, 256, 65_536, 2**40]), max_size=200))
def test_counts_of_any_size_and_sparseness_survive(values):
    writer = Writer("test")
    writer.counts(np.array(values, np.int64))

    assert Reader("test", writer.to_bytes()).counts().tolist() == values
