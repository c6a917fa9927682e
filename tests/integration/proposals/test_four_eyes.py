"""Nobody decides what they asked for or what is about themselves, whatever way they come."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account, RoleAssignment
from accounts.permissions import may
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import SCOPES, Permission, Role
from audit.models import Entry
from proposals import services
from proposals.models import Proposal
from tests.cast import PASSWORD, end_role, hire

OPEN_ONE = "update proposals_proposal set {} where state = 'open'"


@pytest.fixture
def proposal(cast) -> Proposal:
    """Ada proposes that Dan become an owner."""
    return services.propose_role(
        person=cast.developer.person, role=Role.OWNER, unit=cast.retail, reason="He owns it now", by=cast.administrator
    )


def decide(proposal, by, *, accept=True, reason="Checked with HR"):
    return services.decide_role(proposal=proposal, accept=accept, reason=reason, by=by)


def roles_of(account) -> set[str]:
    return set(RoleAssignment.objects.in_force().filter(person=account.person).values_list("role", flat=True))


def events_of(proposal) -> list[str]:
    entries = Entry.objects.filter(subject=f"proposals.proposal:{proposal.pk}").order_by("id")
    return list(entries.values_list("event", flat=True))


def test_a_second_administrator_accepts_and_the_role_is_in_force(cast, proposal):
    decided = decide(proposal, cast.second_administrator)

    granted = RoleAssignment.objects.in_force().get(person=cast.developer.person, role=Role.OWNER)
    assert (decided.state, decided.decided_by) == (Proposal.State.ACCEPTED, cast.second_administrator.person)
    assert granted.granted_by == cast.second_administrator.person
    assert decided.applied_at is not None
    assert events_of(proposal) == ["proposals.proposed", "proposals.accepted", "proposals.applied"]
    trail = Entry.objects.on_trail(f"accounts.person:{cast.developer.person_id}").newest_first()
    assert [entry.event for entry in trail[:2]] == ["proposals.applied", "accounts.role_granted"]


def test_a_declined_proposal_gives_no_role(cast, proposal):
    decide(proposal, cast.second_administrator, accept=False, reason="Not yet")

    assert roles_of(cast.developer) == {Role.DEVELOPER}
    assert events_of(proposal) == ["proposals.proposed", "proposals.declined"]


def test_who_asked_does_not_decide(cast, proposal):
    with pytest.raises(NotPermitted, match="another person decides"):
        decide(proposal, cast.administrator)

    assert roles_of(cast.developer) == {Role.DEVELOPER}


def test_who_asked_does_not_decide_by_a_second_account(cast, proposal):
    second = accounts.add_account(
        person=cast.administrator.person, username="ada2", password=PASSWORD, kind="human", by=None
    )

    with pytest.raises(NotPermitted, match="another person decides"):
        decide(proposal, second)


def test_who_asked_does_not_decide_on_the_page(cast, proposal):
    client = Client()
    client.post(reverse("sign-in"), {"username": "ada", "password": PASSWORD})

    answer = client.post(reverse("decide-proposal", args=[proposal.pk]), {"decision": "accept", "reason": "I say so"})

    assert answer.status_code == 403
    assert Proposal.objects.get(pk=proposal.pk).state == Proposal.State.OPEN
    assert roles_of(cast.developer) == {Role.DEVELOPER}


def test_nobody_decides_on_a_role_of_their_own(cast):
    for_bert = services.propose_role(
        person=cast.second_administrator.person, role=Role.OFFICER, unit=None, reason="Cover", by=cast.administrator
    )

    with pytest.raises(NotPermitted, match="about you"):
        decide(for_bert, cast.second_administrator)


def test_a_role_given_up_and_taken_back_does_not_help(cast, proposal):
    third = hire(Role.ADMINISTRATOR, cast.retail.parent, "Cleo Administrator", bank_wide=True)
    end_role(cast.administrator.person.roles.get(), reason="For a moment")
    again = services.propose_role(
        person=cast.administrator.person,
        role=Role.ADMINISTRATOR,
        unit=None,
        reason="It was for a moment",
        by=cast.second_administrator,
    )
    decide(again, third)

    with pytest.raises(NotPermitted, match="another person decides"):
        decide(proposal, Account.objects.get(pk=cast.administrator.pk))


@pytest.mark.parametrize("who", ["owner", "officer", "auditor", "stranger"])
def test_only_an_administrator_proposes_or_decides_roles(cast, proposal, who):
    account = getattr(cast, who)

    with pytest.raises(NotPermitted):
        decide(proposal, account)
    with pytest.raises(NotPermitted):
        services.propose_role(person=account.person, role=Role.OFFICER, unit=None, reason="Please", by=account)


def test_a_token_neither_asks_nor_decides_even_an_administrators(cast, proposal):
    token, _ = accounts.make_token(
        account=cast.second_administrator,
        name="t",
        scopes=list(SCOPES),
        unit=cast.retail.parent,
        expires_at=timezone.now() + timedelta(days=1),
        by=cast.second_administrator,
    )
    cast.second_administrator.token = token

    assert not may(cast.second_administrator, Permission.MANAGE_PEOPLE)
    with pytest.raises(NotPermitted, match="Your roles do not permit"):
        decide(proposal, cast.second_administrator)
    with pytest.raises(NotPermitted, match="a person signs in"):
        services.decide(proposal=proposal, kind="role", accept=True, reason="x", by=cast.second_administrator)


def test_a_service_account_neither_asks_nor_decides(cast, proposal):
    with pytest.raises(NotPermitted, match="a person signs in"):
        services.decide(proposal=proposal, kind="role", accept=True, reason="x", by=cast.pipeline)


def test_a_disabled_administrator_decides_nothing_in_the_middle_of_a_session(cast, proposal):
    client = Client()
    client.post(reverse("sign-in"), {"username": "bert", "password": PASSWORD})
    hire(Role.ADMINISTRATOR, cast.retail.parent, "Cleo Administrator", bank_wide=True)
    accounts.disable_person(person=cast.second_administrator.person, reason="Left", by=cast.administrator)

    answer = client.post(reverse("decide-proposal", args=[proposal.pk]), {"decision": "accept", "reason": "Last act"})

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("sign-in"))
    assert Proposal.objects.get(pk=proposal.pk).state == Proposal.State.OPEN
    with pytest.raises(NotPermitted):
        decide(proposal, Account.objects.get(pk=cast.second_administrator.pk))


def test_raw_sql_of_the_portals_role_cannot_decide_for_who_asked(cast, proposal, superuser):
    with pytest.raises(IntegrityError, match="is in conflict"), transaction.atomic():
        run(OPEN_ONE.format("state = 'accepted', decided_at = now(), decided_by_id = asked_by_id"))

    superuser.execute("alter table proposals_proposal disable trigger hold_the_decision")
    with pytest.raises(IntegrityError, match="proposal_decided_by_another_person"), transaction.atomic():
        run(OPEN_ONE.format("state = 'accepted', decided_at = now(), decided_by_id = asked_by_id"))


@pytest.mark.outside_portal
def test_twin_without_constraint_and_trigger_raw_sql_decides_for_who_asked(cast, proposal, superuser):
    superuser.execute("alter table proposals_proposal drop constraint proposal_decided_by_another_person")
    superuser.execute("alter table proposals_proposal disable trigger hold_the_decision")

    run(OPEN_ONE.format("state = 'accepted', decided_at = now(), decided_by_id = asked_by_id"))

    assert Proposal.objects.get(pk=proposal.pk).decided_by == cast.administrator.person


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update proposals_proposal set asked_by_id = asked_by_id + 1", "never changes"),
        ("update proposals_proposal set change = '{}'", "never changes"),
        ("update proposals_proposal set subject_digest = ''", "never changes"),
        ("update proposals_proposal set trail = ''", "never changes"),
        ("update proposals_proposal set expires_on = '2999-12-31'", "never changes"),
        (OPEN_ONE.format("applied_at = now()"), "applied_proposal_was_accepted"),
        (OPEN_ONE.format("state = 'expired'"), "expired_proposal_had_a_last_day"),
        ("update proposals_conflict set person_id = person_id + 1", "never changes"),
        ("update proposals_conflict set why = 'owns'", "never changes"),
        (OPEN_ONE.format("state = 'accepted'"), "proposal_decision_has_who_and_when"),
    ],
)
def test_raw_sql_cannot_change_what_was_asked_or_accept_for_nobody(cast, proposal, statement, words):
    with pytest.raises(IntegrityError, match=words), transaction.atomic():
        run(statement)


@pytest.mark.outside_portal
def test_a_decision_by_raw_sql_for_another_person_is_told_as_outside_the_portal(cast, proposal):
    by_bert = f"decided_by_id = {cast.second_administrator.person_id}"
    run(OPEN_ONE.format(f"state = 'accepted', decided_at = now(), {by_bert}"))

    assert events_of(proposal) == ["proposals.proposed"]
    entry = Entry.objects.newest_first().first()
    assert (entry.event, entry.through) == ("audit.outside_portal", "outside")
    assert roles_of(cast.developer) == {Role.DEVELOPER}


def test_a_proposal_about_a_person_who_changed_since_is_overtaken(cast, proposal):
    accounts.disable_person(person=cast.developer.person, reason="Left", by=cast.administrator)

    decided = decide(proposal, cast.second_administrator)

    assert decided.state == Proposal.State.OVERTAKEN
    assert events_of(proposal) == ["proposals.proposed", "proposals.overtaken"]
    assert roles_of(cast.developer) == {Role.DEVELOPER}


def test_a_proposal_is_decided_once(cast, proposal):
    decide(proposal, cast.second_administrator)

    with pytest.raises(NotNow, match="is accepted"):
        decide(proposal, cast.second_administrator, accept=False)
    with pytest.raises(NotNow, match="is accepted"):
        services.withdraw(proposal=proposal, reason="Too late", by=cast.administrator)


def test_who_asked_withdraws_and_nobody_else_does(cast, proposal):
    with pytest.raises(NotPermitted, match="Only who asked"):
        services.withdraw(proposal=proposal, reason="x", by=cast.second_administrator)

    services.withdraw(proposal=proposal, reason="A mistake", by=cast.administrator)

    assert events_of(proposal) == ["proposals.proposed", "proposals.withdrawn"]
    with pytest.raises(NotNow, match="is withdrawn"):
        decide(proposal, cast.second_administrator)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_asking_and_deciding_need_a_reason(cast, proposal, reason):
    with pytest.raises(InvalidInput, match="Say why"):
        decide(proposal, cast.second_administrator, reason=reason)
    with pytest.raises(InvalidInput, match="Say why"):
        services.propose_role(
            person=cast.developer.person, role=Role.OWNER, unit=None, reason=reason, by=cast.administrator
        )


def test_the_role_of_a_service_account_cannot_be_proposed(cast):
    with pytest.raises(InvalidInput, match="by itself"):
        services.propose_role(
            person=cast.developer.person, role=Role.SERVICE, unit=None, reason="x", by=cast.administrator
        )


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
