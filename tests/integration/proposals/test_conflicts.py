"""Who may not decide a proposal is noted when it is asked; service and database refuse a decision by any of them."""

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError
from django.utils import timezone

from accounts.refusals import NotNow, NotPermitted
from accounts.roles import Role
from audit.models import RowHistory
from proposals import services
from proposals.models import Conflict, Proposal
from tests.integration.proposals.conftest import decide


def conflicts_of(proposal) -> set[tuple[str, str]]:
    return set(proposal.conflicts.values_list("person__hr_number", "why"))


def decide_in_sql(proposal, person, state: str = "accepted") -> None:
    """As whoever holds the portal's database role could."""
    Proposal.objects.filter(pk=proposal.pk).update(state=state, decided_by=person, decided_at=timezone.now())


def test_who_asked_owns_and_built_it_are_noted_on_the_trail_of_the_proposal(cast, model, propose_tier):
    proposal = propose_tier()

    assert conflicts_of(proposal) == {
        ("HR-priya-officer", "asked"),
        ("HR-olivia-owner", "owns"),
        ("HR-dan-developer", "built"),
    }
    noted = RowHistory.objects.filter(table_name="proposals_conflict").order_by("-id")[:3]
    assert {row.trail for row in noted} == {f"inventory.model:{model.pk}"}
    assert {row.sealed_in.entries.get().event for row in noted} == {"proposals.proposed"}


def test_whom_a_role_is_about_is_noted_for_its_begin_and_its_end(cast):
    person, about = cast.developer.person, {("HR-ada-administrator", "asked"), ("HR-dan-developer", "about")}

    begin = services.propose_role(person=person, role=Role.AUDITOR, unit=None, reason="x", by=cast.administrator)
    end = services.propose_end_of_role(assignment=person.roles.get(), reason="x", by=cast.administrator)

    assert conflicts_of(begin) == conflicts_of(end) == about


@pytest.mark.parametrize(
    ("who", "sentence"),
    [("officer", "You asked for this"), ("owner", "You own what"), ("developer", "You built what")],
)
@pytest.mark.parametrize("accept", [True, False])
def test_nobody_in_conflict_decides_either_way(cast, propose_tier, who, sentence, accept):
    proposal = propose_tier()

    with pytest.raises(NotPermitted, match=f"{sentence}.*another person decides"):
        decide(proposal, getattr(cast, who), accept=accept)

    assert Proposal.objects.get(pk=proposal.pk).state == Proposal.State.OPEN


@pytest.mark.parametrize("who", ["officer", "owner", "developer"])
@pytest.mark.parametrize("state", ["accepted", "declined"])
def test_the_database_refuses_a_decision_by_a_person_in_conflict(cast, propose_tier, who, state):
    proposal = propose_tier()

    with pytest.raises(IntegrityError, match="is in conflict"):
        decide_in_sql(proposal, getattr(cast, who).person, state)


def test_the_database_refuses_to_name_a_person_in_conflict_afterwards(cast, propose_tier):
    proposal = decide(propose_tier(), cast.validator)

    with pytest.raises(IntegrityError, match="never changes"):
        Proposal.objects.filter(pk=proposal.pk).update(decided_by=cast.owner.person)


@pytest.mark.outside_portal
def test_the_database_takes_a_decision_by_a_person_without_conflict(cast, propose_tier):
    proposal = propose_tier()

    decide_in_sql(proposal, cast.validator.person)

    assert Proposal.objects.get(pk=proposal.pk).decided_by == cast.validator.person


def test_a_conflict_is_refused_under_replica_mode_all_the_same(cast, propose_tier, superuser):
    proposal = propose_tier()
    superuser.execute("set session_replication_role = replica")

    with pytest.raises(psycopg.errors.CheckViolation, match="is in conflict"):
        superuser.execute(
            "update proposals_proposal set state = 'accepted', decided_at = now(), decided_by_id = %s where id = %s",
            [cast.owner.person_id, proposal.pk],
        )


@pytest.mark.outside_portal
def test_twin_without_its_trigger_the_database_takes_a_decision_by_the_owner(cast, propose_tier, superuser):
    superuser.execute("alter table proposals_proposal disable trigger hold_the_decision")
    proposal = propose_tier()

    decide_in_sql(proposal, cast.owner.person)

    assert Proposal.objects.get(pk=proposal.pk).decided_by == cast.owner.person


@pytest.mark.outside_portal
def test_a_proposal_for_which_nobody_noted_conflicts_is_decided_by_nobody(cast, model, propose_tier):
    bare = Proposal.objects.create(
        kind="tier override", subject=f"inventory.model:{model.pk}", change={"what": "x"}, asked_by=cast.officer.person
    )

    with pytest.raises(NotNow, match="asked again"):
        decide(bare, cast.validator)
    with pytest.raises(IntegrityError, match="nobody noted"):
        decide_in_sql(bare, cast.validator.person)


def test_a_conflict_is_never_taken_away(cast, propose_tier):
    proposal = propose_tier()

    with pytest.raises(ProgrammingError, match="permission denied"):
        Conflict.objects.filter(proposal=proposal).delete()
