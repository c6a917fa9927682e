"""Every engine against the slow one, on logs full of trouble: counts equal, sums within 1e-9 relative."""

from dataclasses import replace

import numpy as np
import pytest

from engines.admission import REPEATED, RESTATED
from engines.in_memory import profile_in_memory
from stats.measure import measure
from tests.spec.engines.logs import SPEC, messy_log, moment

AS_OF, NEVER = moment("2026-04-15T00:00"), moment("9999-01-01T00:00")


def _assert_close(ours, theirs):
    # A sum that cancels to nothing is compared with the largest sum beside it.
    scale = float(np.abs(theirs).max(initial=0))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * scale)


def assert_same_state(ours, theirs):
    assert ours.rows == theirs.rows
    for one, other in zip(ours.numbers, theirs.numbers, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
        assert (one.infinite, one.low, one.high) == (other.infinite, other.low, other.high)
        _assert_close(one.centred, other.centred)
    for one, other in zip(ours.categories, theirs.categories, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
        assert one.new_levels == other.new_levels
    np.testing.assert_array_equal(ours.score.counts, theirs.score.counts)
    np.testing.assert_array_equal(ours.score.decisions, theirs.score.decisions)
    for name in ("sums", "squares", "log_loss"):
        _assert_close(getattr(ours.score, name), getattr(theirs.score, name))
    assert (ours.moments is None) == (theirs.moments is None)
    if ours.moments is not None:
        assert ours.moments.rows == theirs.moments.rows
        _assert_close(ours.moments.total, theirs.moments.total)
        _assert_close(ours.moments.products, theirs.moments.products)


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize(
    "change",
    [
        {"model_version": "region"},
        {"time_zone": "America/New_York", "label_maturity_days": 30},
        {"segments": ()},
        {"label_known_at": None},
    ],
    ids=["plain", "New York and maturing labels", "no segments", "labels known at once"],
)
def test_an_engine_fills_the_states_that_the_slow_one_fills(engine, reference, tmp_path, seed, change):
    spec = replace(SPEC, **change)
    fitted = replace(reference, segments=reference.segments if spec.segments else ())
    partition = messy_log(tmp_path / "messy.parquet", seed)

    ours = engine(partition, spec, fitted, labels_as_of=AS_OF)
    theirs = profile_in_memory(partition, spec, fitted, labels_as_of=AS_OF)

    assert (ours.rows_read, ours.refused) == (theirs.rows_read, theirs.refused)
    # Of outcomes that are stated again, the fast engine says when one might change, not when one does.
    assert ours.labels_change_at is None or ours.labels_change_at > AS_OF
    assert (ours.labels_change_at or NEVER) <= (theirs.labels_change_at or NEVER)
    assert ours.versions == theirs.versions
    assert ours.states.keys() == theirs.states.keys()
    for key, state in ours.states.items():
        assert_same_state(state, theirs.states[key])


@pytest.mark.parametrize("as_of", [AS_OF, moment("2026-03-20T00:00"), None])
def test_an_engine_counts_restated_outcomes_as_the_slow_one_does(engine, reference, tmp_path, as_of):
    """Few ids on many lines: most outcomes are stated several times, in any order."""
    partition = messy_log(tmp_path / "messy.parquet", 14, ids=700)

    ours = engine(partition, SPEC, reference, labels_as_of=as_of)
    theirs = profile_in_memory(partition, SPEC, reference, labels_as_of=as_of)

    assert ours.refused == theirs.refused
    assert min(ours.refused[RESTATED], ours.refused[REPEATED]) > 100
    for key, state in theirs.states.items():
        assert_same_state(ours.states[key], state)


def test_the_measurements_of_two_engines_differ_by_rounding_alone(engine, reference, tmp_path):
    partition = messy_log(tmp_path / "messy.parquet", 13)
    key = next(iter(profile_in_memory(partition, SPEC, reference).states))

    ours = measure(reference, engine(partition, SPEC, reference).states[key], minimum_rows=10)
    theirs = measure(reference, profile_in_memory(partition, SPEC, reference).states[key], minimum_rows=10)

    assert [(m.metric, m.column, m.n, m.reason) for m in ours] == [(m.metric, m.column, m.n, m.reason) for m in theirs]
    for one, other in zip(ours, theirs, strict=True):
        if one.value is not None:
            assert one.value == pytest.approx(other.value, rel=1e-9, abs=1e-12)
