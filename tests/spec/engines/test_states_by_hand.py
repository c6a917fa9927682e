"""What every engine must make of rows that a person can check one by one."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest

from engines import admission
from engines.partition import ALL
from engines.sources import partition_at
from stats.state import APPROVED, BAD, DECLINED, GOOD, UNKNOWN
from tests.spec.engines.logs import SPEC, moment

FIRST = date(2026, 3, 1)


def test_a_value_on_an_edge_falls_into_the_bin_that_the_edge_closes(engine, reference, log):
    edges = reference.number("income").edges
    on, above = float(edges[7]), float(np.nextafter(edges[7], np.inf))

    state = engine(log({"income": on}, {"income": above}), SPEC, reference).states[FIRST, ALL]

    assert np.flatnonzero(state.numbers[0].counts).tolist() == [7, 8]
    assert state.numbers[0].centred[7] == on - reference.number("income").mean


def test_values_outside_the_reference_and_missing_ones_have_bins_of_their_own(engine, reference, log):
    edges = reference.number("income").edges
    values = [float(edges[0]), float(edges[-1]) * 2, np.nan, None]

    counts = engine(log(*({"income": v} for v in values)), SPEC, reference).states[FIRST, ALL].numbers[0].counts

    assert (counts[0], counts[edges.size], counts[-1], counts.sum()) == (1, 1, 2, 4)


def test_an_infinite_value_is_counted_outside_and_left_out_of_the_sums(engine, reference, log):
    state = engine(log({"income": np.inf}, {"income": -np.inf}), SPEC, reference).states[FIRST, ALL]
    income = state.numbers[0]

    assert (income.counts[0], income.counts[-2], income.infinite) == (1, 1, 2)
    assert not income.centred.any()
    assert (income.low, income.high) == (np.inf, -np.inf)


def test_minus_zero_is_zero(engine, reference, log):
    state = engine(log({"income": 0.0}, {"income": -0.0}), SPEC, reference).states[FIRST, ALL]

    assert state.numbers[0].counts.max() == 2


def test_the_banks_midnight_cuts_days(engine, reference, log):
    partition = log(
        {"asked_at": moment("2026-03-01T15:59:59.999999")},
        {"asked_at": moment("2026-03-01T16:00")},
    )

    states = engine(partition, SPEC, reference).states

    assert [day for day, segment in sorted(states) if segment == ALL] == [FIRST, date(2026, 3, 2)]


def test_a_new_level_is_counted_by_name_and_a_missing_one_is_not_new(engine, reference, log):
    products = ["leasing", "leasing", "überziehung", None, "card"]

    counts = engine(log(*({"product": p} for p in products)), SPEC, reference).states[FIRST, ALL].categories[0]

    assert counts.counts.tolist() == [1, 0, 0, 0, 3, 1]
    assert counts.new_levels == (("leasing", 2), ("überziehung", 1))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": None}, admission.NO_ROW_ID),
        ({"id": ""}, admission.NO_ROW_ID),
        ({"asked_at": None}, admission.NO_MOMENT),
        ({"asked_at": moment("9999-12-31T00:00")}, admission.NO_MOMENT),
        ({"score": None}, admission.NO_SCORE),
        ({"score": np.nan}, admission.NO_SCORE),
        ({"score": np.inf}, admission.NO_SCORE),
        ({"score": -0.01}, admission.WRONG_SCORE),
        ({"score": 1.01}, admission.WRONG_SCORE),
        ({"id": "r0"}, admission.REPEATED),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_and_counted(engine, reference, log, row, reason):
    profile = engine(log({}, row, {}), SPEC, reference)

    assert profile.refused == {reason: 1}
    assert (profile.rows_read, profile.states[FIRST, ALL].rows) == (3, 2)


def test_of_repeated_row_ids_the_first_usable_one_counts(engine, reference, log):
    partition = log({"id": "a", "score": 2.0}, {"id": "a", "score": 0.1}, {"id": "a", "score": 0.9})

    profile = engine(partition, SPEC, reference)

    assert profile.refused == {admission.WRONG_SCORE: 1, admission.REPEATED: 1}
    assert profile.states[FIRST, ALL].score.sums.sum() == pytest.approx(0.1)


def test_a_row_adds_to_the_whole_and_to_its_segment(engine, reference, log):
    partition = log({"region": "north"}, {"region": "south"}, {"region": "abroad"}, {"region": None}, {})

    states = engine(partition, SPEC, reference).states

    rows = {segment: state.rows for (_, segment), state in states.items()}
    assert rows == {ALL: 5, "region=north": 2, "region=south": 1, "region=(new)": 1, "region=(missing)": 1}


def test_a_segment_that_the_reference_does_not_keep_is_other_and_not_new(engine, reference, log):
    region = replace(reference.segments[0], levels=("north",), complete=False)

    states = engine(log({"region": "south"}), SPEC, replace(reference, segments=(region,))).states

    assert sorted(segment for _, segment in states) == [ALL, "region=(other)"]


def test_a_label_counts_once_it_is_known(engine, reference, log):
    partition = log(
        {"default": 1, "known_at": moment("2026-04-01T00:00")},
        {"default": 0, "known_at": moment("2026-06-01T00:00")},
        {"default": 0, "known_at": None},
        {"default": 2, "known_at": moment("2026-04-01T00:00")},
    )

    early = engine(partition, SPEC, reference, labels_as_of=moment("2026-05-01T00:00")).states[FIRST, ALL].score
    every = engine(partition, SPEC, reference).states[FIRST, ALL].score

    assert early.counts.sum(axis=1).tolist() == [3, 0, 1]
    assert every.counts.sum(axis=1).tolist() == [1, 2, 1]


def test_without_the_column_that_says_when_no_label_is_known_yet(engine, reference, log, tmp_path):
    table = pq.read_table(log({"default": 1}, {"default": 0}).path).drop_columns(["known_at"])
    pq.write_table(table, tmp_path / "less.parquet")
    partition = partition_at(tmp_path / "less.parquet")

    at_a_cut_off = engine(partition, SPEC, reference, labels_as_of=moment("2030-01-01T00:00")).states[FIRST, ALL]
    every = engine(partition, SPEC, reference).states[FIRST, ALL]

    assert at_a_cut_off.score.counts.sum(axis=1).tolist() == [2, 0, 0]
    assert every.score.counts.sum(axis=1).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("as_of", "changes_at"),
    [
        ("2026-03-15T00:00", "2026-04-01T00:00"),
        ("2026-04-01T00:00", "2026-06-01T00:00"),
        ("2026-05-31T23:59", "2026-06-01T00:00"),
        ("2026-06-01T00:00", None),
    ],
)
def test_until_when_no_label_changes_is_the_next_moment_at_which_one_counts(engine, reference, log, as_of, changes_at):
    partition = log(
        {"default": 1, "known_at": moment("2026-04-01T00:00")},
        {"default": 0, "known_at": moment("2026-06-01T00:00")},
        {"default": 0, "known_at": None},
        {"default": None, "known_at": moment("2026-04-10T00:00")},
        {"default": 0, "known_at": moment("2026-04-10T00:00"), "score": 2.0},
    )

    profile = engine(partition, SPEC, reference, labels_as_of=moment(as_of))

    assert profile.labels_change_at == (moment(changes_at) if changes_at else None)


def test_a_label_that_was_known_counts_once_its_row_is_old_enough(engine, reference, log):
    partition = log({"default": 1, "known_at": moment("2026-03-02T00:00"), "asked_at": moment("2026-03-01T04:00")})
    spec = replace(SPEC, label_maturity_days=90)

    early = engine(partition, spec, reference, labels_as_of=moment("2026-04-01T00:00"))
    late = engine(partition, spec, reference, labels_as_of=early.labels_change_at)

    assert early.labels_change_at == moment("2026-05-30T04:00")
    assert (early.states[FIRST, ALL].score.labelled, late.states[FIRST, ALL].score.labelled) == (0, 1)
    assert late.labels_change_at is None


def test_without_a_cut_off_every_label_counts_and_none_changes(engine, reference, log):
    profile = engine(log({"default": 1, "known_at": moment("2099-01-01T00:00")}), SPEC, reference)

    assert profile.labels_change_at is None


APRIL, MAY, JUNE = (moment(f"2026-0{month}-01T00:00") for month in (4, 5, 6))
MID = {name: moment(f"2026-0{month}-15T00:00") for name, month in (("April", 4), ("May", 5), ("June", 6))}


def classes(engine, partition, reference, at, spec=SPEC):
    """(rows of unknown, good and bad outcome) at a cut-off, and the account of refused rows."""
    profile = engine(partition, spec, reference, labels_as_of=at)
    return profile.states[FIRST, ALL].score.counts.sum(axis=1).tolist(), profile.refused


@pytest.mark.parametrize(
    ("at", "found"),
    [(moment("2026-03-15T00:00"), [1, 0, 0]), (MID["April"], [0, 1, 0]), (MID["May"], [0, 0, 1]), (None, [0, 1, 0])],
)
def test_of_the_outcomes_that_lines_of_one_row_state_the_newest_known_counts(engine, reference, log, at, found):
    partition = log(
        {"id": "a", "default": 0, "known_at": APRIL, "score": 0.1},
        {"id": "a", "default": 1, "known_at": MAY, "score": 0.9},
        {"id": "a", "default": 0, "known_at": JUNE},
    )

    assert classes(engine, partition, reference, at) == (found, {admission.RESTATED: 2})
    assert engine(partition, SPEC, reference).states[FIRST, ALL].score.sums.sum() == pytest.approx(0.1)


@pytest.mark.parametrize(("at", "found"), [(MID["April"], [0, 1, 0]), (MID["June"], [0, 0, 1])])
def test_lines_need_not_come_in_the_order_in_which_outcomes_became_known(engine, reference, log, at, found):
    partition = log({"id": "a", "default": 1, "known_at": JUNE}, {"id": "a", "default": 0, "known_at": APRIL})

    assert classes(engine, partition, reference, at) == (found, {admission.RESTATED: 1})


@pytest.mark.parametrize(
    ("first", "second", "found", "reason"),
    [
        ({"default": 0, "known_at": APRIL}, {"default": 1, "known_at": APRIL}, [0, 1, 0], admission.REPEATED),
        ({"default": 0, "known_at": APRIL}, {"default": 1, "known_at": None}, [0, 1, 0], admission.REPEATED),
        ({"default": 0, "known_at": APRIL}, {"default": None, "known_at": MAY}, [0, 1, 0], admission.REPEATED),
        ({"default": None, "known_at": None}, {"default": 1, "known_at": MAY}, [0, 0, 1], admission.RESTATED),
        ({"default": 0, "known_at": None}, {"default": 1, "known_at": MAY}, [0, 0, 1], admission.RESTATED),
    ],
    ids=["same moment", "no moment", "no outcome", "first without", "first without a moment"],
)
def test_a_line_restates_only_an_outcome_of_another_moment(engine, reference, log, first, second, found, reason):
    partition = log({"id": "a", **first}, {"id": "a", **second}, {"id": "b"})

    counted, refused = classes(engine, partition, reference, MID["June"])

    assert (counted, refused) == ([found[0] + 1, *found[1:]], {reason: 1})


def test_of_two_outcomes_known_at_the_same_moment_the_line_that_came_first_counts(engine, reference, log):
    partition = log(*({"id": "a", "default": y, "known_at": k} for y, k in ((0, APRIL), (1, MAY), (0, MAY))))

    assert classes(engine, partition, reference, MID["June"]) == ([0, 0, 1], {admission.RESTATED: 2})


def test_a_restated_outcome_is_final_as_soon_as_its_row_is(engine, reference, log):
    lines = ({"id": "a", "default": 0, "known_at": APRIL}, {"id": "a", "default": 1, "known_at": MAY})
    spec, partition = replace(SPEC, label_maturity_days=90), log(*lines)

    assert classes(engine, partition, reference, MID["May"], spec)[0] == [1, 0, 0]
    assert classes(engine, partition, reference, MID["June"], spec)[0] == [0, 0, 1]


def test_without_moments_a_repeated_line_restates_nothing(engine, reference, log):
    partition = log({"id": "a", "default": 0, "known_at": APRIL}, {"id": "a", "default": 1, "known_at": MAY})
    spec = replace(SPEC, label_known_at=None)

    assert classes(engine, partition, reference, MID["June"], spec) == ([0, 1, 0], {admission.REPEATED: 1})


def test_scores_and_decisions_are_counted_by_label(engine, reference, log):
    partition = log(
        {"score": 0.2, "default": 1, "decision": "Approved"},
        {"score": 0.4, "default": 0, "decision": "declined"},
        {"score": 0.5, "decision": None},
    )

    score = engine(partition, SPEC, reference).states[FIRST, ALL].score

    assert score.sums.sum(axis=1).tolist() == [0.5, 0.4, 0.2]
    assert score.squares.sum(axis=1) == pytest.approx([0.25, 0.16, 0.04])
    assert score.log_loss == pytest.approx([-np.log(0.6), -np.log(0.2)])
    decisions = score.decisions.sum(axis=2)
    assert decisions[BAD, APPROVED] == decisions[GOOD, DECLINED] == decisions[UNKNOWN, 0] == 1
    assert decisions.sum() == 3


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Approved ", " approved", "APPROVED"], [0, 0, 3]),
        (["declined", "Declined ", "referred"], [0, 3, 0]),
        (["", "   ", None], [3, 0, 0]),
    ],
)
def test_a_decision_is_read_without_letter_case_and_spaces(engine, reference, log, texts, found):
    score = engine(log(*({"decision": text} for text in texts)), SPEC, reference).states[FIRST, ALL].score

    assert score.decisions.sum(axis=(0, 2)).tolist() == found


def test_a_score_on_the_cut_off_is_called(engine, reference, log):
    cut = int(reference.score.cut_off_cuts[0])

    partition = log({"score": 0.5}, {"score": float(np.nextafter(0.5, 0))})
    counts = engine(partition, SPEC, reference).states[FIRST, ALL].score.counts.sum(axis=0)

    assert (counts[: cut + 1].sum(), counts[cut + 1 :].sum()) == (1, 1)


def test_second_moments_are_standardised_and_clipped(engine, reference, log):
    income, age = reference.number("income"), reference.number("age")
    partition = log({"income": income.mean + income.sd, "age": 1e9}, {"income": None, "age": age.mean})

    moments = engine(partition, SPEC, reference).states[FIRST, ALL].moments

    assert moments.total == pytest.approx([1, 10])
    assert moments.products == pytest.approx(np.array([[1, 10], [10, 100]]))
