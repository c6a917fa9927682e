"""Stored figures as a page shows them: a value with its interval or bound, or the reason why there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from figures.timeline import short_name
from figures.wording import number_text
from monitoring.measures.judging import Levels
from monitoring.models import Breach, Measurement, Monitor, Window
from monitoring.wording import NO_ROWS, outcome_said, words_of
from stats.catalogue import METRICS, OF_FEATURES

STRIP = ("auc", "estimated_auc", "score_psi", "observed_to_expected", "brier", "default_rate")
SEVERITY = ("breach", "watch", "good")


@dataclass(frozen=True)
class Shown:
    """One figure in words. `value` is empty where it was not computed; then `reason` says why."""

    name: str
    unit: str
    value: str
    interval: str
    bound: str
    reason: str
    level: str
    window: str
    n: int


@dataclass(frozen=True)
class Headline:
    """A cell of the strip: the newest value up to the chosen window, and what is missing of the window itself."""

    shown: Shown
    missing: str = ""


@dataclass
class FeatureLine:
    """One feature's figures in one window, and its PSI over all of them."""

    name: str
    kind: str
    meaning: str
    figures: dict[str, Shown] = field(default_factory=dict)
    history: list[float | None] = field(default_factory=list)
    psi: float = 0.0
    rank: int | None = None
    reference: list[float] = field(default_factory=list)
    current: list[float] = field(default_factory=list)

    @property
    def distance(self) -> Shown | None:
        """KS of a number, total variation of a category."""
        return self.figures.get("ks") or self.figures.get("total_variation")

    @property
    def level(self) -> str:
        """The worst of its figures, which may be another than PSI."""
        return worst(shown.level for shown in self.figures.values())

    @property
    def unseen(self) -> Shown | None:
        """Share of what the reference does not have: new levels of a category, a number outside the range."""
        return self.figures.get("new_level_rate") or self.figures.get("out_of_range_rate")


def levels_of(monitor: Monitor) -> Levels:
    """How the monitor's figures stand today; one query."""
    return Levels(monitor.thresholds.in_force().select_related("set_by__details"))


def breaches_in_words(breaches: Iterable[Breach]) -> list[Breach]:
    """Breaches, each with its metric's words, and value and threshold as the page writes them."""
    found = list(breaches)
    for breach in found:
        breach.words = words_of(breach.metric)
        breach.text = breach.words.text(breach.value)
        limit = getattr(breach.threshold, breach.level) if breach.threshold else None
        breach.limit = f"{breach.threshold.side} {breach.words.text(limit)}" if limit is not None else ""
    return found


def worst(levels: Iterable[str]) -> str:
    found = set(levels)
    return next((level for level in SEVERITY if level in found), "unknown")


def shown(figure: Measurement, level: str, window: str = "") -> Shown:
    words = words_of(figure.metric)
    is_known = figure.value is not None
    return Shown(
        name=words.name,
        unit=words.unit,
        value=words.text(figure.value) if is_known else "",
        interval=f"{words.text(figure.low)} to {words.text(figure.high)}" if figure.low is not None else "",
        bound=bound_text(figure.bound, words.scale),
        reason=figure.reason,
        level=level,
        window=window,
        n=figure.n,
    )


def bound_text(bound: float | None, scale: float = 1) -> str:
    """A certified error rounded UP to one significant figure, so that it stays true; empty where the value is exact.

    >>> bound_text(0.00041), bound_text(0.0), bound_text(2e-6)
    ('0.0005', '', '2e−6')
    """
    if not bound:
        return ""
    power = int(f"{bound * scale:e}".partition("e")[2])
    leading = -int(-(bound * scale / 10**power) // 1)
    leading, power = (1, power + 1) if leading == 10 else (leading, power)
    return number_text(leading * 10.0**power, -power) if -6 < power < 0 else f"{leading}e{power}".replace("-", "−")


def headlines(
    windows: Sequence[Window], window: Window, figures: Mapping[str, Mapping[int, Measurement]], levels: Levels
) -> list[Headline]:
    """The strip: labels come late, so a metric may have its newest value some windows back."""
    until = [w for w in windows if w.start_on <= window.start_on]
    found = (_headline(until, figures[metric], figures[METRICS[metric].judged_by], levels) for metric in STRIP)
    return [headline for headline in found if headline]


def _headline(
    until: Sequence[Window], of: Mapping[int, Measurement], judge: Mapping[int, Measurement], levels: Levels
) -> Headline | None:
    here = of.get(until[-1].pk)
    known = next((w for w in reversed(until) if w.pk in of and of[w.pk].value is not None), until[-1])
    if not until[-1].rows and known.pk in of:
        return Headline(shown(of[known.pk], levels.of(of[known.pk]), known.label), f"{_name(until)}: {NO_ROWS}")
    if here is None:
        return None
    level = levels.of(of[known.pk]) or (levels.of(judge[known.pk]) if known.pk in judge else "")
    missing = f"{_name(until)}: {outcome_said(here.reason)}" if here.value is None else ""
    return Headline(shown(of[known.pk], level, known.label), missing)


def _name(until: Sequence[Window]) -> str:
    return short_name(until[-1].label)


def feature_lines(monitor: Monitor, windows: Sequence[Window], window: Window, levels: Levels) -> list[FeatureLine]:
    """One line a feature, the worst and then the most drifted first; two queries."""
    lines = {f["name"]: FeatureLine(f["name"], f["kind"], f.get("meaning", "")) for f in monitor.columns["features"]}
    now = Measurement.objects.filter(window=window, segment="", column__in=lines, metric__in=OF_FEATURES)
    for figure in now:
        line = lines[figure.column]
        line.figures[figure.metric] = shown(figure, levels.of(figure))
        if figure.metric == "psi":
            line.psi = figure.value or 0.0
    for name, history in _history(windows, list(lines)).items():
        lines[name].history = history
        kept = window.shares.get(name, {})
        lines[name].reference, lines[name].current = _scaled(kept.get("reference")), _scaled(kept.get("current"))
    return sorted(lines.values(), key=lambda line: (_place(line.level), -line.psi))


def _scaled(counts: Sequence[float] | None) -> list[float]:
    """Counts as shares of their sum; empty without rows, which draws nothing."""
    total = sum(counts or ())
    return [count / total for count in counts] if total else []


def _place(level: str) -> int:
    return SEVERITY.index(level) if level in SEVERITY else len(SEVERITY)


def _history(windows: Sequence[Window], names: list[str]) -> dict[str, list[float | None]]:
    """PSI of each feature over the windows, oldest first."""
    found: dict[str, dict[int, float | None]] = defaultdict(dict)
    rows = Measurement.objects.filter(window__in=windows, segment="", metric="psi", column__in=names)
    for column, window_id, value in rows.values_list("column", "window_id", "value"):
        found[column][window_id] = value
    return {name: [found[name].get(window.pk) for window in windows] for name in names}
