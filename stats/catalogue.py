"""Every metric that `stats.measure` computes: what people call it, its unit, which side is bad, what it is of.

The one place that knows the names: thresholds are checked against it, pages take their words from it, and a test
holds it against what is really measured.
"""

from dataclasses import dataclass, replace
from typing import Literal

Side = Literal["above", "below"]
CUSTOM, OURS = "Siddiqi 2006, ch. 14 (industry custom)", "starting point of this portal, no external source"


@dataclass(frozen=True, slots=True)
class Usual:
    """Where a threshold usually lies: a rule of thumb for a record that the bank then owns, and its source."""

    watch: float
    breach: float
    source: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    of          what it is measured of: each number, each category, each feature of either kind, the window as a
                whole, or the sample that is scored again
    bad         the side on which it is bad; None where that depends on what is asked
    digits      decimals that a page shows, of the value multiplied by `scale`
    at_cut_off  there is one for each operating point, named so: precision@0.35
    judged_by   the metric whose threshold says how this one stands, where it is another
    """

    name: str
    words: str
    of: Literal["number", "category", "feature", "window", "sample"]
    bad: Side | None
    unit: str = ""
    digits: int = 3
    scale: float = 1
    at_cut_off: bool = False
    judged_by: str = ""
    usual: Usual | None = None


def _rate(name: str, words: str, of, bad, digits: int = 1, unit: str = "%", **more) -> Metric:
    return Metric(name, words, of, bad, unit, digits, 100, **more)


def _at_cut_off(name: str, bad: Side | None, digits: int = 3) -> Metric:
    return Metric(name, name.replace("_", " ").capitalize(), "window", bad, digits=digits, at_cut_off=True)


_PSI = Usual(0.10, 0.25, CUSTOM)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        # one figure a feature
        Metric("psi", "PSI", "feature", "above", "nats", usual=_PSI),
        Metric("jensen_shannon", "Jensen–Shannon", "feature", "above"),
        Metric("ks", "KS", "number", "above"),
        Metric("wasserstein", "Wasserstein", "number", "above", "sd"),
        Metric("total_variation", "Total variation", "category", "above"),
        Metric("chi_square", "Chi-square", "category", "above", digits=2),
        Metric("chi_square_p", "Chi-square, p", "category", "below"),
        Metric("mean", "Mean", "number", None, digits=2),
        _rate("missing_rate", "Missing share", "feature", "above", judged_by="missing_rate_change"),
        _rate(
            "missing_rate_change",
            "Change of missing share",
            "feature",
            "above",
            2,
            "points",
            usual=Usual(0.02, 0.05, OURS),
        ),
        _rate("new_level_rate", "Share of unseen categories", "category", "above", usual=Usual(0.01, 0.05, OURS)),
        _rate("out_of_range_rate", "Share of unseen values", "number", "above", usual=Usual(0.01, 0.05, OURS)),
        # the score
        Metric("score_psi", "PSI of the score", "window", "above", "nats", usual=_PSI),
        Metric("score_jensen_shannon", "Jensen–Shannon of the score", "window", "above"),
        Metric("score_ks", "KS of the score", "window", "above"),
        Metric("score_wasserstein", "Wasserstein of the score", "window", "above", "sd"),
        Metric("score_mean", "Mean score", "window", None, digits=4),
        # the outcome, where it is known
        Metric("auc", "AUC, realised", "window", "below", judged_by="auc_change"),
        Metric("auc_change", "Change of AUC", "window", "below", usual=Usual(-0.03, -0.05, OURS)),
        Metric("gini", "Gini", "window", "below"),
        Metric("ks_separation", "KS of bad and good", "window", "below"),
        Metric("brier", "Brier score", "window", "above", digits=4),
        Metric("log_loss", "Log-loss", "window", "above", digits=4),
        Metric("calibration_error", "Calibration error", "window", "above", digits=4),
        Metric("observed_to_expected", "Observed / expected", "window", None, digits=2),
        _at_cut_off("true_positive", None, 0),
        _at_cut_off("false_positive", None, 0),
        _at_cut_off("true_negative", None, 0),
        _at_cut_off("false_negative", None, 0),
        _at_cut_off("precision", "below"),
        _at_cut_off("recall", "below"),
        _at_cut_off("accuracy", "below"),
        _rate("labelled_rate", "Outcome known", "window", "below"),
        _rate("default_rate", "Default rate", "window", None),
        _rate("approval_rate", "Approved", "window", None),
        _rate("approved_default_rate", "Default rate of approved", "window", None),
        # what it would be if the score still meant what it meant
        Metric("estimated_auc", "AUC, estimated", "window", "below"),
        Metric("estimated_brier", "Brier score, estimated", "window", "above", digits=4),
        _rate("estimated_default_rate", "Default rate, estimated", "window", None),
        _at_cut_off("estimated_precision", "below"),
        _at_cut_off("estimated_recall", "below"),
        _at_cut_off("estimated_accuracy", "below"),
        Metric("reconstruction_error", "Reconstruction error", "window", "above"),
        _rate("rescoring_mismatch", "Share of scores that differ from the log", "sample", "above"),
    )
}
OF_FEATURES = tuple(name for name, metric in METRICS.items() if metric.of in ("number", "category", "feature"))
WITH_USUAL = tuple(metric for metric in METRICS.values() if metric.usual)


def split_name(name: str) -> tuple[str, str]:
    """(metric, cut-off): ("precision", "0.35") of precision@0.35, ("psi", "") of psi."""
    metric, _, cut_off = name.partition("@")
    return metric, cut_off


def metric_named(name: str) -> Metric | None:
    """The metric of a figure's name, whose words name the cut-off too; None for a name that nothing has.

    >>> metric_named("precision@0.35").words
    'Precision at 0.35'
    """
    name, cut_off = split_name(name)
    metric = METRICS.get(name)
    if metric is None or metric.at_cut_off != bool(cut_off):
        return None
    return replace(metric, words=f"{metric.words} at {cut_off}") if cut_off else metric
