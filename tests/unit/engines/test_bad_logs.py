"""A log is computed, partly computed with reasons, or refused with one: never a traceback of a library."""

import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engines.admission import MALFORMED, NO_MOMENT, REPEATED
from engines.kernels import MOST_EDGES, cell_table
from engines.local import fit_reference, profile_partition
from engines.partition import ALL, PartitionProfile, window
from engines.refusals import LogRefused
from engines.sources import check_log, partition_at
from stats.measure import measure
from stats.reference import ReferenceProfile
from stats.results import NOT_FINITE
from tests.spec.engines import logs
from tests.spec.engines.logs import SPEC


def csv(tmp_path, text: str, encoding: str = "utf-8"):
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode(encoding))
    return partition_at(path)


HEAD = "id,asked_at,income,age,product,score,decision,default,known_at,region\n"
ROW = "a{i},2026-03-01T10:00:0{i},1000.5,30,card,0.25,approved,1,2026-03-05,north\n"
THREE = "".join(ROW.format(i=i) for i in range(3))


def test_csv_and_parquet_of_the_same_rows_give_the_same_states(reference, tmp_path):
    text = profile_partition(csv(tmp_path, HEAD + THREE), SPEC, reference)
    table = pa.table(
        {
            "id": ["a0", "a1", "a2"],
            "asked_at": [logs.moment(f"2026-03-01T02:00:0{i}") for i in range(3)],
            "income": [1000.5] * 3,
            "age": [30] * 3,
            "product": ["card"] * 3,
            "score": [0.25] * 3,
            "decision": ["approved"] * 3,
            "default": [1] * 3,
            "known_at": [logs.moment("2026-03-05T00:00")] * 3,
            "region": ["north"] * 3,
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")

    binary = profile_partition(partition_at(tmp_path / "log.parquet"), SPEC, reference)

    assert {key: state.sha256 for key, state in text.states.items()} == {
        key: state.sha256 for key, state in binary.states.items()
    }
    assert text.sample.to_bytes() == binary.sample.to_bytes()


def test_a_byte_order_mark_is_no_part_of_the_first_column(reference, tmp_path):
    partition = csv(tmp_path, HEAD + THREE, "utf-8-sig")

    assert check_log([partition], SPEC) == []
    assert profile_partition(partition, SPEC, reference).rows == 3


def test_lines_with_the_wrong_number_of_cells_are_refused_and_counted(reference, tmp_path):
    profile = profile_partition(csv(tmp_path, HEAD + THREE + "b,2026-03-01\n"), SPEC, reference)

    assert (profile.rows_read, profile.rows, profile.refused) == (4, 3, {MALFORMED: 1})


def test_a_type_that_changes_half_way_counts_as_missing_and_is_said(reference, tmp_path):
    spoilt = ROW.format(i=4).replace("1000.5", "n.v.t.").replace("0.25", '"0,25"')
    profile = profile_partition(csv(tmp_path, HEAD + THREE + spoilt), SPEC, reference)

    assert "column 'score': 1 values are no numbers and count as missing" in profile.reasons
    assert "column 'income': 1 values are no numbers and count as missing" in profile.reasons
    assert profile.refused == {"score is missing or not finite": 1}


def test_moments_of_mixed_form_are_each_read(reference, tmp_path):
    text = THREE.replace("2026-03-01T10:00:01", "2026-03-01 10:00:01+08:00").replace("2026-03-01T10:00:02", "soon")

    profile = profile_partition(csv(tmp_path, HEAD + text), SPEC, reference)

    assert profile.refused == {"time is missing or cannot be read": 1}
    assert [day.isoformat() for day in profile.days] == ["2026-03-01"]


def test_reordered_and_extra_columns_change_nothing(reference, tmp_path):
    partition = logs.rows(tmp_path / "one.parquet", {}, {"income": 5e4})
    table = pq.read_table(partition.path)
    shuffled = table.select(table.column_names[::-1]).append_column("extra", pa.array([[1], [2]]))
    pq.write_table(shuffled, tmp_path / "other.parquet")

    one = profile_partition(partition, SPEC, reference)
    other = profile_partition(partition_at(tmp_path / "other.parquet"), SPEC, reference)

    assert window([one]).sha256 == window([other]).sha256


def test_a_column_that_is_there_twice_is_refused(reference, tmp_path):
    partition = logs.rows(tmp_path / "one.parquet", {})
    table = pq.read_table(partition.path)
    pq.write_table(table.append_column("income", pa.array([2.0])), tmp_path / "twice.parquet")
    twice = partition_at(tmp_path / "twice.parquet")

    with pytest.raises(LogRefused, match="column 'income' is there 2 times") as refused:
        profile_partition(twice, SPEC, reference)

    assert refused.value.column == "income"
    assert [problem.column for problem in check_log([twice], SPEC)] == ["income"]


@pytest.mark.parametrize("column", ["id", "asked_at", "score"])
def test_without_row_id_time_or_score_nothing_can_be_placed(reference, tmp_path, column):
    table = pq.read_table(logs.rows(tmp_path / "one.parquet", {}).path)
    pq.write_table(table.drop_columns([column]), tmp_path / "less.parquet")

    with pytest.raises(LogRefused, match=f"there is no column '{column}'"):
        profile_partition(partition_at(tmp_path / "less.parquet"), SPEC, reference)


@pytest.mark.parametrize("column", ["income", "product", "region", "decision", "default"])
def test_without_another_column_the_rest_is_computed_and_it_is_said(reference, tmp_path, column):
    table = pq.read_table(logs.rows(tmp_path / "one.parquet", {}, {}).path)
    pq.write_table(table.drop_columns([column]), tmp_path / "less.parquet")

    profile = profile_partition(partition_at(tmp_path / "less.parquet"), SPEC, reference)

    assert profile.rows == 2
    assert profile.reasons == (f"column '{column}' is not in this partition; its values count as missing",)


def test_labels_of_a_partition_that_lost_the_moment_they_became_known_are_said(reference, tmp_path):
    table = pq.read_table(logs.rows(tmp_path / "one.parquet", {"default": 1}, {"default": 0}, {}).path)
    pq.write_table(table.drop_columns(["known_at"]), tmp_path / "less.parquet")

    less = partition_at(tmp_path / "less.parquet")
    profile = profile_partition(less, SPEC, reference, labels_as_of=logs.moment("2030-01-01T00:00"))

    assert profile.reasons == (
        "column 'known_at' is not in this partition; its values count as missing",
        "column 'default': 2 values are without the moment they became known and count as not known",
    )


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        ("income", [[1.0], [2.0]], "'income' is of type list"),
        ("product", [["card"], ["loan"]], "'product' is of type list.*, single values are needed"),
        ("product", [{"name": "card"}] * 2, "'product' is of type struct"),
        ("region", [["north"], ["south"]], "'region' is of type list"),
        ("decision", [["approved"], []], "'decision' is of type list"),
        ("id", [["a"], ["b"]], "'id' is of type list"),
        ("score", [logs.moment("2026-01-01T00:00")] * 2, "'score' is of type timestamp"),
        ("asked_at", [1.5, 2.5], "'asked_at' is of type double, a time is needed"),
    ],
)
def test_a_column_of_a_type_that_cannot_be_meant_is_refused(reference, tmp_path, column, values, sentence):
    table = pq.read_table(logs.rows(tmp_path / "one.parquet", {}, {}).path)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values)), tmp_path / "odd.parquet")

    with pytest.raises(LogRefused, match=sentence):
        profile_partition(partition_at(tmp_path / "odd.parquet"), SPEC, reference)


