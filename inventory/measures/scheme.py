"""A tiering scheme, read from plain data: factors, axes with their cut-offs, and what each tier drives.

A scheme that leaves a score without a band, or gives it two, is refused with the place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

# Kept apart, as SR 26-2 does. What is known of the controls never moves a tier: it gives the residual risk.
PARTS = {
    "inherent_risk": "Inherent risk",
    "exposure": "Exposure",
    "purpose": "Purpose",
    "use": "Use",
    "controls": "Controls",
}
INHERENT, MATERIALITY, CONTROLS = "inherent", "materiality", "controls"
AXES = {
    INHERENT: ("inherent_risk",),
    MATERIALITY: ("exposure", "purpose", "use"),
    CONTROLS: ("controls",),
}
CADENCES = ("daily", "weekly", "monthly", "quarterly", "yearly")
MOST_TIERS = 4  # of inventory_model.tier
LONGEST = 300  # of a text


class SchemeFaulty(Exception):
    """The scheme cannot be used: a sentence for each place at fault."""

    def __init__(self, problems: dict[str, str]):
        super().__init__("; ".join(f"{place}: {words}" for place, words in problems.items()))
        self.problems = problems


@dataclass(frozen=True)
class Level:
    name: str
    label: str
    points: Fraction


@dataclass(frozen=True)
class Factor:
    """One question of an assessment; its level's points count with its weight among those of its part."""

    name: str
    label: str
    part: str
    question: str
    weight: Fraction
    levels: tuple[Level, ...]

    def level(self, name: str) -> Level | None:
        return next((level for level in self.levels if level.name == name), None)


@dataclass(frozen=True)
class Band:
    """Scores from `start` up to `end`, which belongs to the band above; of the highest, `end` belongs to it."""

    name: str
    label: str
    start: Fraction
    end: Fraction


@dataclass(frozen=True)
class Axis:
    """The weighted mean of some parts' scores, cut into bands, the lowest first."""

    name: str
    label: str
    weights: Mapping[str, Fraction]
    bands: tuple[Band, ...]

    def band(self, score: Fraction) -> Band:
        last = self.bands[-1]
        return next((band for band in self.bands if band.start <= score < band.end), last)

    def place(self, name: str) -> int:
        return [band.name for band in self.bands].index(name)


@dataclass(frozen=True)
class TierPolicy:
    """What a tier drives. rating_months: when the model is to be rated again."""

    tier: int
    label: str
    review_months: int
    rating_months: int
    validation: str
    approval: str
    monitoring: str
    is_negligible: bool = False


@dataclass(frozen=True)
class Scheme:
    """matrix: tier by inherent band (rows) and materiality band (columns); residual: label by inherent and controls."""

    name: str
    about: str
    factors: tuple[Factor, ...]
    axes: Mapping[str, Axis]
    matrix: tuple[tuple[int, ...], ...]
    residual: tuple[tuple[str, ...], ...]
    tiers: tuple[TierPolicy, ...]

    def factors_of(self, part: str) -> tuple[Factor, ...]:
        return tuple(factor for factor in self.factors if factor.part == part)

    def policy(self, tier: int | None) -> TierPolicy | None:
        return next((policy for policy in self.tiers if policy.tier == tier), None)


def read_scheme(content: object) -> Scheme:
    """The scheme that plain data (of YAML or JSON) describe. Raises SchemeFaulty with each place at fault."""
    reader = _Reader()
    scheme = reader.scheme(content)
    if reader.problems:
        raise SchemeFaulty(reader.problems)
    for place, words in _faults(scheme):
        reader.problems.setdefault(place, words)
    if reader.problems:
        raise SchemeFaulty(reader.problems)
    return scheme


