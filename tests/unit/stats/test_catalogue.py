"""The catalogue names what is measured, and nothing else."""

import pytest

from engines.local import fit_reference
from stats.catalogue import METRICS, OF_FEATURES, WITH_USUAL, metric_named, split_name
from stats.measure import measure
from tests.spec.engines import logs


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Every figure of a window, whose columns are two numbers and a category."""
    partition = logs.reference_log(tmp_path_factory.mktemp("catalogue") / "reference.parquet")
    reference = fit_reference([partition], logs.SPEC, seed=1)
    return measure(reference, reference.state)


def test_every_metric_that_is_measured_is_in_it_and_every_one_in_it_is_measured(measured):
    names = {split_name(figure.metric)[0] for figure in measured}

    assert names == {name for name, metric in METRICS.items() if metric.of != "sample"}


def test_it_says_what_each_is_measured_of(measured):
    kinds = {feature.name: feature.kind for feature in logs.SPEC.features}
    for figure in measured:
        of = metric_named(figure.metric).of
        assert (of == "window") == (figure.column is None), figure
        assert of in ("window", "feature", kinds.get(figure.column)), figure
    assert set(OF_FEATURES) == {figure.metric for figure in measured if figure.column}


def test_a_cut_off_belongs_to_the_names_of_those_that_have_one(measured):
    assert all(metric_named(figure.metric) for figure in measured)
    assert metric_named("precision@0.35").words == "Precision at 0.35"
    assert metric_named("estimated_recall@0.5").words == "Estimated recall at 0.5"


@pytest.mark.parametrize("name", ["acu_chnage", "precision", "psi@0.3", "", "@", "@0.3"])
def test_a_name_that_no_figure_has_is_none(name):
    assert metric_named(name) is None


def test_usual_thresholds_lie_beyond_their_watch_on_the_bad_side():
    assert {metric.name for metric in WITH_USUAL} >= {"psi", "score_psi", "auc_change"}
    for metric in WITH_USUAL:
        usual = metric.usual
        assert usual.breach > usual.watch if metric.bad == "above" else usual.breach < usual.watch, metric
        assert usual.source


def test_what_judges_another_is_a_metric_of_the_same_things():
    for metric in METRICS.values():
        if metric.judged_by:
            assert METRICS[metric.judged_by].of == metric.of
