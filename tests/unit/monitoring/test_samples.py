"""What leaves a sample for good is where its rows lie, and never a value that names a customer."""

import numpy as np
import pyarrow as pa

from monitoring.charts import _heights
from monitoring.measures.samples import bins_of, coarsened
from monitoring.measures.windows import labels_of
from stats.calibration import isotonic_knots
from stats.reference import ReferenceProfile, empty_state, fit_category, fit_number, fit_score

INCOMES = np.arange(1, 101, dtype=float)


def reference() -> ReferenceProfile:
    numbers = (fit_number("income", INCOMES),)
    categories = (fit_category("region", {"10": 5, "9": 3}),)
    score = fit_score(INCOMES / 100, isotonic_knots(np.empty(0), np.empty(0)), cut_offs=(0.5,))
    return ReferenceProfile(numbers, categories, score, (), 1, {}, empty_state(numbers, categories, score))


def test_a_value_is_kept_as_its_bin_and_a_level_as_its_place():
    rows = pa.table({"income": [1.0, 10.0, 10.5, 1e9, None], "region": ["9", "10", "west", None, "9"]})

    bins = bins_of(rows, ["income", "region"], reference())

    labels = labels_of(reference())
    assert [labels["income"][place] for place in bins[:, 0]] == ["to 10", "to 10", "11 to 20", "from 91", "missing"]
    assert [labels["region"][place] for place in bins[:, 1]] == ["9", "10", "new", "missing", "9"]


def test_a_swarm_is_coloured_by_bins_in_order_codes_by_their_number_and_the_missing_apart():
    labels = [["to 10", "from 11", "missing"], ["10", "9", "other", "new", "missing"]]
    bins = np.array([[0, 0], [1, 1], [2, 4]])

    heights = _heights(bins, labels)

    assert heights[:2].tolist() == [[0, 1], [1, 0]]
    assert np.isnan(heights[2]).all()


def test_another_librarys_report_shows_no_extreme_no_exact_value_and_no_rare_level():
    rng = np.random.default_rng(3)
    amounts, names = rng.integers(10**7, 10**8, 200).astype(float), [f"person {n}" for n in range(200)]
    jobs = ["clerk"] * 100 + ["nurse"] * 96 + ["astronaut"] * 4
    rows = pa.table({"amount": amounts, "name": names, "job": jobs})

    shown, _ = coarsened(rows, rows.slice(0, 0), numbers=["amount"], categories=["name", "job"])

    told = shown.column("amount").to_numpy()
    assert not set(told) & set(amounts)
    assert (told == told.min()).sum() >= 5 <= (told == told.max()).sum()
    assert np.abs(told / amounts - 1)[np.argsort(amounts)][5:-5].max() < 0.005
    assert set(shown.column("name").to_pylist()) == {"(rare)"}
    assert set(shown.column("job").to_pylist()) == {"clerk", "nurse", "(rare)"}


def test_what_is_missing_or_nothing_stays_so_in_another_librarys_report():
    rows = pa.table({"amount": [0.0, None, 12345.0], "job": pa.array([None, None, None], pa.string())})

    shown, _ = coarsened(rows, rows, numbers=["amount"], categories=["job"])

    assert shown.column("amount").to_pylist()[:2] == [0.0, None]
    assert shown.column("job").null_count == 3
