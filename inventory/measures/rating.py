"""What a scheme makes of a model's answers: the tier, with everything that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from inventory.measures.scheme import CONTROLS, INHERENT, MATERIALITY, Axis, Factor, Level, Scheme, mean


@dataclass(frozen=True)
class Rating:
    """tier None: an answer is missing that decides it. Scores are exact; a part or axis without all answers has none.

    bands     axis → name of its band
    residual  name of a band of inherent risk: what the controls leave of it
    """

    tier: int | None
    missing: tuple[Factor, ...]
    parts: Mapping[str, Fraction]
    scores: Mapping[str, Fraction]
    bands: Mapping[str, str]
    residual: str | None


def rate(scheme: Scheme, answers: Mapping[str, str]) -> Rating:
    """The rating of a model.

    answers  factor → level, by their names; those that the scheme does not have count as not given
    """
    given = levels_given(scheme, answers)
    parts = {part: score for part in _parts(scheme) if (score := _part_score(scheme, part, given)) is not None}
    scores = {axis.name: _axis_score(axis, parts) for axis in scheme.axes.values() if set(axis.weights) <= set(parts)}
    bands = {name: scheme.axes[name].band(score).name for name, score in scores.items()}
    return Rating(
        tier=_cell(scheme, scheme.matrix, bands, MATERIALITY),
        missing=tuple(f for f in scheme.factors if f.name not in given and f.part not in scheme.axes[CONTROLS].weights),
        parts=parts,
        scores=scores,
        bands=bands,
        residual=_cell(scheme, scheme.residual, bands, CONTROLS),
    )


def levels_given(scheme: Scheme, answers: Mapping[str, str]) -> dict[str, Level]:
    """Factor → the level that was answered, where the scheme has both."""
    found = {factor.name: factor.level(answers.get(factor.name, "")) for factor in scheme.factors}
    return {name: level for name, level in found.items() if level}


def _parts(scheme: Scheme) -> list[str]:
    return list(dict.fromkeys(factor.part for factor in scheme.factors))


def _part_score(scheme: Scheme, part: str, given: Mapping[str, Level]) -> Fraction | None:
    factors = scheme.factors_of(part)
    if any(factor.name not in given for factor in factors):
        return None
    return mean([(factor.weight, given[factor.name].points) for factor in factors])


def _axis_score(axis: Axis, parts: Mapping[str, Fraction]) -> Fraction:
    return mean([(weight, parts[part]) for part, weight in axis.weights.items()])


def _cell(scheme: Scheme, cells, bands: Mapping[str, str], column_axis: str):
    """What a matrix of inherent risk and another axis says; None where one of the two is not known."""
    if INHERENT not in bands or column_axis not in bands:
        return None
    row = scheme.axes[INHERENT].place(bands[INHERENT])
    return cells[row][scheme.axes[column_axis].place(bands[column_axis])]
