"""A model's tier: computed from answers, confirmed by others, and overridden in two persons up to a last day."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import Role
from audit.models import Entry, subject_name
from inventory import services
from inventory.models import Assessment, Model, TierOverride
from jobs.models import Job
from jobs.services import claim, enqueue
from proposals.models import Proposal
from tests.cast import give_role, load_cast
from tests.tiering import SHIPPED, answers, publish, rate, register, second_officer
from worker.schedule import add_standing_schedules

NEXT_YEAR = timezone.localdate() + timedelta(days=365)


@pytest.fixture
def model(cast):
    publish(cast)
    rate(register(cast, "Noise", owner=cast.stranger.person, unit=cast.markets), cast.officer, height=3)
    return register(cast, "Card PD", developer=cast.developer.person, by=cast.owner)


@pytest.fixture
def rated(cast, model):
    """The model, rated by its owner: tier 1."""
    rate(model, cast.owner, height=3, exposure=Decimal("1250"))
    model.refresh_from_db()
    return model


def events_on(model) -> list[str]:
    return list(Entry.objects.on_trail(subject_name(model)).order_by("id").values_list("event", flat=True))


def entry_on(model, event) -> dict:
    return Entry.objects.on_trail(subject_name(model)).filter(event=event).latest("id").data


def granted(cast, model, tier=2, until=NEXT_YEAR) -> TierOverride:
    proposal = services.propose_override(model=model, tier=tier, reason="Winding down", until=until, by=cast.owner)
    services.decide_override(proposal=proposal, accept=True, reason="Agreed", by=cast.officer)
    model.refresh_from_db()
    return model.overrides.get(proposal=proposal)


# ---- rating -----------------------------------------------------------------------------------------------
def test_an_owner_rates_a_model_and_its_tier_with_all_inputs_is_on_record(cast, model):
    assessment = rate(model, cast.owner, height=3, exposure=Decimal("1250.50"))

    model.refresh_from_db()
    standing = model.standing
    standing.refresh_from_db()
    assert (model.tier, assessment.tier, assessment.state) == (1, 1, "provisional")
    assert assessment.answers["purpose"] == {"level": "statutory", "rationale": "Because of purpose"}
    assert assessment.scores["inherent"] == 4
    assert (standing.computed_tier, standing.inherent_risk, standing.residual_risk) == (1, "high", "moderate")
    assert (standing.exposure, standing.rating_state) == (Decimal("1250.50"), "provisional")
    assert standing.review_reason == "Tier 1: every 12 months"
    assert entry_on(model, "inventory.model_rated")["tier"] == 1
    assert Entry.objects.get(event="inventory.model_rated", subject=subject_name(assessment)).account == "olivia"


def test_a_model_that_is_rated_anew_keeps_what_was_answered_before(cast, rated):
    rate(rated, cast.developer, height=0)

    rated.refresh_from_db()
    assert rated.tier == 4
    assert list(rated.assessments.values_list("tier", "superseded_by__accounts__username").order_by("id")) == [
        (1, "dan"),
        (4, None),
    ]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"purpose": None}, "purpose", "choose a level"),
        ({"purpose": {"level": "fun", "rationale": "x"}}, "purpose", "One of information"),
        ({"purpose": {"level": "business", "rationale": " "}}, "purpose", "Say why"),
        ({"colour": {"level": "red", "rationale": "x"}}, "colour", "no factor"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_its_factor(cast, model, change, field, words):
    given = {name: answer for name, answer in (answers() | change).items() if answer}

    with pytest.raises(InvalidInput) as refused:
        services.rate_model(model=model, answers=given, by=cast.owner)

    assert words in refused.value.problems[field]
    assert not model.assessments.exists()


def test_without_a_scheme_nothing_is_rated(cast):
    model = register(cast, "Card PD")

    with pytest.raises(NotNow, match="No tiering scheme is in force"):
        rate(model, cast.owner)


@pytest.mark.parametrize("who", ["validator", "member", "auditor", "stranger", "administrator", "pipeline"])
def test_others_rate_nothing(cast, model, who):
    with pytest.raises(NotPermitted):
        rate(model, getattr(cast, who))


def test_a_retired_model_is_rated_no_more(cast, rated):
    services.move_stage(model=rated, stage="retired", reason="Replaced", by=cast.officer)

    with pytest.raises(NotNow, match="is retired"):
        rate(rated, cast.owner)


def test_editing_a_model_cannot_set_its_tier(cast, rated):
    with pytest.raises(InvalidInput, match="tier"):
        services.edit_model(
            model=rated, changes={"tier": 4}, expected_digest=services.digest_of(rated), by=cast.officer
        )


def test_the_database_takes_no_tier_that_no_rating_gives(cast, rated):
    with pytest.raises(IntegrityError, match="neither a rating nor an override gives"):
        Model.objects.filter(pk=rated.pk).update(tier=3)


@pytest.mark.outside_portal
def test_twin_without_the_guard_raw_sql_sets_any_tier(cast, rated, superuser):
    superuser.execute("alter table inventory_model disable trigger hold_tier")

    Model.objects.filter(pk=rated.pk).update(tier=3)

    assert Model.objects.get(pk=rated.pk).tier == 3


@pytest.mark.parametrize("change", [{"tier": 4}, {"answers": {}}, {"exposure": 1}, {"scores": {}}])
def test_the_database_changes_nothing_of_what_was_answered(cast, rated, change):
    with pytest.raises(IntegrityError, match="never change"):
        Assessment.objects.filter(model=rated).update(**change)


# ---- judging ----------------------------------------------------------------------------------------------
def test_a_validator_confirms_a_rating_and_challenges_it_later(cast, rated):
    assessment = rated.assessments.get()

    services.confirm_rating(assessment=assessment, reason="Answers hold", by=cast.validator)
    services.challenge_rating(assessment=assessment, reason="Exposure doubled", by=cast.validator)

    assessment.refresh_from_db()
    assert (assessment.state, assessment.judgement, assessment.judged_by) == (
        "challenged",
        "Exposure doubled",
        cast.validator.person,
    )
    assert events_on(rated)[-2:] == ["inventory.rating_confirmed", "inventory.rating_challenged"]


@pytest.mark.parametrize("who", ["owner", "developer", "auditor", "stranger"])
def test_nobody_judges_a_rating_of_their_own_or_without_the_role(cast, rated, who):
    with pytest.raises(NotPermitted):
        services.confirm_rating(assessment=rated.assessments.get(), reason="Fine", by=getattr(cast, who))


def test_who_rated_a_model_does_not_confirm_it_in_another_role(cast, rated):
    rate(rated, cast.officer, height=2)

    with pytest.raises(NotPermitted, match="You rated this model"):
        services.confirm_rating(assessment=rated.assessments.current().get(), reason="Fine", by=cast.officer)


def test_an_owner_who_is_validator_too_does_not_confirm(cast, rated):
    give_role(cast.owner.person, Role.VALIDATOR, cast.retail)

    with pytest.raises(NotPermitted, match="You rated this model"):
        services.confirm_rating(assessment=rated.assessments.get(), reason="Fine", by=load_cast().owner)


def test_a_rating_that_was_superseded_is_judged_no_more(cast, rated):
    first = rated.assessments.get()
    rate(rated, cast.owner, height=2)

    with pytest.raises(NotNow, match="rated anew since"):
        services.confirm_rating(assessment=first, reason="Fine", by=cast.validator)


# ---- overriding -------------------------------------------------------------------------------------------
def test_a_second_person_grants_an_override_and_both_values_stay(cast, rated):
    override = granted(cast, rated, tier=2)

    assert (rated.tier, rated.standing.computed_tier, override.computed_tier) == (2, 1, 1)
    assert entry_on(rated, "inventory.override_granted")["until"] == NEXT_YEAR.isoformat()
    assert override.proposal.applied_at


@pytest.mark.parametrize("who", ["owner", "developer", "auditor", "stranger", "validator"])
def test_nobody_else_decides_an_override(cast, rated, who):
    proposal = services.propose_override(model=rated, tier=2, reason="x", until=NEXT_YEAR, by=cast.developer)

    with pytest.raises(NotPermitted):
        services.decide_override(proposal=proposal, accept=True, reason="x", by=getattr(cast, who))


@pytest.mark.parametrize("part", ["asked", "rated", "owns", "versions"])
def test_an_officer_in_conflict_does_not_decide(cast, model, part):
    rate(model, cast.officer if part == "rated" else cast.owner, height=3)
    if part == "owns":
        digest = services.digest_of(model)
        changes = {"owner": cast.officer.person}
        services.edit_model(model=model, changes=changes, expected_digest=digest, by=cast.owner)
    if part == "versions":
        services.register_version(model=model, label="1", mlflow_uri="models:/x/1", by=cast.officer)
    by = cast.officer if part == "asked" else cast.developer
    proposal = services.propose_override(model=model, tier=2, reason="x", until=NEXT_YEAR, by=by)

    with pytest.raises(NotPermitted, match="another person decides"):
        services.decide_override(proposal=proposal, accept=True, reason="x", by=cast.officer)
    assert services.decide_override(proposal=proposal, accept=True, reason="x", by=second_officer()).applied_at


def test_a_model_that_was_rated_anew_meanwhile_overtakes_the_proposal(cast, rated):
    proposal = services.propose_override(model=rated, tier=2, reason="x", until=NEXT_YEAR, by=cast.owner)
    rate(rated, cast.owner, height=3)

    proposal = services.decide_override(proposal=proposal, accept=True, reason="x", by=cast.officer)

    assert proposal.state == Proposal.State.OVERTAKEN
    assert not rated.overrides.exists()


def test_an_override_holds_over_a_rating_that_gives_the_same_tier_and_ends_with_one_that_moves(cast, rated):
    override = granted(cast, rated, tier=2)
    rate(rated, cast.owner, height=3, misuse="known")
    rated.refresh_from_db()
    kept = rated.tier

    rate(rated, cast.owner, height=0)

    rated.refresh_from_db()
    override.refresh_from_db()
    assert (kept, rated.tier, override.end) == (2, 4, "rated anew")


def test_an_override_that_expired_falls_back_by_the_schedule_and_says_so(cast, rated, superuser):
    override = granted(cast, rated, tier=2)
    superuser.execute("alter table inventory_tieroverride disable trigger user")
    superuser.execute("update inventory_tieroverride set until = current_date - 1 where id = %s", [override.pk])
    superuser.execute("alter table inventory_tieroverride enable always trigger hold_columns")

    ended = services.end_overrides(job=job_of(services.END_OVERRIDES))

    rated.refresh_from_db()
    override.refresh_from_db()
    assert (ended, rated.tier, override.end, override.ended_by) == (1, 1, "expired", None)
    said = Entry.objects.on_trail(subject_name(rated)).get(event="inventory.override_ended")
    assert (said.actor, said.data["computed"], said.data["tier"]) == ("", 1, 2)


def test_an_override_whose_last_day_is_not_over_stays(cast, rated):
    granted(cast, rated, tier=2)

    assert services.end_overrides(job=job_of(services.END_OVERRIDES)) == 0
    assert Model.objects.get(pk=rated.pk).tier == 2


def job_of(task: str) -> Job:
    return claim(job_id=enqueue(task=task, arguments={}, queue=Job.Queue.DEFAULT, by=None).pk)


def test_the_schedule_that_ends_overrides_is_added_once(cast):
    add_standing_schedules()
    add_standing_schedules()

    with connection.cursor() as cursor:
        cursor.execute("select count(*) from jobs_schedule where task = %s", [services.END_OVERRIDES])
        assert cursor.fetchone() == (1,)


def test_an_override_is_taken_back_with_a_reason(cast, rated):
    override = granted(cast, rated, tier=3)

    services.take_back_override(override=override, reason="Volume is back", by=cast.owner)

    rated.refresh_from_db()
    assert rated.tier == 1
    assert entry_on(rated, "inventory.override_ended")["reason"] == "Volume is back"


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [({"tier": 1}, InvalidInput), ({"until": timezone.localdate()}, InvalidInput), ({"reason": " "}, InvalidInput)],
)
def test_an_override_that_says_nothing_or_ends_at_once_is_refused(cast, rated, changed, refusal):
    asked = {"model": rated, "tier": 2, "reason": "x", "until": NEXT_YEAR, "by": cast.owner} | changed

    with pytest.raises(refusal):
        services.propose_override(**asked)


def test_the_database_takes_no_override_that_nobody_accepted(cast, rated):
    proposal = services.propose_override(model=rated, tier=2, reason="x", until=NEXT_YEAR, by=cast.owner)

    with pytest.raises(IntegrityError, match="no accepted proposal says"):
        overridden_past_the_services(cast, rated, proposal)


@pytest.mark.outside_portal
def test_twin_without_the_guard_an_override_needs_nobody(cast, rated, superuser):
    proposal = services.propose_override(model=rated, tier=2, reason="x", until=NEXT_YEAR, by=cast.owner)
    superuser.execute("alter table inventory_tieroverride disable trigger hold_override")

    assert overridden_past_the_services(cast, rated, proposal).pk


def overridden_past_the_services(cast, model, proposal) -> TierOverride:
    return TierOverride.objects.create(
        model=model,
        assessment=model.assessments.current().get(),
        proposal=proposal,
        computed_tier=1,
        tier=2,
        reason="x",
        until=NEXT_YEAR,
        granted_by=cast.officer.person,
    )


def test_a_tier_that_the_scheme_does_not_have_is_not_asked_for(cast, rated):
    assert len(SHIPPED["tiers"]) == 4

    with pytest.raises(InvalidInput, match="no tier 7"):
        services.propose_override(model=rated, tier=7, reason="x", until=NEXT_YEAR, by=cast.owner)