def replaced(tmp_path, column: str, values: pa.Array):
    """As many ordinary rows as there are values, one column replaced by them."""
    table = pq.read_table(logs.rows(tmp_path / "ordinary.parquet", *[{}] * len(values)).path)
    pq.write_table(table.set_column(table.column_names.index(column), column, values), tmp_path / "odd.parquet")
    return partition_at(tmp_path / "odd.parquet")


@pytest.mark.parametrize("kind", [pa.binary(), pa.binary(2), pa.large_binary()], ids=str)
def test_row_ids_of_bytes_that_are_no_text_are_told_apart(reference, tmp_path, kind):
    ids = pa.array([bytes([255, i]) for i in range(200)] + [b"ab", b"ab"], kind)

    profile = profile_partition(replaced(tmp_path, "id", ids), SPEC, reference)

    assert (profile.rows, profile.refused) == (201, {REPEATED: 1})
    assert {"0xff00", "0xffc7", "ab"} <= set(profile.sample.table.column("id").to_pylist())


@pytest.mark.parametrize(
    "moments",
    [
        pa.array([2**63 - 1, -(2**63)]).cast(pa.timestamp("ms", "UTC")),
        pa.array([2**63 - 1, -(2**63)]).cast(pa.timestamp("us", "UTC")),
        pa.array([2**63 - 1, -(2**63)]).cast(pa.timestamp("ms")),
        pa.array([2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32()),
    ],
    ids=lambda moments: str(moments.type),
)
def test_a_moment_that_does_not_fit_is_missing_and_wraps_into_no_other_year(reference, tmp_path, moments):
    partition = replaced(tmp_path, "asked_at", moments)

    profile = profile_partition(partition, SPEC, reference)

    assert (profile.rows, profile.refused) == (0, {NO_MOMENT: 2})
    assert [problem.column for problem in check_log([partition], SPEC)] == ["asked_at"]


def test_a_decision_in_an_unheard_of_word_is_said(reference, tmp_path):
    words = ["referred", " Approved", "DENIED", "", None, "referred"]
    rows = [{"decision": word} for word in words]

    profile = profile_partition(logs.rows(tmp_path / "log.parquet", *rows), SPEC, reference)
    spec = replace(SPEC, declined_values=("Referred ", "denied"))
    known = profile_partition(logs.rows(tmp_path / "log.parquet", *rows), spec, reference)

    sentence = "column 'decision': 2 values are no known word for approved or declined and count as declined"
    assert profile.reasons == (sentence,)
    assert known.reasons == ()
    decisions = profile.states[profile.days[0], ALL].score.decisions.sum(axis=(0, 2))
    assert decisions.tolist() == known.states[known.days[0], ALL].score.decisions.sum(axis=(0, 2)).tolist() == [2, 3, 1]


def test_more_edges_than_the_engine_can_number_are_refused(tmp_path):
    spec = replace(SPEC, cut_offs=tuple(np.linspace(0.0001, 0.9999, 40_000).tolist()))
    rows = logs.reference_log(tmp_path / "log.parquet", n=300)

    with pytest.raises(LogRefused, match=r"has \d\d,\d{3} edges, at most 32,767 can be counted in"):
        fit_reference([rows], spec, seed=1)

    assert (np.diff(cell_table(np.linspace(0, 1, MOST_EDGES)).below) >= 0).all()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("log.parquet", b"", r"log.parquet is empty \(0 bytes\)"),
        ("log.csv", b"", r"log.csv is empty \(0 bytes\)"),
        ("log.parquet", b"PAR1" + bytes(64), "cannot be read as parquet"),
        ("log.csv", b"\xff\xfei\x00d\x00", "there is no column 'id'|cannot be read as csv"),
        ("log.csv", b"\n\n", "cannot be read as csv|there is no column 'id'"),
    ],
)
def test_a_file_that_is_no_log_is_refused_in_a_sentence(reference, tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(LogRefused, match=sentence):
        profile_partition(partition_at(tmp_path / name), SPEC, reference)


def test_a_csv_with_bytes_that_are_no_text_is_refused(reference, tmp_path):
    (tmp_path / "log.csv").write_bytes((HEAD + THREE).encode().replace(b"card", b"c\xe9rd"))

    with pytest.raises(LogRefused, match="cannot be read as csv"):
        profile_partition(partition_at(tmp_path / "log.csv"), SPEC, reference)


@pytest.mark.parametrize("cut", [0.2, 0.6, 0.99])
def test_a_truncated_parquet_file_is_refused(reference, tmp_path, cut):
    whole = logs.messy_log(tmp_path / "whole.parquet", 5)
    data = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[: int(whole.bytes * cut)])

    with pytest.raises(LogRefused, match="cannot be read as parquet"):
        profile_partition(partition_at(tmp_path / "cut.parquet"), SPEC, reference)


