"""Ranking, accuracy, calibration and CBPE against scikit-learn on the same rows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn import metrics as sklearn
from sklearn.isotonic import IsotonicRegression

from stats import accuracy, calibration, estimate, ranking
from stats.bins import bin_positions, point_bins
from stats.distance import Grid
from stats.reference import fit_score
from stats.results import NotComputed
from stats.state import BAD, GOOD
from tests.spec.stats.samples import score_counts, scored


@pytest.fixture(params=[1, 2, 3])
def window(request):
    bins, scores, labels = scored(request.param)
    return bins, scores, labels, score_counts(bins, scores, labels)


def expected(counts, bins):
    """On a calibration of as many known outcomes as the window has rows: the value does not depend on them."""
    return estimate.expected_outcomes(counts, bins, replace(counts, counts=np.roll(counts.counts, 1, axis=0)))


def test_auc_differs_from_scikit_learn_by_no_more_than_its_bound(window):
    bins, scores, labels, counts = window

    area = ranking.auc(counts.counts[GOOD], counts.counts[BAD], point=point_bins(bins.edges))

    exact = sklearn.roc_auc_score(labels, scores)
    assert abs(area.value - exact) <= area.bound
    assert abs(area.value - exact) < 2e-6
    assert ranking.gini(area).value == pytest.approx(2 * area.value - 1)


def test_auc_of_tied_scores_is_exact():
    scores = np.array([0.1, 0.1, 0.5, 0.5, 0.5, 0.9])
    labels = np.array([0, 1, 0, 1, 1, 1])
    good, bad = (np.bincount((scores * 10).astype(int), weights=labels == v, minlength=10) for v in (0, 1))

    assert ranking.auc(good, bad).value == pytest.approx(sklearn.roc_auc_score(labels, scores), abs=1e-15)


def test_delong_interval_equals_the_variance_of_placements_taken_row_by_row():
    random = np.random.default_rng(4)
    good, bad = np.round(random.normal(0, 1, 60), 1), np.round(random.normal(1, 1, 40), 1)
    wins = (bad[:, None] > good) + 0.5 * (bad[:, None] == good)
    variance = wins.mean(axis=1).var(ddof=1) / 40 + wins.mean(axis=0).var(ddof=1) / 60
    half = 1.959963984540054 * variance**0.5
    values = np.unique(np.concatenate([good, bad]))

    area = ranking.auc(
        np.bincount(np.searchsorted(values, good), minlength=values.size),
        np.bincount(np.searchsorted(values, bad), minlength=values.size),
    )

    assert area.value == pytest.approx(wins.mean(), abs=1e-14)
    assert (area.low, area.high) == pytest.approx((wins.mean() - half, wins.mean() + half), abs=1e-12)


def test_ks_separation_is_scipys_statistic_of_bad_against_good(window):
    bins, scores, labels, counts = window

    ours = ranking.ks_separation(counts.counts[GOOD], counts.counts[BAD], Grid(bins.edges))

    exact = scipy_stats.ks_2samp(scores[labels == 1], scores[labels == 0]).statistic
    assert ours.value <= exact + 1e-15 <= ours.value + ours.bound + 2e-15


def test_brier_and_log_loss_equal_scikit_learn(window):
    _, scores, labels, counts = window

    assert accuracy.brier(counts).value == pytest.approx(sklearn.brier_score_loss(labels, scores), rel=1e-12)
    assert accuracy.log_loss(counts).value == pytest.approx(sklearn.log_loss(labels, scores), rel=1e-12)


def test_log_loss_of_certain_scores_stays_finite():
    bins, _, _ = scored(1, n=500)
    scores, labels = np.array([0.0, 1.0, 0.3]), np.array([1, 0, 1])

    ours = accuracy.log_loss(score_counts(bins, scores, labels))

    assert ours.value == pytest.approx(sklearn.log_loss(labels, scores), rel=1e-12)


def test_confusion_counts_at_a_cut_off_are_exact(window):
    bins, scores, labels, counts = window
    cut_off, cut = float(bins.cut_offs[0]), int(bins.cut_off_cuts[0])

    table = accuracy.confusion(counts, cut_off, cut)

    expected = sklearn.confusion_matrix(labels, scores >= cut_off).ravel().tolist()
    assert [table.true_negative, table.false_positive, table.false_negative, table.true_positive] == expected
    called = scores >= cut_off
    assert accuracy.precision(table).value == pytest.approx(sklearn.precision_score(labels, called))
    assert accuracy.recall(table).value == pytest.approx(sklearn.recall_score(labels, called))


def test_calibration_bands_equal_rates_taken_row_by_row(window):
    bins, scores, labels, counts = window
    band = bin_positions(scores, bins.edges[bins.band_cuts])

    table = calibration.calibration_table(counts, bins)

    for place, row in enumerate(table):
        inside = band == place
        assert (row.n, row.bad) == (inside.sum(), labels[inside].sum())
        assert (row.expected, row.observed) == pytest.approx((scores[inside].mean(), labels[inside].mean()))
        posterior = scipy_stats.beta(row.bad + 0.5, row.n - row.bad + 0.5)
        assert (row.low, row.high) == pytest.approx((posterior.ppf(0.025), posterior.ppf(0.975)))


def test_isotonic_knots_predict_what_scikit_learn_predicts():
    random = np.random.default_rng(8)
    scores = np.round(random.random(3_000), 2)
    outcomes = (random.random(3_000) < scores**2).astype(float)
    grid = np.linspace(-0.1, 1.1, 501)

    knots = calibration.isotonic_knots(scores, outcomes)

    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes).predict(grid)
    assert np.interp(grid, *knots) == pytest.approx(expected, abs=1e-12)


def test_estimates_without_labels_equal_their_expectation_row_by_row(window):
    bins, scores, _, counts = window
    chance = np.interp(scores, *bins.knots)
    cut_off, cut = float(bins.cut_offs[0]), int(bins.cut_off_cuts[0])
    order = np.argsort(scores)
    goods_below = np.cumsum((1 - chance)[order]) - (1 - chance)[order] / 2
    area = (goods_below * chance[order]).sum() / (chance.sum() * (1 - chance).sum())

    outcomes = expected(counts, bins)
    table = estimate.estimated_confusion(outcomes, cut_off, cut)

    brier = (chance * (1 - scores) ** 2 + (1 - chance) * scores**2).mean()
    assert estimate.estimated_brier(outcomes).value == pytest.approx(brier, rel=1e-12)
    assert estimate.estimated_default_rate(outcomes).value == pytest.approx(chance.mean(), rel=1e-12)
    assert table.true_positive == pytest.approx(chance[scores >= cut_off].sum(), rel=1e-10)
    assert estimate.estimated_auc(outcomes).value == pytest.approx(area, abs=2e-7)


@pytest.mark.parametrize("apart", [1e-6, 1e-9, 1e-12, 1e-14, 3e-16])
def test_between_two_close_knots_an_estimate_stays_between_their_values(apart):
    first, second = 0.5, 0.5 + apart
    random = np.random.default_rng(11)
    before = np.concatenate([0.3 * random.random(4_000), np.full(1_000, first), np.full(1_000, second)])
    chance = np.select([before < 0.5, before == first], [0.1, 0.2], 0.7)
    knots = calibration.isotonic_knots(before, (random.random(before.size) < chance).astype(float))
    bins = fit_score(before, knots, cut_offs=(0.5,))
    scores = np.full(3_000, first + apart / 2)

    outcomes = expected(score_counts(bins, scores, np.full(3_000, -1)), bins)

    low, high = np.interp([first, second], *knots)
    rate, brier = estimate.estimated_default_rate(outcomes).value, estimate.estimated_brier(outcomes).value
    assert low - 1e-12 <= rate <= high + 1e-12
    assert brier == pytest.approx(0.25, abs=1e-6)
    if apart >= 1e-9:
        assert rate == pytest.approx(np.interp(scores[0], *knots), abs=1e-4)


def test_the_brier_score_of_a_perfect_score_is_not_negative():
    random = np.random.default_rng(12)
    labels = (random.random(5_000) < 0.3).astype(int)
    scores = np.where(labels, 1 - 1e-9, 1e-9)
    bins = fit_score(scores, calibration.isotonic_knots(scores, labels), cut_offs=(0.5,))
    counts = score_counts(bins, scores, labels)

    assert 0 <= accuracy.brier(counts).value < 1e-15
    assert 0 <= estimate.estimated_brier(expected(counts, bins)).value < 1e-15


def test_an_estimate_comes_close_to_what_happened_when_only_the_mix_moved(window):
    bins, scores, labels, counts = window

    estimated = estimate.estimated_auc(expected(counts, bins))

    assert estimated.value == pytest.approx(sklearn.roc_auc_score(labels, scores), abs=0.015)


@pytest.mark.parametrize(("labels", "because"), [(0, "good"), (1, "bad")])
def test_one_class_gives_a_reason_and_no_auc(labels, because):
    bins, scores, _ = scored(1, n=300)
    counts = score_counts(bins, scores, np.full(300, labels))

    assert ranking.auc(counts.counts[GOOD], counts.counts[BAD]) == NotComputed(
        f"one class: all 300 known outcomes are {because}", 300
    )
    assert isinstance(ranking.ks_separation(counts.counts[GOOD], counts.counts[BAD], Grid(bins.edges)), NotComputed)


def test_without_a_known_outcome_nothing_is_claimed():
    bins, scores, _ = scored(1, n=300)
    counts = score_counts(bins, scores, np.full(300, -1))

    found = [
        accuracy.brier(counts),
        accuracy.log_loss(counts),
        calibration.observed_to_expected(counts),
        calibration.calibration_error(calibration.calibration_table(counts, bins)),
        ranking.auc(counts.counts[GOOD], counts.counts[BAD]),
    ]

    assert all(isinstance(outcome, NotComputed) and outcome.n == 0 for outcome in found)


def test_without_labels_in_the_reference_there_is_no_estimate():
    bins = fit_score(np.linspace(0.1, 0.9, 500), np.empty((2, 0)), cut_offs=(0.5,))
    counts = score_counts(bins, np.linspace(0.2, 0.8, 300), np.full(300, -1))

    outcome = estimate.estimated_auc(expected(counts, bins))

    assert outcome == NotComputed("the reference has no outcomes of both classes to calibrate on", 300)
