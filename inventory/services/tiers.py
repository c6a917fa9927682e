"""Verbs on a model's tier: rate it, judge the rating, override it in two persons, and let an override end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Person
from accounts.policies import check_reason
from accounts.refusals import InvalidInput, NotNow
from audit.reading import key_of
from audit.services import record
from inventory import events, permissions, policies
from inventory.measures.rating import Rating, levels_given, rate
from inventory.measures.scheme import Scheme, read_scheme
from inventory.models import Assessment, Model, TieringScheme, TierOverride
from inventory.services.reviews import move_review
from inventory.services.standing import set_standing
from jobs.models import Job
from jobs.services import effects_of, finish
from proposals.models import Conflict, Proposal
from proposals.services import decide, mark_applied, propose

OVERRIDE_TIER = "tier override"
END_OVERRIDES = "inventory.end_overrides"
LONGEST_RATIONALE = 2_000


@transaction.atomic
def rate_model(
    *, model: Model, answers: Mapping[str, Mapping[str, str]], exposure: Decimal | None = None, by: Account
) -> Assessment:
    """Answer the factors of the scheme in force; the tier follows from the answers, and is in force at once.

    answers   factor → {"level": …, "rationale": …}; those about controls may be left out
    exposure  in millions of the bank's currency, where it is known
    An override stays in force where the computed tier did not move, and ends where it did.
    Raises InvalidInput with a sentence for each factor at fault, NotNow where no scheme is in force.
    """
    scheme_row = TieringScheme.objects.in_force().select_for_update().first()
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    permissions.check_can_rate(by, model)
    policies.check_not_retired(model)
    if scheme_row is None:
        raise NotNow("No tiering scheme is in force; two model risk officers publish one first.")
    scheme = read_scheme(scheme_row.content)
    given = checked_answers(scheme, answers, exposure)
    rating = rate(scheme, {factor: answer["level"] for factor, answer in given.items()})
    before = _supersede(model, by)
    assessment = unsaved_assessment(
        model=model, scheme=scheme_row, rating=rating, answers=given, exposure=exposure, rated_by=by.person
    )
    assessment.save()
    override = model.overrides.in_force().first()
    if override and before.tier != assessment.tier:
        _end_override(override, TierOverride.End.RATED_ANEW, "The model was rated anew", by)
    _put_in_force(model, assessment)
    record(
        events.MODEL_RATED,
        subject=assessment,
        trails=[model],
        rows=[model, before] if before else [model],
        by=by,
        data={
            "tier": assessment.tier,
            "scheme": scheme_row.number,
            "inherent": assessment.bands["inherent"],
            "materiality": assessment.bands["materiality"],
            "residual": assessment.residual or "not rated",
        },
    )
    return assessment


def checked_answers(scheme: Scheme, answers: Mapping, exposure: Decimal | None = None) -> dict[str, dict[str, str]]:
    """The answers, stripped. Raises InvalidInput with a sentence for each factor at fault."""
    given = {
        name: {part: str(answer.get(part, "")).strip() for part in ("level", "rationale")}
        for name, answer in answers.items()
        if str(answer.get("level", "")).strip()
    }
    levels = {name: answer["level"] for name, answer in given.items()}
    known = {factor.name: factor for factor in scheme.factors}
    problems = {name: f"The scheme has no factor {name!r}." for name in given if name not in known}
    for name in given.keys() & known.keys() - levels_given(scheme, levels).keys():
        problems[name] = f"One of {', '.join(level.name for level in known[name].levels)} is wanted."
    for factor in rate(scheme, levels).missing:
        problems.setdefault(factor.name, f"{factor.label}: choose a level; the tier depends on it.")
    for name, answer in given.items():
        if not 0 < len(answer["rationale"]) <= LONGEST_RATIONALE:
            problems.setdefault(name, f"Say why this level, in at most {LONGEST_RATIONALE:,} characters.")
    if exposure is not None and not 0 <= exposure < 10**12:
        problems["amount"] = f"An amount in millions, not below 0, is wanted; got {exposure}."
    if problems:
        raise InvalidInput(problems)
    return given


def unsaved_assessment(
    *,
    model: Model,
    scheme: TieringScheme,
    rating: Rating,
    answers: dict,
    exposure: Decimal | None,
    rated_by: Person,
    answered_at: datetime | None = None,
    answered_by: Person | None = None,
) -> Assessment:
    """What a rating is on record as. Without who answered and when, it is who rates, now."""
    return Assessment(
        model=model,
        scheme=scheme,
        answers=answers,
        exposure=exposure,
        tier=rating.tier,
        bands=dict(rating.bands),
        scores={name: round(float(score), 4) for name, score in (rating.parts | rating.scores).items()},
        residual=rating.residual or "",
        answered_at=answered_at or timezone.now(),
        answered_by=answered_by or rated_by,
        rated_by=rated_by,
    )


def _supersede(model: Model, by: Account) -> Assessment | None:
    before = model.assessments.current().first()
    if before:
        before.superseded_at, before.superseded_by = timezone.now(), by.person
        before.save(update_fields=["superseded_at", "superseded_by"])
    return before


def _put_in_force(model: Model, assessment: Assessment) -> None:
    """Let the model's record, and its row for lists, say the tier in force."""
    override = model.overrides.in_force().first()
    model.tier = override.tier if override else assessment.tier
    model.save(update_fields=["tier"])
    set_standing(model=model, part="tiering", **standing_of(assessment))
    move_review(model=model)