def test_a_parquet_file_with_flipped_bytes_is_computed_or_refused(reference, tmp_path):
    logs.messy_log(tmp_path / "whole.parquet", 6, n=1_500)
    data, picked = (tmp_path / "whole.parquet").read_bytes(), random.Random(7)

    outcomes = []
    for _ in range(60):
        spoilt = bytearray(data)
        for place in picked.sample(range(4, len(data) - 8), 20):
            spoilt[place] ^= picked.randrange(1, 256)
        (tmp_path / "spoilt.parquet").write_bytes(spoilt)
        outcomes.append(_outcome(tmp_path / "spoilt.parquet", reference))

    assert any(isinstance(outcome, LogRefused) for outcome in outcomes)
    assert all(isinstance(outcome, LogRefused | PartitionProfile) for outcome in outcomes)


def test_a_dictionary_position_that_leads_nowhere_is_refused(reference, tmp_path):
    """Arrow reads such a file without a word; counted, the position would write outside the counts."""
    rows = logs.rows(tmp_path / "rows.parquet", *[{"product": name} for name in ["card", "loan", "lease"] * 400])
    pq.write_table(pq.read_table(rows.path), tmp_path / "whole.parquet", compression="none")
    data = (tmp_path / "whole.parquet").read_bytes()
    zero_one_two = b"\x24\x49\x92" * 20  # positions 0, 1, 2, 0, 1, 2 … of two bits each
    assert data.count(zero_one_two) >= 1
    (tmp_path / "spoilt.parquet").write_bytes(data.replace(zero_one_two, b"\xff" * 60))

    with pytest.raises(LogRefused, match="out of bounds"):
        profile_partition(partition_at(tmp_path / "spoilt.parquet"), SPEC, reference)


