"""How complete a record is for each regime that asks for one: computed when it is looked at, never stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inventory.measures.record import FIELDS, Record, RecordField, further_field
from inventory.models import Framework, Verdict


@dataclass(frozen=True)
class Score:
    """What somebody asks for, and what of it is missing. verdict: the latest on the regime."""

    name: str
    asked: list[RecordField]
    missing: list[RecordField]
    framework: Framework | None = None
    verdict: Verdict | None = None

    @property
    def share(self) -> float:
        """Of what is asked for, how much is there; 1 where nothing is asked for."""
        return 1 - len(self.missing) / len(self.asked) if self.asked else 1.0

    @property
    def filled(self) -> int:
        return len(self.asked) - len(self.missing)

    @property
    def counts(self) -> bool:
        """Whether the model falls under it, as far as anybody decided."""
        return self.verdict is None or not self.verdict.is_out


def scores_of(record: Record, frameworks: Iterable[Framework]) -> list[Score]:
    """One for each regime that lists fields, and one for what the bank itself asks of this kind and tier."""
    verdicts = {verdict.framework.code: verdict for verdict in record.verdicts}
    found = [
        _score(framework.short_name, asked_by(framework, record), record, framework, verdicts.get(framework.code))
        for framework in frameworks
        if framework.asked_of_all
    ]
    own = [further_field(entry) for entry in record.further if record.model.tier in entry.required_tiers]
    return [*found, _score("The bank’s own fields", own, record)] if own else found


def asked_by(framework: Framework, record: Record) -> list[RecordField]:
    """Fields that the regime asks of this model: a negligible one lacks some of them."""
    keys = list(framework.asked_of_all)
    if not record.profile.negligible_exemption:
        keys += framework.asked_unless_negligible
    return [FIELDS[key] for key in keys]


def _score(
    name: str,
    asked: list[RecordField],
    record: Record,
    framework: Framework | None = None,
    verdict: Verdict | None = None,
) -> Score:
    missing = [entry for entry in asked if not entry.words(record)]
    return Score(name, asked, missing, framework, verdict)


def regimes_by_field(frameworks: Iterable[Framework]) -> dict[str, list[str]]:
    """Key of a field → the regimes that ask for it."""
    asking: dict[str, list[str]] = {}
    for framework in frameworks:
        for key in [*framework.asked_of_all, *framework.asked_unless_negligible]:
            asking.setdefault(key, []).append(framework.short_name)
    return asking
