import pytest

from stats.thresholds import default_bands


@pytest.mark.parametrize(("psi", "light"), [(0.0999, "green"), (0.10, "amber"), (0.2499, "amber"), (0.25, "red")])
def test_the_customary_bands_of_psi(psi, light):
    assert default_bands("psi").light(psi) == light


def test_a_fall_in_auc_is_what_is_bad():
    bands = default_bands("auc_change")

    assert [bands.light(change) for change in (0.1, -0.02, -0.04, -0.06)] == ["green", "green", "amber", "red"]


def test_a_metric_without_custom_has_no_default():
    assert default_bands("wasserstein") is None