def _outcome(path, reference):
    try:
        return profile_partition(partition_at(path), SPEC, reference)
    except LogRefused as refused:
        return refused


def test_a_file_without_rows_is_an_empty_window_that_says_so(reference, tmp_path):
    table = pq.read_table(logs.rows(tmp_path / "one.parquet", {}).path).slice(0, 0)
    pq.write_table(table, tmp_path / "none.parquet")

    profile = profile_partition(partition_at(tmp_path / "none.parquet"), SPEC, reference)
    measured = measure(reference, window([profile]))

    assert (profile.rows_read, profile.states) == (0, {})
    assert measured
    assert all(m.value is None and m.reason for m in measured)


def test_too_few_rows_give_reasons_and_no_number(reference, tmp_path):
    profile = profile_partition(logs.rows(tmp_path / "few.parquet", *[{}] * 19), SPEC, reference)

    measured = {m.metric: m for m in measure(reference, window([profile]), minimum_rows=20) if m.column is None}

    assert measured["score_psi"].value is None
    assert measured["score_psi"].reason == "19 observations, at least 20 needed"


def test_a_window_of_one_class_has_no_auc_and_says_why(reference, tmp_path):
    rows = [{"default": 0, "score": s} for s in np.linspace(0.1, 0.9, 300)]
    profile = profile_partition(logs.rows(tmp_path / "good.parquet", *rows), SPEC, reference)

    measured = {m.metric: m for m in measure(reference, window([profile]))}

    assert measured["auc"].reason == "one class: all 300 known outcomes are good"
    assert measured["brier"].value is not None


RANKINGS = ("auc", "auc_change", "gini", "ks_separation")


@pytest.mark.parametrize(("few", "other"), [(1, 0), (0, 1)])
def test_a_class_of_few_rows_is_not_ranked_and_it_is_said(reference, tmp_path, few, other):
    outcomes = [few] * 9 + [other] * 300
    rows = [{"default": y, "score": s} for y, s in zip(outcomes, np.linspace(0.1, 0.9, 309).tolist(), strict=True)]
    nine, ten = (
        {m.metric: m for m in measure(reference, window([profile_partition(partition, SPEC, reference)]))}
        for partition in (
            logs.rows(tmp_path / "nine.parquet", *rows),
            logs.rows(tmp_path / "ten.parquet", *rows, {"default": few}),
        )
    )

    which = ("good", "bad")[few]
    for metric in RANKINGS:
        assert nine[metric].reason == f"9 of 309 known outcomes are {which}, at least 10 of each class needed"
        assert ten[metric].value is not None
    assert nine["brier"].value is not None


def test_a_reference_of_few_bad_outcomes_leaves_no_change_to_tell(reference, tmp_path):
    rows = [{"default": int(i < 4), "score": s} for i, s in enumerate(np.linspace(0.1, 0.9, 300).tolist())]
    fitted = fit_reference([logs.rows(tmp_path / "before.parquet", *rows)], SPEC, seed=1)
    now = logs.reference_log(tmp_path / "now.parquet", seed=2)

    measured = {m.metric: m for m in measure(fitted, window([profile_partition(now, SPEC, fitted)]))}

    assert measured["auc"].value is not None
    because = "in the reference: 4 of 300 known outcomes are bad, at least 10 of each class needed"
    assert measured["auc_change"].reason == because


