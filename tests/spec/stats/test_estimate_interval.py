"""Does the realised metric lie in the estimate's interval in about 95 of 100 windows, as long as calibration holds."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from stats import estimate
from stats.calibration import isotonic_knots
from stats.reference import fit_score
from stats.results import NotComputed
from tests.spec.stats.samples import score_counts

WINDOWS = 250
CUT_OFF = 0.3


def drawn(random, rows: int, a: float):
    """Scores of a Beta distribution and outcomes that happen a quarter more often than the score says."""
    scores = random.beta(a, 5, rows)
    return scores, (random.random(rows) < np.clip(1.25 * scores - 0.02, 0, 1)).astype(int)


def one_window(random, reference: int, rows: int) -> dict[str, tuple[float, float, float]]:
    """metric -> (low, realised, high) of a window whose mix of scores has moved and whose calibration holds."""
    before, known = drawn(random, reference, 2.0)
    bins = fit_score(before, isotonic_knots(before, known), cut_offs=(CUT_OFF,), grid=501)
    scores, labels = drawn(random, rows, 2.4)
    counts = score_counts(bins, scores, np.full(rows, -1))
    outcomes = estimate.expected_outcomes(counts, bins, score_counts(bins, before, known))
    called, at = scores >= CUT_OFF, (CUT_OFF, int(bins.cut_off_cuts[0]))
    realised = {
        "auc": (estimate.estimated_auc(outcomes), sklearn.roc_auc_score(labels, scores)),
        "brier": (estimate.estimated_brier(outcomes), sklearn.brier_score_loss(labels, scores)),
        "default rate": (estimate.estimated_default_rate(outcomes), labels.mean()),
        "precision": (estimate.estimated_precision(outcomes, *at), sklearn.precision_score(labels, called)),
        "recall": (estimate.estimated_recall(outcomes, *at), sklearn.recall_score(labels, called)),
        "accuracy": (estimate.estimated_accuracy(outcomes, *at), sklearn.accuracy_score(labels, called)),
    }
    return {name: (value.low, float(happened), value.high) for name, (value, happened) in realised.items()}


@pytest.mark.parametrize(("reference", "rows"), [(2_000, 1_000), (2_000, 8_000), (8_000, 1_000)])
def test_the_realised_metric_lies_in_the_interval_about_as_often_as_it_says(reference, rows):
    random = np.random.default_rng(14)
    found = [one_window(random, reference, rows) for _ in range(WINDOWS)]

    for metric in found[0]:
        inside = np.mean([low <= happened <= high for low, happened, high in (window[metric] for window in found)])
        assert 0.90 <= inside <= 0.995, metric


def test_of_a_calibration_that_knew_everything_the_interval_is_the_chance_of_outcomes():
    random = np.random.default_rng(17)
    scores = random.beta(2, 5, 2_000)
    knots = np.array([[0.0, 1.0], [0.05, 0.9]])
    bins = fit_score(scores, knots, cut_offs=(CUT_OFF,), grid=501)
    everything = score_counts(bins, np.tile(scores, 500), np.zeros(1_000_000, int))
    outcomes = estimate.expected_outcomes(score_counts(bins, scores, np.full(2_000, -1)), bins, everything)
    chance, called, at = np.interp(scores, *knots), scores >= CUT_OFF, (CUT_OFF, int(bins.cut_off_cuts[0]))

    drawn_outcomes = (random.random((1_000, 2_000)) < chance).astype(int)

    for estimated, realised in (
        (estimate.estimated_auc(outcomes), [sklearn.roc_auc_score(y, scores) for y in drawn_outcomes]),
        (estimate.estimated_brier(outcomes), ((scores - drawn_outcomes) ** 2).mean(axis=1)),
        (estimate.estimated_default_rate(outcomes), drawn_outcomes.mean(axis=1)),
        (estimate.estimated_precision(outcomes, *at), drawn_outcomes[:, called].mean(axis=1)),
        (estimate.estimated_recall(outcomes, *at), drawn_outcomes[:, called].sum(axis=1) / drawn_outcomes.sum(axis=1)),
        (estimate.estimated_accuracy(outcomes, *at), (drawn_outcomes == called).mean(axis=1)),
    ):
        assert estimated.value == pytest.approx(np.mean(realised), abs=2e-3)
        assert estimated.high - estimated.low == pytest.approx(2 * 1.96 * np.std(realised), rel=0.08)


def test_a_changed_relation_lies_outside_the_interval():
    random = np.random.default_rng(15)
    before, known = drawn(random, 5_000, 2.0)
    bins = fit_score(before, isotonic_knots(before, known), cut_offs=(CUT_OFF,), grid=501)
    scores, _ = drawn(random, 5_000, 2.0)
    labels = (random.random(5_000) < 0.3).astype(int)  # whatever the score says

    counts = score_counts(bins, scores, np.full(5_000, -1))
    area = estimate.estimated_auc(estimate.expected_outcomes(counts, bins, score_counts(bins, before, known)))

    assert sklearn.roc_auc_score(labels, scores) < area.low - 0.05


def test_the_interval_is_the_wider_the_fewer_outcomes_the_calibration_knew():
    bins, widths = None, []
    for known in (100, 1_000, 10_000):
        random = np.random.default_rng(16)
        before, outcomes = drawn(random, 10_000, 2.0)
        bins = bins or fit_score(before, isotonic_knots(before, outcomes), cut_offs=(CUT_OFF,), grid=501)
        labels = np.where(np.arange(10_000) < known, outcomes, -1)
        counts = score_counts(bins, before, labels)
        rate = estimate.estimated_default_rate(estimate.expected_outcomes(counts, bins, counts))
        widths.append(rate.high - rate.low)

    chance = 2 * 1.96 * np.sqrt(0.34 * 0.66 / 10_000)
    assert widths[0] > 5 * widths[2] > widths[1] > widths[2]
    assert widths[2] == pytest.approx(chance * np.sqrt(2), rel=0.15)


def test_without_a_called_row_or_a_calibration_there_is_a_reason():
    bins = fit_score(np.linspace(0.1, 0.9, 500), np.array([[0.1, 0.9], [0.1, 0.9]]), cut_offs=(0.95,), grid=501)
    counts = score_counts(bins, np.linspace(0.2, 0.8, 300), np.full(300, -1))
    outcomes = estimate.expected_outcomes(counts, bins, counts)
    nothing = NotComputed("0 rows, at least 1 needed", 0)

    assert isinstance(estimate.estimated_precision(outcomes, 0.95, int(bins.cut_off_cuts[0])), NotComputed)
    for metric in (estimate.estimated_auc, estimate.estimated_brier, estimate.estimated_default_rate):
        assert metric(nothing) == nothing
    for metric in (estimate.estimated_precision, estimate.estimated_recall, estimate.estimated_accuracy):
        assert metric(nothing, 0.95, 1) == nothing
