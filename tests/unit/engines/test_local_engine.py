"""The same bits whatever the threads and the order, once-only reading, late labels, cancelling."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy import stats as scipy_stats
from sklearn import metrics as sklearn

from engines import local, reading
from engines.exact import exact_drift, exact_ranking
from engines.local import fit_reference, profile_partition, profile_partitions, refresh_labels
from engines.partition import ALL, MergeRefused, PartitionProfile, window
from engines.refusals import Cancelled, LogRefused
from engines.sample import merge_samples
from engines.sources import find_partitions, partition_at
from stats.measure import measure
from stats.reference import ReferenceProfile
from tests.spec.engines import logs
from tests.spec.engines.logs import SPEC, moment


@pytest.fixture
def messy(tmp_path):
    return logs.messy_log(tmp_path / "messy.parquet", 21)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_bits_do_not_depend_on_how_many_threads_there_are(reference, messy, threads):
    one = profile_partition(messy, SPEC, reference, threads=1)

    assert profile_partition(messy, SPEC, reference, threads=threads).to_bytes() == one.to_bytes()


def test_the_bits_do_not_depend_on_how_rows_are_blocked(reference, messy, monkeypatch):
    as_it_is = profile_partition(messy, SPEC, reference)
    monkeypatch.setattr(reading, "BLOCK_ROWS", 1_000)
    monkeypatch.setattr(reading, "HUGE_ROW_GROUP", 10)

    assert profile_partition(messy, SPEC, reference).to_bytes() == as_it_is.to_bytes()


def test_rows_in_another_order_give_the_same_counts_and_the_same_sample(reference, messy, tmp_path):
    table = pq.read_table(messy.path)
    order = np.random.default_rng(3).permutation(table.num_rows)
    # Without repeats: of two rows with one id the first counts, whichever that is.
    unique = table.filter(pa.array(~_repeated(table.column("id").to_pylist())))
    order = order[order < unique.num_rows]
    pq.write_table(unique, tmp_path / "one.parquet")
    pq.write_table(unique.take(order), tmp_path / "other.parquet")

    one, other = (profile_partition(partition_at(tmp_path / f"{n}.parquet"), SPEC, reference) for n in ("one", "other"))

    assert one.states.keys() == other.states.keys()
    for key, state in one.states.items():
        np.testing.assert_array_equal(state.score.counts, other.states[key].score.counts)
        np.testing.assert_array_equal(state.numbers[0].counts, other.states[key].numbers[0].counts)
        assert state.categories[0].new_levels == other.states[key].categories[0].new_levels
    assert one.sample.to_bytes() == other.sample.to_bytes()


def _repeated(ids: list) -> np.ndarray:
    seen: set = set()
    return np.array([value in seen or bool(seen.add(value)) for value in ids])


def test_many_partitions_give_what_each_gives_alone_in_their_order(reference, tmp_path):
    partitions = [logs.messy_log(tmp_path / f"{i}.parquet", i, n=600) for i in range(5)]

    together = [profile.sha256 for profile in profile_partitions(partitions, SPEC, reference, threads=3)]

    assert together == [profile_partition(p, SPEC, reference, threads=1).sha256 for p in partitions]


def test_a_profile_survives_its_bytes(reference, messy):
    profile = profile_partition(messy, SPEC, reference, labels_as_of=moment("2026-04-01T00:00"))

    copy = PartitionProfile.from_bytes(profile.to_bytes())

    assert copy.to_bytes() == profile.to_bytes()
    assert (copy.days, copy.segments, copy.refused, copy.rows) == (
        profile.days,
        profile.segments,
        profile.refused,
        profile.rows,
    )


def test_every_row_is_accounted_for(reference, messy):
    profile = profile_partition(messy, SPEC, reference)

    assert profile.rows_read == pq.read_metadata(messy.path).num_rows
    assert profile.rows == window([profile]).rows
    assert len(profile.refused) >= 5


def test_the_segments_of_a_cut_add_up_to_the_whole(reference, messy):
    profile = profile_partition(messy, SPEC, reference)

    parts = [window([profile], segment=name) for name in profile.segments if name != ALL]

    assert sum(part.rows for part in parts) == window([profile]).rows
    np.testing.assert_array_equal(sum(part.numbers[0].counts for part in parts), window([profile]).numbers[0].counts)


def test_days_merge_into_the_windows_asked_for(reference, messy):
    profile = profile_partition(messy, SPEC, reference)
    first, last = profile.days[0], profile.days[-1]

    early = window([profile], until=last)
    late = window([profile], since=last)

    assert early.rows + late.rows == profile.rows
    assert window([profile], since=date(2030, 1, 1)) is None
    assert window([profile], since=first, until=first) is None


def test_profiles_of_different_references_do_not_merge(reference, messy):
    other = replace(reference, seed=reference.seed + 1)

    with pytest.raises(MergeRefused, match="cut by different references"):
        window([profile_partition(messy, SPEC, r) for r in (reference, other)])


def test_late_labels_make_a_new_revision_without_reading_a_feature(reference, messy, monkeypatch):
    early, late = moment("2026-03-20T00:00"), moment("2026-05-20T00:00")
    profile = profile_partition(messy, SPEC, reference, labels_as_of=early)
    whole = profile_partition(messy, SPEC, reference, labels_as_of=late)
    read = []
    original = reading.RowGroups.read
    monkeypatch.setattr(reading.RowGroups, "read", lambda self, names: read.extend(names) or original(self, names))

    revised = refresh_labels(messy, SPEC, reference, profile, labels_as_of=late)

    assert not {"income", "age", "product"} & set(read)
    assert {key: state.sha256 for key, state in revised.states.items()} == {
        key: state.sha256 for key, state in whole.states.items()
    }
    assert revised.sample.to_bytes() == whole.sample.to_bytes()
    assert window([profile]).score.labelled < window([revised]).score.labelled


def test_the_bytes_do_not_say_when_they_were_read(reference, messy):
    first = profile_partition(messy, SPEC, reference, labels_as_of=moment("2026-03-20T00:00"))
    last = first.labels_change_at - timedelta(microseconds=1)

    until_then = profile_partition(messy, SPEC, reference, labels_as_of=last)
    from_then = profile_partition(messy, SPEC, reference, labels_as_of=first.labels_change_at)

    assert until_then.to_bytes() == first.to_bytes()
    assert from_then.to_bytes() != first.to_bytes()
    assert window([from_then]).score.labelled > window([first]).score.labelled


def test_refreshed_labels_say_when_the_next_one_counts(reference, messy):
    profile = profile_partition(messy, SPEC, reference, labels_as_of=moment("2026-03-20T00:00"))
    late = moment("2026-05-20T00:00")

    revised = refresh_labels(messy, SPEC, reference, profile, labels_as_of=late)

    whole = profile_partition(messy, SPEC, reference, labels_as_of=late)
    assert (revised.labels_as_of, revised.labels_change_at) == (late, whole.labels_change_at)
    assert revised.to_bytes() == whole.to_bytes()


def test_labels_of_other_rows_are_no_revision(reference, messy, tmp_path):
    profile = profile_partition(messy, SPEC, reference)
    other = logs.messy_log(tmp_path / "other.parquet", 22)

    with pytest.raises(MergeRefused, match="holds other rows than before"):
        refresh_labels(other, SPEC, reference, profile)


def test_labels_of_renamed_rows_are_no_revision(reference, messy, tmp_path):
    profile = profile_partition(messy, SPEC, reference)
    table = pq.read_table(messy.path)
    renamed = pc.binary_join_element_wise(table.column("id"), "renamed", "-")
    pq.write_table(table.set_column(0, "id", renamed), tmp_path / "renamed.parquet")

    with pytest.raises(MergeRefused, match="holds other rows than before"):
        refresh_labels(partition_at(tmp_path / "renamed.parquet"), SPEC, reference, profile)


def test_a_row_that_two_partitions_share_has_the_same_place_in_either_order(reference, tmp_path):
    one, other = (
        profile_partition(logs.rows(tmp_path / f"{income}.parquet", {"income": income}), SPEC, reference).sample
        for income in (1e4, 2e4)
    )

    assert merge_samples([one, other]).to_bytes() == merge_samples([other, one]).to_bytes()


def test_progress_is_told_and_can_cancel(reference, messy, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK_ROWS", 700)
    told = []
    profile_partition(messy, SPEC, reference, progress=lambda done, total: told.append((done, total)))

    def cancel(done, total):
        raise Cancelled

    assert told[-1] == (4_000, 4_000)
    assert len(told) == 6
    with pytest.raises(Cancelled):
        profile_partition(messy, SPEC, reference, progress=cancel)


def test_samples_of_parts_merge_into_the_sample_of_the_whole(reference, tmp_path):
    table = pq.read_table(logs.messy_log(tmp_path / "whole.parquet", 23, n=6_000).path)
    table = table.filter(pa.array(~_repeated(table.column("id").to_pylist())))
    pq.write_table(table, tmp_path / "all.parquet")
    pq.write_table(table.slice(0, 2_500), tmp_path / "a.parquet")
    pq.write_table(table.slice(2_500), tmp_path / "b.parquet")

    whole, a, b = (
        profile_partition(partition_at(tmp_path / f"{n}.parquet"), SPEC, reference) for n in ("all", "a", "b")
    )

    assert merge_samples([b.sample, a.sample]).to_bytes() == whole.sample.to_bytes()


def test_a_reference_survives_its_bytes_and_is_the_same_every_time(reference, tmp_path):
    partition = logs.reference_log(tmp_path / "reference.parquet")

    again = fit_reference([partition], SPEC, seed=20_260_301, threads=1)

    assert again.sha256 == reference.sha256
    assert ReferenceProfile.from_bytes(reference.to_bytes(), seed=reference.seed).to_bytes() == reference.to_bytes()
    assert fit_reference([partition], SPEC, seed=1).sha256 != reference.sha256


def test_the_reference_window_against_itself_shows_no_drift(reference):
    measured = measure(reference, reference.state)

    drift = [m for m in measured if m.metric in ("psi", "ks", "wasserstein", "score_psi", "jensen_shannon")]
    assert drift
    assert all(m.value == pytest.approx(0, abs=1e-7) for m in drift)


def test_a_reference_of_some_days_counts_those_days_alone(tmp_path):
    partition = logs.reference_log(tmp_path / "reference.parquet")
    whole = fit_reference([partition], SPEC, seed=1)

    part = fit_reference([partition], SPEC, since=date(2026, 3, 2), until=date(2026, 3, 3), seed=1)

    assert 0 < part.rows < whole.rows
    assert part.settings["since"] == "2026-03-02"


@pytest.mark.parametrize("days", [None, 30], ids=["known", "known and mature"])
def test_the_outcomes_of_a_reference_are_those_of_its_cut_off(tmp_path, days):
    spec, cut_off = replace(SPEC, label_maturity_days=days), moment("2026-04-01T12:00")
    partition = logs.messy_log(tmp_path / "log.parquet", 24)

    early, every = (fit_reference([partition], spec, seed=1, labels_as_of=at) for at in (cut_off, None))

    profile = profile_partition(partition, spec, early, labels_as_of=cut_off)
    assert 0 < early.state.score.labelled < every.state.score.labelled
    assert early.state.score.counts.tolist() == window([profile]).score.counts.tolist()
    assert early.settings["labels_as_of"] == "2026-04-01T12:00:00+00:00"
    assert every.settings["labels_as_of"] is None


def test_the_calibration_of_a_reference_knows_no_outcome_that_came_later(tmp_path):
    """Bad outcomes of high scores are known early, of low scores late: as of early, low scores never go bad."""
    late, early = moment("2026-09-01T00:00"), moment("2026-03-10T00:00")
    rows = [
        {"score": s, "default": y, "known_at": late if s < 0.5 and y else early} for s in (0.2, 0.8) for y in (0, 1)
    ]
    partition = logs.rows(tmp_path / "log.parquet", *rows * 5)

    chance = {
        at: np.interp(0.2, *fit_reference([partition], SPEC, seed=1, labels_as_of=at).score.knots)
        for at in (moment("2026-03-20T00:00"), None)
    }

    assert list(chance.values()) == [0, 0.5]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (replace(SPEC, features=SPEC.features[:2]), "fitted for other features"),
        (replace(SPEC, segments=()), "fitted for other features or segments"),
    ],
)
def test_a_reference_of_other_columns_is_refused(reference, messy, spec, sentence):
    with pytest.raises(LogRefused, match=sentence):
        profile_partition(messy, spec, reference)


def test_a_reference_window_without_rows_is_refused(tmp_path):
    partition = logs.reference_log(tmp_path / "reference.parquet")

    with pytest.raises(LogRefused, match="holds no usable row"):
        fit_reference([partition], SPEC, since=date(2030, 1, 1), seed=1)


def test_a_feature_that_is_never_there_cannot_be_a_reference(tmp_path):
    partition = logs.rows(tmp_path / "log.parquet", *[{"income": None}] * 10)

    with pytest.raises(LogRefused, match="income: the reference window has no finite value") as refused:
        fit_reference([partition], SPEC, seed=1)

    assert refused.value.column == "income"


def test_a_hidden_partition_folder_is_profiled_whole(reference, tmp_path):
    for i in range(3):
        (tmp_path / f"month=2026-0{i + 1}").mkdir()
        logs.messy_log(tmp_path / f"month=2026-0{i + 1}" / "part.parquet", i, n=300)

    profiles = list(local.profile_partitions(find_partitions(tmp_path, "parquet"), SPEC, reference))

    assert [profile.rows_read for profile in profiles] == [300] * 3


def test_the_exact_distances_of_a_window_are_scipys(reference, tmp_path):
    before = logs.reference_log(tmp_path / "before.parquet")
    now = logs.reference_log(tmp_path / "now.parquet", seed=2, n=2_000)
    one, other = (pq.read_table(p.path).column("income").to_numpy() for p in (before, now))

    exact = exact_drift([before], [now], SPEC, "income")

    assert exact["ks"].value == pytest.approx(scipy_stats.ks_2samp(one, other).statistic, abs=1e-14)
    assert exact["wasserstein"].value == pytest.approx(scipy_stats.wasserstein_distance(one, other) / one.std())
    assert exact["ks"].bound is None


def test_the_means_of_a_window_are_numpys(reference, tmp_path):
    log = logs.reference_log(tmp_path / "log.parquet", seed=2)
    table = pq.read_table(log.path)

    measured = measure(reference, window([profile_partition(log, SPEC, reference)]))

    means = {m.metric: m.value for m in measured if (m.metric, m.column) in (("mean", "income"), ("score_mean", None))}
    assert means == {
        "mean": pytest.approx(table.column("income").to_numpy().mean(), rel=1e-12),
        "score_mean": pytest.approx(table.column("score").to_numpy().mean(), rel=1e-12),
    }


def test_the_exact_auc_of_a_window_is_scikit_learns(tmp_path):
    log = logs.reference_log(tmp_path / "log.parquet")
    table = pq.read_table(log.path)

    exact = exact_ranking([log], SPEC)

    expected = sklearn.roc_auc_score(table.column("default").to_numpy(), table.column("score").to_numpy())
    assert exact.value == pytest.approx(expected, abs=1e-14)
