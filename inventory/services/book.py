"""What a tiering scheme would make of the whole book, before anybody decides on it. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from inventory.measures.rating import Rating, rate
from inventory.measures.scheme import Scheme, read_scheme
from inventory.models import Assessment, Model, TieringScheme, TierOverride


@dataclass(frozen=True)
class Line:
    """One model under another scheme. A rating without a tier moves nothing: the model keeps the one that it has.

    assessment  its newest; None: it was never rated
    override    the one in force; it ends where the computed tier moves
    """

    model: Model
    assessment: Assessment | None
    override: TierOverride | None
    rating: Rating

    @property
    def before(self) -> int | None:
        return self.model.tier

    @property
    def ends_override(self) -> bool:
        is_moved = self.rating.tier is not None and self.assessment and self.rating.tier != self.assessment.tier
        return bool(self.override and is_moved)

    @property
    def after(self) -> int | None:
        if self.rating.tier is None:
            return self.before
        return self.override.tier if self.override and not self.ends_override else self.rating.tier

    @property
    def moves(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class BookEffect:
    """Every model that is not retired, by ref; what of it moves, and what lacks an answer."""

    lines: list[Line] = field(default_factory=list)

    @cached_property
    def moving(self) -> list[Line]:
        return [line for line in self.lines if line.moves]

    @cached_property
    def without_answer(self) -> list[Line]:
        return [line for line in self.lines if line.rating.tier is None]

    @cached_property
    def counts(self) -> Counter:
        """(from, to) → how many models."""
        return Counter((line.before, line.after) for line in self.lines)

    @property
    def moved(self) -> int:
        return len(self.moving)

    @property
    def lacking(self) -> int:
        return len(self.without_answer)

    @property
    def rated(self) -> int:
        return len(self.lines) - self.lacking

    @property
    def moves_in_words(self) -> str:
        """1 → 2: 3 models; …"""
        moves = sorted((move, count) for move, count in self.counts.items() if move[0] != move[1])
        return ", ".join(f"{start or 'none'} → {end}: {count}" for (start, end), count in moves) or "none"


def effect_on_book(*, scheme: TieringScheme, among: Iterable[int] | None = None) -> BookEffect:
    """What the scheme would make of every model; three queries, however many.

    among  keys of the models that are looked at; None: the whole bank
    """
    models = Model.objects.exclude(stage=Model.Stage.RETIRED).order_by("ref").select_related("owner__details", "unit")
    models = list(models if among is None else models.filter(pk__in=among))
    newest = {found.model_id: found for found in Assessment.objects.current().filter(model__in=models)}
    overrides = {found.model_id: found for found in TierOverride.objects.in_force().filter(model__in=models)}
    rated = _Rater(read_scheme(scheme.content))
    return BookEffect(
        [Line(model, newest.get(model.pk), overrides.get(model.pk), rated(newest.get(model.pk))) for model in models]
    )


class _Rater:
    """Rates by one scheme; the same answers, which a large book has often, are rated once."""

    def __init__(self, scheme: Scheme):
        self._scheme, self._known = scheme, {}

    def __call__(self, assessment: Assessment | None) -> Rating:
        levels = assessment.levels if assessment else {}
        key = tuple(sorted(levels.items()))
        if key not in self._known:
            self._known[key] = rate(self._scheme, levels)
        return self._known[key]