# ---- from data to dataclasses -------------------------------------------------------------------------------
class _Reader:
    """Reads shapes and types; notes what is wrong by its place and goes on with something of the right type."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def scheme(self, content: object) -> Scheme:
        fields = self._fields(content, "", ("name", "about", "factors", "axes", "matrix", "residual", "tiers"))
        axes = self._fields(fields["axes"], "axes", tuple(AXES))
        return Scheme(
            name=self._text(fields["name"], "name"),
            about=self._text(fields["about"], "about", longest=2_000),
            factors=tuple(self._factor(*item) for item in self._items(fields["factors"], "factors")),
            axes={name: self._axis(name, axes[name]) for name in AXES},
            matrix=self._rows(fields["matrix"], "matrix", self._whole),
            residual=self._rows(fields["residual"], "residual", self._text),
            tiers=tuple(self._policy(*item) for item in self._items(fields["tiers"], "tiers")),
        )

    def _factor(self, place: str, given: object) -> Factor:
        fields = self._fields(given, place, ("name", "label", "part", "question", "weight", "levels"))
        return Factor(
            name=self._text(fields["name"], f"{place}/name"),
            label=self._text(fields["label"], f"{place}/label"),
            part=self._one_of(fields["part"], f"{place}/part", tuple(PARTS)),
            question=self._text(fields["question"], f"{place}/question"),
            weight=self._number(fields["weight"], f"{place}/weight"),
            levels=tuple(self._level(*item) for item in self._items(fields["levels"], f"{place}/levels")),
        )

    def _level(self, place: str, given: object) -> Level:
        fields = self._fields(given, place, ("name", "label", "points"))
        return Level(
            name=self._text(fields["name"], f"{place}/name"),
            label=self._text(fields["label"], f"{place}/label"),
            points=self._number(fields["points"], f"{place}/points"),
        )

    def _axis(self, name: str, given: object) -> Axis:
        place = f"axes/{name}"
        fields = self._fields(given, place, ("label", "weights", "bands"))
        weights = self._fields(fields["weights"], f"{place}/weights", AXES[name])
        return Axis(
            name=name,
            label=self._text(fields["label"], f"{place}/label"),
            weights={part: self._number(weights[part], f"{place}/weights/{part}") for part in AXES[name]},
            bands=tuple(self._band(*item) for item in self._items(fields["bands"], f"{place}/bands")),
        )

    def _band(self, place: str, given: object) -> Band:
        fields = self._fields(given, place, ("name", "label", "from", "to"))
        return Band(
            name=self._text(fields["name"], f"{place}/name"),
            label=self._text(fields["label"], f"{place}/label"),
            start=self._number(fields["from"], f"{place}/from"),
            end=self._number(fields["to"], f"{place}/to"),
        )

    def _policy(self, place: str, given: object) -> TierPolicy:
        names = ("tier", "label", "review_months", "rating_months", "validation", "approval", "monitoring")
        fields = self._fields(given, place, names, optional=("negligible",))
        return TierPolicy(
            tier=self._whole(fields["tier"], f"{place}/tier"),
            label=self._text(fields["label"], f"{place}/label"),
            review_months=self._whole(fields["review_months"], f"{place}/review_months"),
            rating_months=self._whole(fields["rating_months"], f"{place}/rating_months"),
            validation=self._text(fields["validation"], f"{place}/validation"),
            approval=self._text(fields["approval"], f"{place}/approval"),
            monitoring=self._one_of(fields["monitoring"], f"{place}/monitoring", CADENCES),
            is_negligible=fields.get("negligible") is True,
        )

    def _rows(self, given: object, place: str, read) -> tuple[tuple, ...]:
        return tuple(
            tuple(read(cell, where) for where, cell in self._items(row, at)) for at, row in self._items(given, place)
        )

    def _fields(self, given: object, place: str, names: Sequence[str], optional: Sequence[str] = ()) -> dict:
        if not isinstance(given, Mapping):
            self._note(place or "scheme", f"Fields are wanted here: {', '.join(names)}.")
            return dict.fromkeys(names)
        for name in names:
            if name not in given:
                self._note(_below(place, name), "This is missing.")
        for name in given:
            if name not in (*names, *optional):
                self._note(_below(place, str(name)), f"Nothing is called so here; known are {', '.join(names)}.")
        return dict.fromkeys(names) | dict(given)

    def _items(self, given: object, place: str) -> list[tuple[str, object]]:
        if not isinstance(given, list) or not given:
            self._note(place, "A list with something in it is wanted.")
            return []
        return [(f"{place}/{number}", item) for number, item in enumerate(given)]

    def _text(self, given: object, place: str, longest: int = LONGEST) -> str:
        if isinstance(given, str) and 0 < len(given.strip()) <= longest:
            return given.strip()
        self._note(place, f"A text of 1 to {longest} characters is wanted.")
        return ""

    def _number(self, given: object, place: str) -> Fraction:
        if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given):
            return Fraction(Decimal(str(given)))
        self._note(place, f"A number is wanted, got {given!r}.")
        return Fraction(0)

    def _whole(self, given: object, place: str) -> int:
        if isinstance(given, int) and not isinstance(given, bool) and given > 0:
            return given
        self._note(place, f"A whole number above 0 is wanted, got {given!r}.")
        return 1

    def _one_of(self, given: object, place: str, known: Sequence[str]) -> str:
        if given in known:
            return given
        self._note(place, f"One of {', '.join(known)} is wanted, got {given!r}.")
        return known[0]

    def _note(self, place: str, words: str) -> None:
        self.problems.setdefault(place, words)


def _below(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name


# ---- what must hold among the parts -------------------------------------------------------------------------
def _faults(scheme: Scheme) -> Iterator[tuple[str, str]]:
    yield from _doubled("factors", [factor.name for factor in scheme.factors])
    for number, factor in enumerate(scheme.factors):
        yield from _about_factor(f"factors/{number}", factor)
    for part, label in PARTS.items():
        if not scheme.factors_of(part):
            yield "factors", f"No factor asks about {label.lower()}."
            return
    for axis in scheme.axes.values():
        yield from _about_axis(axis, scheme)
    yield from _about_tiers(scheme)
    yield from _about_matrix(scheme)
    yield from _about_residual(scheme)


def _doubled(place: str, names: Sequence) -> Iterator[tuple[str, str]]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield f"{place}/{number}/name", f"{name!r} stands here twice."


def _about_factor(place: str, factor: Factor) -> Iterator[tuple[str, str]]:
    if factor.weight <= 0:
        yield f"{place}/weight", f"A weight above 0 is wanted, got {_shown(factor.weight)}."
    if len(factor.levels) < 2:
        yield f"{place}/levels", "At least two levels are wanted: with one there is nothing to answer."
    yield from _doubled(f"{place}/levels", [level.name for level in factor.levels])
    for number, (lower, upper) in enumerate(pairwise(factor.levels), start=1):
        if upper.points <= lower.points:
            yield (
                f"{place}/levels/{number}/points",
                f"Points must rise from level to level, got {_shown(upper.points)}.",
            )


def _about_axis(axis: Axis, scheme: Scheme) -> Iterator[tuple[str, str]]:
    place = f"axes/{axis.name}"
    for part, weight in axis.weights.items():
        if weight <= 0:
            yield f"{place}/weights/{part}", f"A weight above 0 is wanted, got {_shown(weight)}."
            return
    yield from _doubled(f"{place}/bands", [band.name for band in axis.bands])
    yield from _about_cut_offs(f"{place}/bands", axis.bands, *_reach(axis, scheme))


def _about_cut_offs(
    place: str, bands: Sequence[Band], lowest: Fraction, highest: Fraction
) -> Iterator[tuple[str, str]]:
    """Every score that answers can give lies in one band and in no other."""
    if bands[0].start > lowest:
        yield f"{place}/0/from", f"A gap: answers can score {_shown(lowest)}, the lowest band begins above it."
    for number, band in enumerate(bands):
        if band.end <= band.start:
            yield f"{place}/{number}/to", f"A band ends above where it begins, {_shown(band.start)}."
    for number, (lower, upper) in enumerate(pairwise(bands), start=1):
        if upper.start > lower.end:
            yield (
                f"{place}/{number}/from",
                f"A gap: nothing lies between {_shown(lower.end)} and {_shown(upper.start)}.",
            )
        if upper.start < lower.end:
            yield (
                f"{place}/{number}/from",
                f"An overlap: {_shown(upper.start)} to {_shown(lower.end)} lie in {lower.name} too.",
            )
    if bands[-1].end < highest:
        yield (
            f"{place}/{len(bands) - 1}/to",
            f"A gap: answers can score {_shown(highest)}, the highest band ends below.",
        )


def _reach(axis: Axis, scheme: Scheme) -> tuple[Fraction, Fraction]:
    """The lowest and the highest score that answers can give."""
    ends = [
        (weight, [factor.weight for factor in scheme.factors_of(part)], scheme.factors_of(part))
        for part, weight in axis.weights.items()
    ]
    return tuple(
        mean([(weight, mean([(f.weight, f.levels[end].points) for f in factors])) for weight, _, factors in ends])
        for end in (0, -1)
    )


def mean(weighted: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """Weighted mean of (weight, value); exact. A weight of 0 in all of them, which a faulty scheme may have, is 0."""
    total = sum(weight for weight, _ in weighted)
    return sum(weight * value for weight, value in weighted) / total if total else Fraction(0)


def _about_tiers(scheme: Scheme) -> Iterator[tuple[str, str]]:
    numbers = [policy.tier for policy in scheme.tiers]
    if len(numbers) > MOST_TIERS:
        yield "tiers", f"At most {MOST_TIERS} tiers are wanted, got {len(numbers)}."
    if numbers != list(range(1, len(numbers) + 1)):
        yield "tiers", f"Tiers stand as 1, 2, 3 …, 1 the most material; got {', '.join(map(str, numbers))}."


def _about_matrix(scheme: Scheme) -> Iterator[tuple[str, str]]:
    rows, columns = scheme.axes[INHERENT], scheme.axes[MATERIALITY]
    if wrong := _shape_fault("matrix", scheme.matrix, rows, columns):
        yield wrong
        return
    known = {policy.tier for policy in scheme.tiers}
    for at, tier, lower in _cells("matrix", scheme.matrix):
        if tier not in known:
            yield at, f"There is no tier {tier}."
        if any(tier > other for other in lower):
            yield at, f"Tier {tier} is less material than a cell with less risk or materiality."
    for tier in sorted(known - {tier for row in scheme.matrix for tier in row}):
        yield "matrix", f"No cell gives tier {tier}."


def _about_residual(scheme: Scheme) -> Iterator[tuple[str, str]]:
    rows, columns = scheme.axes[INHERENT], scheme.axes[CONTROLS]
    if wrong := _shape_fault("residual", scheme.residual, rows, columns):
        yield wrong
        return
    known = [band.name for band in rows.bands]
    for row, cells in enumerate(scheme.residual):
        for column, name in enumerate(cells):
            if name not in known:
                yield f"residual/{row}/{column}", f"One of {', '.join(known)} is wanted, got {name!r}."
            elif known.index(name) > row:
                yield f"residual/{row}/{column}", "Controls cannot leave more risk than there is without them."


def _shape_fault(place: str, cells: Sequence[Sequence], rows: Axis, columns: Axis) -> tuple[str, str] | None:
    if len(cells) != len(rows.bands):
        return place, f"{len(rows.bands)} rows are wanted, one for each band of {rows.label.lower()}; got {len(cells)}."
    for number, row in enumerate(cells):
        if len(row) != len(columns.bands):
            return (
                f"{place}/{number}",
                f"{len(columns.bands)} cells are wanted, one for each band of {columns.label.lower()}; got {len(row)}.",
            )
    return None


def _cells(place: str, cells: Sequence[Sequence[int]]) -> Iterator[tuple[str, int, list[int]]]:
    """Each cell by its place, with its neighbours of less risk and of less materiality."""
    for row, tiers in enumerate(cells):
        for column, tier in enumerate(tiers):
            lower = [cells[row - 1][column]] if row else []
            yield f"{place}/{row}/{column}", tier, [*lower, *([tiers[column - 1]] if column else [])]


def _shown(number: Fraction) -> str:
    return f"{float(number):g}"