def test_infinite_values_are_said_and_leave_the_distance_out(reference, tmp_path):
    rows = [{"income": np.inf}, *[{"income": 2e4}] * 300]
    profile = profile_partition(logs.rows(tmp_path / "inf.parquet", *rows), SPEC, reference)

    measured = {m.metric: m for m in measure(reference, window([profile])) if m.column == "income"}

    assert profile.reasons == ("column 'income': 1 values are infinite and are left out of sums",)
    assert measured["wasserstein"].reason == "1 infinite values in the window"
    assert measured["ks"].value is not None


def test_a_window_whose_numbers_are_gone_is_not_well_rebuilt(reference, tmp_path):
    whole = [{"income": 10.0 * i, "age": i % 60} for i in range(300)]
    gone = [row if i % 2 else {"income": None, "age": None} for i, row in enumerate(whole)]

    errors = [
        next(m for m in measure(reference, window([profile])) if m.metric == "reconstruction_error")
        for profile in (
            profile_partition(logs.rows(tmp_path / "log.parquet", *rows), SPEC, reference) for rows in (whole, gone)
        )
    ]

    assert errors[0].value > 0
    assert errors[1].reason.startswith("50% of the cells are missing, 0% in the reference")


def test_times_over_too_many_days_are_a_mistake_of_the_column(reference, tmp_path):
    rows = [{"asked_at": logs.moment(f"{1950 + i // 12}-{i % 12 + 1:02}-01T00:00")} for i in range(500)]

    with pytest.raises(LogRefused, match="more than 400 different days") as refused:
        profile_partition(logs.rows(tmp_path / "long.parquet", *rows), SPEC, reference)

    assert refused.value.column == "asked_at"


LARGEST = np.finfo(np.float64).max


def assert_finite_or_said(measured):
    for m in measured:
        numbers = [x for x in (m.value, m.bound, m.low, m.high) if x is not None]
        assert np.isfinite(numbers).all(), m
        assert (m.value is None) == bool(m.reason), m


@pytest.mark.parametrize(
    ("row", "metric", "column"),
    [
        ({"income": LARGEST}, "mean", "income"),
        ({"income": LARGEST}, "wasserstein", "income"),
        ({"score": 5e-324, "default": 1}, "observed_to_expected", None),
    ],
)
def test_numbers_too_large_or_small_to_compute_with_are_said(reference, tmp_path, row, metric, column):
    profile = profile_partition(logs.rows(tmp_path / "log.parquet", *[row] * 2, *[{}] * 300), SPEC, reference)
    few = profile_partition(logs.rows(tmp_path / "few.parquet", *[row] * 300), SPEC, reference)

    for state in (window([profile]), window([few])):
        assert_finite_or_said(measure(reference, state))
    found = next(m for m in measure(reference, window([few])) if (m.metric, m.column) == (metric, column))
    assert found.reason == NOT_FINITE


@pytest.mark.parametrize("value", [LARGEST, 1e-200, 5e-324])
def test_a_reference_of_the_largest_and_smallest_numbers_is_stored_and_measured_against(tmp_path, value):
    incomes = np.random.default_rng(1).normal(0, 1, 500) * (value if value < 1 else 1)
    incomes[:3] = value
    rows = [{"income": income, "default": i % 2} for i, income in enumerate(incomes.tolist())]
    partition = logs.rows(tmp_path / "log.parquet", *rows)

    fitted = ReferenceProfile.from_bytes(fit_reference([partition], SPEC, seed=1).to_bytes(), seed=1)
    measured = measure(fitted, window([profile_partition(partition, SPEC, fitted)]))

    assert_finite_or_said(measured)
    income = {m.metric: m.value for m in measured if m.column == "income"}
    assert income["psi"] == income["ks"] == 0
    assert np.isfinite(fitted.state.moments.products).all()
    assert fitted.number("income").sd > 0


def test_a_number_that_nothing_lies_below_cannot_be_in_a_reference(tmp_path):
    partition = logs.rows(tmp_path / "log.parquet", {"income": -LARGEST}, {"income": 1.0})

    with pytest.raises(LogRefused, match="income: the reference window holds") as refused:
        fit_reference([partition], SPEC, seed=1)

    assert refused.value.column == "income"
