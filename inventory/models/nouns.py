"""The records below a model's: what each is called, what of it is filled in, and what an approval is bound to."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models.assumption import Assumption
from inventory.models.exemption import Exemption
from inventory.models.limitation import Limitation
from inventory.models.overlay import Overlay
from inventory.models.part import ApprovedPart, Part
from inventory.models.responsibility import Responsibility
from inventory.models.use import Use


@dataclass(frozen=True)
class Noun:
    """One kind of part. key: its word in addresses and the model's name for its rows; one, many: words for people.

    about   why it is kept, for a list that is empty
    fields  what is filled in, in the order of the form
    free    fields that change without touching an approval
    once    fields that are said when it is added, and move by verbs of their own alone
    """

    key: str
    part: type[Part]
    one: str
    many: str
    about: str
    fields: tuple[str, ...]
    free: tuple[str, ...] = ()
    once: tuple[str, ...] = ()

    @property
    def editable(self) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name not in self.once)

    @property
    def takes_approval(self) -> bool:
        return issubclass(self.part, ApprovedPart)


NOUNS = {
    noun.key: noun
    for noun in (
        Noun(
            "uses",
            Use,
            "use",
            "Uses",
            "A model is approved for uses, not as such: each says for what, where and within which bounds.",
            (
                "purpose",
                "product",
                "legal_entity",
                "jurisdiction",
                "intended_use",
                "actual_use",
                "operating_boundaries",
                "restrictions",
            ),
            free=("actual_use",),
        ),
        Noun(
            "assumptions",
            Assumption,
            "assumption",
            "Assumptions",
            "What is taken to be true. Whoever relies on the output should know what it rests on.",
            ("statement", "basis", "sensitivity", "watched_by"),
        ),
        Noun(
            "limitations",
            Limitation,
            "limitation",
            "Limitations",
            "What the model cannot do, each with what is done about it and how far it may be used all the same.",
            ("statement", "mitigant", "use_limit", "review_outcome"),
        ),
        Noun(
            "overlays",
            Overlay,
            "overlay",
            "Overlays",
            "Adjustments put on the output. Each ends by itself, and the third renewal for one limitation asks for a"
            " review of the model.",
            ("name", "unit", "currency", "limitation", "rationale", "expires_on"),
            # Another day is a renewal, which counts; another limitation would begin the count anew.
            once=("unit", "currency", "limitation", "expires_on"),
        ),
        Noun(
            "exceptions",
            Exemption,
            "exception",
            "Exceptions",
            "Where the bank's own policy is not followed: another person agrees, until a day.",
            ("rule", "reason", "mitigant", "expires_on"),
        ),
        Noun(
            "responsibilities",
            Responsibility,
            "responsibility",
            "Responsibilities",
            "Who reviews, validates and approves the model, and which senior manager answers for it.",
            ("duty", "person", "note"),
        ),
    )
}


def noun_of(part: Part) -> Noun:
    return next(noun for noun in NOUNS.values() if isinstance(part, noun.part))