def standing_of(assessment: Assessment) -> dict:
    return {
        "computed_tier": assessment.tier,
        "inherent_risk": assessment.bands.get("inherent", ""),
        "residual_risk": assessment.residual,
        "rating_state": assessment.state,
        "exposure": assessment.exposure,
    }


# ---- what a second person says of it ------------------------------------------------------------------------
@transaction.atomic
def confirm_rating(*, assessment: Assessment, reason: str, by: Account) -> Assessment:
    """Say that a rating holds, by somebody who neither built the model nor rated it."""
    assessment = _judge(assessment, Assessment.State.CONFIRMED, reason, by)
    data = {"tier": assessment.tier, "reason": reason}
    record(events.RATING_CONFIRMED, subject=assessment, trails=[assessment.model], by=by, data=data)
    return assessment


@transaction.atomic
def challenge_rating(*, assessment: Assessment, reason: str, by: Account) -> Assessment:
    """Say what is wrong with a rating; the tier holds until the model is rated anew."""
    assessment = _judge(assessment, Assessment.State.CHALLENGED, reason, by)
    data = {"tier": assessment.tier, "reason": reason}
    record(events.RATING_CHALLENGED, subject=assessment, trails=[assessment.model], by=by, data=data)
    return assessment


def _judge(assessment: Assessment, state: Assessment.State, reason: str, by: Account) -> Assessment:
    model = Model.objects.select_for_update(of=("self",)).get(pk=assessment.model_id)
    assessment = Assessment.objects.select_for_update(of=("self",)).select_related("model__unit").get(pk=assessment.pk)
    permissions.check_can_judge_rating(by, assessment)
    policies.check_not_retired(model)
    policies.check_judgement(assessment, state)
    check_reason(reason)
    assessment.state, assessment.judgement = state, reason
    assessment.judged_at, assessment.judged_by = timezone.now(), by.person
    assessment.save(update_fields=["state", "judgement", "judged_at", "judged_by"])
    set_standing(model=model, part="tiering", rating_state=state)
    return assessment


