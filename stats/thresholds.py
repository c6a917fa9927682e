"""Default bands of the metrics: data for a threshold record, which the bank then owns and changes.

Rules of thumb, not tests: PSI 0.10 and 0.25 are Siddiqi's (2006, Credit Risk Scorecards, ch. 14) and older
industry custom; the others are starting points of ours and say so.
"""

from dataclasses import dataclass
from typing import Literal

CUSTOM, OURS = "Siddiqi 2006, ch. 14 (industry custom)", "starting point of this portal, no external source"


@dataclass(frozen=True, slots=True)
class Bands:
    """A value is amber from `amber` on and red from `red` on, in the direction that is bad."""

    metric: str
    amber: float
    red: float
    bad_when: Literal["above", "below"]
    source: str

    def light(self, value: float) -> Literal["green", "amber", "red"]:
        crossed = (lambda limit: value >= limit) if self.bad_when == "above" else (lambda limit: value <= limit)
        return "red" if crossed(self.red) else "amber" if crossed(self.amber) else "green"


DEFAULT_BANDS: tuple[Bands, ...] = (
    Bands("psi", 0.10, 0.25, "above", CUSTOM),
    Bands("score_psi", 0.10, 0.25, "above", CUSTOM),
    Bands("missing_rate_change", 0.02, 0.05, "above", OURS),
    Bands("new_level_rate", 0.01, 0.05, "above", OURS),
    Bands("out_of_range_rate", 0.01, 0.05, "above", OURS),
    Bands("auc_change", -0.03, -0.05, "below", OURS),
)


def default_bands(metric: str) -> Bands | None:
    """None for a metric that has no default: it is shown and raises nothing until somebody sets one."""
    return next((bands for bands in DEFAULT_BANDS if bands.metric == metric), None)
