"""What is drawn looks like the window: its drift stays in it, whatever the files and bands its rows came from."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engines.local import fit_reference_and_sample, profile_partition
from engines.log import Feature, LogSpec
from engines.partition import window
from engines.sample import A_DAY, BAND, KEY, PER_BAND, Sample, merge_samples
from engines.sources import partition_at
from stats.drift import psi
from stats.measure import measure
from tests.spec.engines import logs
from tests.spec.engines.logs import moment

SPEC = LogSpec(row_id="id", time="at", features=(Feature("x", "number"),), score="score")
ROWS = 100_000
FIRST = date(2026, 3, 1)


def write(path, shift: float, *, rows: int = ROWS, days: int = 1):
    random = np.random.default_rng(len(path.stem))
    x = random.normal(shift, 1, rows)
    start = int(moment("2026-03-01T00:00").timestamp())
    at = (start + random.integers(0, days * 86_400, rows)) * 10**6
    table = pa.table(
        {
            "id": [f"{path.stem}{i}" for i in range(rows)],
            "at": pa.array(at).cast(pa.timestamp("us", "UTC")),
            "x": x,
            "score": 1 / (1 + np.exp(2 - x)),
        }
    )
    pq.write_table(table, path)
    return partition_at(path)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    return fit_reference_and_sample([write(tmp_path_factory.mktemp("log") / "before.parquet", 0.0)], SPEC, seed=3)


@pytest.fixture(scope="module")
def drifted(fitted, tmp_path_factory):
    """A large window whose scores moved by more than half a standard deviation."""
    return profile_partition(write(tmp_path_factory.mktemp("log") / "after.parquet", 0.6), SPEC, fitted[0])


def counted(drawn: pa.Table, cuts: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(cuts, drawn.column("x").to_numpy()), minlength=cuts.size + 1)


@pytest.mark.parametrize("shares", [False, True], ids=["without shares", "by the window's own shares"])
def test_the_drift_of_a_window_is_in_its_sample(fitted, drifted, shares):
    reference, before = fitted
    bins, state = reference.number("x"), window([drifted])
    whole = next(m.value for m in measure(reference, state) if (m.metric, m.column) == ("psi", "x"))

    drawn = drifted.sample.draw(1_000, shares=state.score.by_band if shares else None)

    cuts = bins.edges[bins.cuts]
    assert whole > 0.3
    assert psi(counted(before.draw(1_000), cuts), counted(drawn, cuts)).value == pytest.approx(whole, rel=0.25)


def test_without_shares_the_rows_with_the_smallest_keys_are_drawn(drifted):
    keys = np.sort(drifted.sample.keys)

    assert drifted.sample.draw(300).column(KEY).to_pylist() == keys[:300].tolist()
    assert drifted.sample.draw(5_000).column(KEY).to_pylist() == keys[:A_DAY].tolist()
    assert len(keys) > A_DAY


def test_with_shares_each_band_gives_its_part(fitted, drifted):
    shares = window([drifted]).score.by_band

    drawn = drifted.sample.draw(500, shares=shares).column(BAND).to_numpy()

    assert shares.sum() == ROWS
    assert np.bincount(drawn, minlength=10) == pytest.approx(500 * shares / ROWS, abs=1)
    equal = drifted.sample.draw(200, shares=np.ones(10)).column(BAND).to_numpy()
    assert np.bincount(equal).tolist() == [20] * 10


def test_a_day_of_a_months_file_is_drawn_as_if_it_had_a_file_of_its_own(fitted, tmp_path):
    month = write(tmp_path / "month.parquet", 0.6, days=30)
    table, midnight = pq.read_table(month.path), moment("2026-03-02T00:00")
    inside = (table.column("at").to_numpy() >= np.datetime64(midnight.replace(tzinfo=None))) & (
        table.column("at").to_numpy() < np.datetime64("2026-03-03T00:00")
    )
    pq.write_table(table.filter(pa.array(inside)), tmp_path / "day.parquet")
    whole, alone = (
        profile_partition(partition_at(tmp_path / f"{n}.parquet"), SPEC, fitted[0]) for n in ("month", "day")
    )

    day = merge_samples([whole.sample.between(FIRST + timedelta(1), FIRST + timedelta(2))])

    assert inside.sum() > 2 * A_DAY
    assert day.draw(1_000).num_rows == 1_000
    assert day.draw(1_000).equals(alone.sample.draw(1_000))


def test_the_reference_is_drawn_from_as_a_whole_and_keeps_no_day_apart(fitted, tmp_path):
    partition = write(tmp_path / "days.parquet", 0.0, days=20)

    reference, sample = fit_reference_and_sample([partition], SPEC, seed=3)

    whole = profile_partition(partition, SPEC, reference).sample
    assert len(whole) >= 20 * A_DAY
    assert len(sample) <= A_DAY + 10 * PER_BAND
    assert sample.draw(1_000).equals(whole.draw(1_000))


def test_every_band_is_in_the_sample_and_enough_rows(fitted, drifted):
    kept = np.bincount(drifted.sample.bands, minlength=10)

    assert (kept >= np.minimum(window([drifted]).score.by_band, PER_BAND)).all()
    assert Sample.from_bytes(drifted.sample.to_bytes()).draw(500).equals(drifted.sample.draw(500))


@pytest.mark.parametrize("shares", [[0, 0], [-1, 2], [np.nan, 1]])
def test_shares_that_are_none_are_an_error_that_shows_them(drifted, shares):
    with pytest.raises(ValueError, match="shares must not be negative, nor all 0"):
        drifted.sample.draw(10, shares=np.array(shares))


def test_a_sample_of_no_rows_gives_none(reference, tmp_path):
    table = pq.read_table(logs.rows(tmp_path / "one.parquet", {}).path).slice(0, 0)
    pq.write_table(table, tmp_path / "none.parquet")

    sample = profile_partition(partition_at(tmp_path / "none.parquet"), logs.SPEC, reference).sample

    assert sample.draw(10).num_rows == 0
    assert sample.draw(10, shares=np.ones(10)).num_rows == 0