# ---- another tier than the computed one -----------------------------------------------------------------------
@transaction.atomic
def propose_override(*, model: Model, tier: int, reason: str, until: date, by: Account) -> Proposal:
    """Ask for another tier than the computed one, up to a last day; a second person without conflict decides.

    It is bound to the rating as it stands: rated anew or judged meanwhile, it is overtaken.
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit", "owner", "developer").get(pk=model.pk)
    permissions.check_can_rate(by, model)
    policies.check_not_retired(model)
    assessment = model.assessments.current().select_related("scheme", "answered_by", "rated_by").first()
    if assessment is None:
        raise NotNow(f"{model.ref} was not rated yet; there is no tier to override.")
    policies.check_override(assessment, tier)
    if read_scheme(assessment.scheme.content).policy(tier) is None:
        raise InvalidInput({"tier": f"The scheme has no tier {tier}."})
    if until <= timezone.localdate():
        raise InvalidInput({"until": f"The last day must be ahead, got {until:%d %b %Y}."})
    return propose(
        kind=OVERRIDE_TIER,
        subject=assessment,
        trail=model,
        change={"tier": tier, "computed": assessment.tier, "until": until.isoformat()},
        what=f"Tier {tier} instead of {assessment.tier} until {until:%d %b %Y}",
        reason=reason,
        conflicts=_conflicts(model, assessment),
        expires_on=until,
        by=by,
    )


def _conflicts(model: Model, assessment: Assessment) -> list[tuple[Person | None, Conflict.Why]]:
    builders = [model.developer, model.registered_by, assessment.answered_by, assessment.rated_by]
    builders += Person.objects.filter(pk__in=model.versions.values("registered_by"))
    by_key = {person.pk: person for person in builders if person}
    return [(model.owner, Conflict.Why.OWNS), *((person, Conflict.Why.BUILT) for person in by_key.values())]


@transaction.atomic
def decide_override(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Decide on an override; an accepted one is in force when the transaction commits."""
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=key_of(proposal.trail))
    permissions.check_can_decide_tier(by, model)
    policies.check_not_retired(model)
    proposal = decide(proposal=proposal, kind=OVERRIDE_TIER, accept=accept, reason=reason, by=by)
    if proposal.state == Proposal.State.ACCEPTED:
        grant_override(proposal=proposal, by=by)
        mark_applied(proposal=proposal, by=by)
    return proposal


@transaction.atomic
def grant_override(*, proposal: Proposal, by: Account) -> TierOverride:
    """Put the override of an accepted proposal in force."""
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=key_of(proposal.trail))
    permissions.check_can_decide_tier(by, model)
    assessment = Assessment.objects.select_related("model", "scheme").get(pk=key_of(proposal.subject))
    policies.check_override(assessment, proposal.change["tier"])
    override = TierOverride.objects.create(
        model=model,
        assessment=assessment,
        proposal=proposal,
        computed_tier=assessment.tier,
        tier=proposal.change["tier"],
        reason=proposal.reason,
        until=date.fromisoformat(proposal.change["until"]),
        granted_by=by.person,
    )
    _put_in_force(model, assessment)
    record(
        events.OVERRIDE_GRANTED,
        subject=override,
        trails=[model],
        rows=[model],
        by=by,
        data={
            "tier": override.tier,
            "computed": override.computed_tier,
            "until": override.until,
            "reason": override.reason,
        },
    )
    return override


@transaction.atomic
def take_back_override(*, override: TierOverride, reason: str, by: Account) -> None:
    """End an override before its last day: the computed tier holds again."""
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=override.model_id)
    permissions.check_can_rate(by, model)
    policies.check_not_retired(model)
    check_reason(reason)
    override = model.overrides.in_force().filter(pk=override.pk).first()
    if override is None:
        raise NotNow("This override has ended already.")
    _end_override(override, TierOverride.End.TAKEN_BACK, reason, by)
    assessment = model.assessments.current().get()
    _put_in_force(model, assessment)


def _end_override(override: TierOverride, end: TierOverride.End, reason: str, by: Account | None) -> None:
    override.end, override.ended_at, override.ended_by = end, timezone.now(), by.person if by else None
    override.save(update_fields=["end", "ended_at", "ended_by"])
    record(
        events.OVERRIDE_ENDED,
        subject=override,
        trails=[override.model],
        rows=[override.model],
        by=by,
        data={
            "end": end.label,
            "tier": override.tier,
            "computed": override.computed_tier,
            "reason": reason,
        },
    )


def end_overrides(*, job: Job) -> int:
    """Let what is past its last day fall back to the computed tier; return how many. Retired records stay."""
    with effects_of(job):
        overdue = TierOverride.objects.overdue().exclude(model__stage=Model.Stage.RETIRED).values("model")
        models = list(Model.objects.select_for_update(of=("self",)).filter(pk__in=overdue).order_by("pk"))
        for model in models:
            override = model.overrides.in_force().get()
            _end_override(override, TierOverride.End.EXPIRED, f"Its last day was {override.until:%d %b %Y}", None)
            assessment = model.assessments.current().get()
            _put_in_force(model, assessment)
        finish(job=job, message=f"{len(models)} ended")
    return len(models)
