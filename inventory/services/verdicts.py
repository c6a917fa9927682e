"""Decide whether a model falls under a regime."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from accounts.models import Account
from accounts.policies import check_reason
from accounts.refusals import InvalidInput
from audit.services import record
from inventory import events, permissions, policies
from inventory.models import Framework, Model, Verdict
from inventory.models.verdict import CRITERIA

# What takes duties off a model is not for its own people to say.
EASING = (Verdict.Scope.IN_PART, Verdict.Scope.OUT, Verdict.Scope.NOT_A_MODEL)


@transaction.atomic
def give_verdict(
    *,
    model: Model,
    framework: Framework,
    scope: str,
    rationale: str,
    decided_on: date | None = None,
    answers: dict | None = None,
    criteria: dict[str, bool | None] | None = None,
    by: Account,
) -> Verdict:
    """Say whether a model falls under a regime; the verdicts before it stay.

    answers   to the regime's own questions, by their keys
    criteria  of inventory.models.verdict.CRITERIA; each is answered where it is no model at all
    Raises NotPermitted where the model's own people would take duties off it.
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    scope, criteria = Verdict.Scope(scope), dict.fromkeys(CRITERIA) | (criteria or {})
    permissions.check_can_edit(by, model)
    if scope in EASING:
        permissions.check_can_judge(by, model, f"whether it is {scope.label.lower()} under {framework}")
    policies.check_not_retired(model)
    check_reason(rationale)
    decided_on = decided_on or policies.today()
    policies.check_not_ahead("decided_on", decided_on)
    _check_criteria(scope, criteria)
    verdict = Verdict.objects.create(
        model=model,
        framework=framework,
        scope=scope,
        rationale=rationale,
        answers=_known_answers(framework, answers or {}),
        decided_on=decided_on,
        decided_by=by.person,
        **criteria,
    )
    record(
        events.VERDICT_GIVEN,
        subject=verdict,
        trails=[model],
        by=by,
        data={
            "regime": f"{framework} version {framework.version}",
            "scope": scope.label,
            "day": f"{decided_on:%d %b %Y}",
            "rationale": rationale,
        },
    )
    return verdict


def _check_criteria(scope: Verdict.Scope, criteria: dict[str, bool | None]) -> None:
    if scope != Verdict.Scope.NOT_A_MODEL:
        return
    if open_ones := [name for name, answer in criteria.items() if answer is None]:
        raise InvalidInput(dict.fromkeys(open_ones, "Answer it: what is no model has all three criteria answered."))
    if all(criteria.values()):
        raise InvalidInput({"scope": "All three criteria are met, so it is a model; one of them must not be."})


def _known_answers(framework: Framework, answers: dict) -> dict:
    known = {question["key"] for question in framework.scope_questions}
    if unknown := sorted(set(answers) - known):
        raise InvalidInput({f"answers/{key}": f"{framework} asks no such question." for key in unknown})
    return {key: words for key, words in answers.items() if words not in ("", None)}
