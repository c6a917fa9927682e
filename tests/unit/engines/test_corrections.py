"""Outcomes that a partition states again: wherever its lines are, and in whatever is made of them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engines import reading
from engines.admission import RESTATED
from engines.corrections import Corrections
from engines.exact import exact_ranking
from engines.local import fit_reference, profile_partition, refresh_labels
from engines.partition import window
from engines.sources import partition_at
from stats.state import BAD, GOOD
from tests.spec.engines import logs
from tests.spec.engines.logs import SPEC, moment

AS_OF = moment("2026-04-20T00:00")


@pytest.fixture
def restated(tmp_path):
    return logs.messy_log(tmp_path / "restated.parquet", 31, ids=700)


@pytest.fixture
def turned(tmp_path):
    """A clean log of good outcomes, and behind it the same rows with the outcomes that became known later."""
    clean = pq.read_table(logs.reference_log(tmp_path / "clean.parquet").path)
    good = clean.set_column(clean.column_names.index("default"), "default", pa.array(np.zeros(len(clean), np.int8)))
    later = pa.array([moment("2026-05-01T00:00")] * len(clean), clean.schema.field("known_at").type)
    turned = clean.set_column(clean.column_names.index("known_at"), "known_at", later)
    pq.write_table(good, tmp_path / "before.parquet")
    pq.write_table(pa.concat_tables([good, turned]), tmp_path / "log.parquet", row_group_size=700)
    return tmp_path, clean.column("default").to_numpy()


@pytest.mark.parametrize("threads", [2, 8])
def test_the_bits_depend_on_neither_threads_nor_blocks(reference, restated, monkeypatch, threads):
    one = profile_partition(restated, SPEC, reference, labels_as_of=AS_OF, threads=1)
    monkeypatch.setattr(reading, "BLOCK_ROWS", 700)

    many = profile_partition(restated, SPEC, reference, labels_as_of=AS_OF, threads=threads)

    assert one.refused[RESTATED] > 100
    assert many.to_bytes() == one.to_bytes()


def test_every_line_is_accounted_for(reference, restated):
    profile = profile_partition(restated, SPEC, reference, labels_as_of=AS_OF)

    assert profile.rows_read == pq.read_metadata(restated.path).num_rows
    assert profile.rows == window([profile]).rows <= 700


def test_outcomes_appended_to_a_partition_refresh_its_profile(reference, turned):
    folder, outcomes = turned
    before, log = (partition_at(folder / f"{name}.parquet") for name in ("before", "log"))
    profile = profile_partition(before, SPEC, reference, labels_as_of=AS_OF)

    early, late = (
        refresh_labels(log, SPEC, reference, profile, labels_as_of=at) for at in (AS_OF, moment("2026-06-01T00:00"))
    )

    assert window([profile]).score.counts.sum(axis=1).tolist() == [0, outcomes.size, 0]
    assert window([early]).score.counts.sum(axis=1).tolist() == [0, outcomes.size, 0]
    assert window([late]).score.counts[BAD].sum() == outcomes.sum()
    assert (late.rows_read, late.rows, late.refused) == (2 * outcomes.size, outcomes.size, {RESTATED: outcomes.size})
    whole = profile_partition(log, SPEC, reference, labels_as_of=moment("2026-06-01T00:00"))
    assert replace(late, partition=whole.partition).to_bytes() == whole.to_bytes()


def test_the_sample_has_the_restated_outcomes_too(reference, turned):
    folder, _ = turned
    log = partition_at(folder / "log.parquet")

    sample = profile_partition(log, SPEC, reference).sample.table

    outcomes = dict(
        zip(*(pq.read_table(folder / "clean.parquet").column(n).to_pylist() for n in ("id", "default")), strict=True)
    )
    expected = [BAD if outcomes[row] else GOOD for row in sample.column("id").to_pylist()]
    assert sample.column("default").to_pylist() == expected


def test_a_reference_and_an_exact_value_take_the_newest_outcomes(turned):
    folder, _ = turned
    log, clean = (partition_at(folder / f"{name}.parquet") for name in ("log", "clean"))

    fitted, expected = (fit_reference([partition], SPEC, seed=1) for partition in (log, clean))

    assert fitted.score.knots.tolist() == expected.score.knots.tolist()
    assert fitted.state.score.counts.tolist() == expected.state.score.counts.tolist()
    assert exact_ranking([log], SPEC).value == exact_ranking([clean], SPEC).value
    assert exact_ranking([log], SPEC, labels_as_of=AS_OF).because.startswith("one class")


def test_ids_that_agree_in_half_their_fingerprint_are_told_apart():
    ids = np.array([[5, 1], [5, 2], [5, 9]], np.uint64)
    corrections = Corrections(ids[:2], np.array([BAD, GOOD], np.int8), np.array([100, 200]), as_of=150)

    labels, known_at = corrections.apply(ids, np.ones(3, bool), np.full(3, GOOD, np.int8), np.array([50, 200, 50]))

    assert labels.tolist() == [BAD, GOOD, GOOD]
    assert known_at.tolist() == [100, 200, 50]
    assert corrections.restated == 1
