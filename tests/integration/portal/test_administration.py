"""People and roles: the list, a proposal, the decision by a second administrator."""

import threading
import time
from datetime import date

import pytest
from django.db import connection

from accounts.roles import Role
from audit import checkpoints
from audit.models import SealedRecord
from proposals import services as proposals
from proposals.models import Proposal
from tests.cast import hire
from tests.pages import browser_of, queries_of, text_of

PLACE = "/administration/"
PROPOSE = "/administration/roles/propose/"


@pytest.fixture
def proposal(cast):
    return proposals.propose_role(
        person=cast.stranger.person, role=Role.VALIDATOR, unit=cast.retail, reason="Joins", by=cast.administrator
    )


@pytest.fixture
def wanted(cast):
    """What the form sends."""
    return {"person": cast.stranger.person.hr_number, "role": "validator", "unit": "retail", "reason": "Joins"}


def decide(account, proposal, **sent):
    return browser_of(account).post(f"/administration/proposals/{proposal.pk}/decide/", sent)


def test_people_stand_with_their_roles_and_accounts(cast):
    page = text_of(browser_of(cast.auditor).get(PLACE))

    assert "Olivia Owner" in page
    assert 'Model owner<span class="q">, Retail credit' in page
    assert "ci-pipeline" in page
    assert "Try failed background work again" in page


def test_an_auditor_reads_and_is_offered_no_change(cast, proposal):
    page = text_of(browser_of(cast.auditor).get(PLACE))

    assert "Joins" in page
    assert "Propose a role" not in page
    assert "/decide/" not in page


def test_people_are_found_by_name_and_number(cast):
    page = browser_of(cast.administrator).get(PLACE, {"q": "olivia"})

    assert [str(person) for person in page.context["people"]] == ["Olivia Owner"]
    assert "Nobody matches" in text_of(browser_of(cast.administrator).get(PLACE, {"q": "zebra"}))


@pytest.mark.parametrize("who", ["officer", "owner", "stranger"])
def test_others_may_not_see_administration(cast, who):
    answer = browser_of(getattr(cast, who)).get(PLACE)

    assert answer.status_code == 403
    assert "see people, roles and tokens" in text_of(answer)


def test_administration_asks_to_sign_in(cast, proposal):
    assert browser_of(None).get(PLACE).status_code == 302
    assert browser_of(None).post(PROPOSE).status_code == 302
    assert decide(None, proposal, decision="accept", reason="x").status_code == 302


def test_acts_are_posts(cast, proposal):
    client = browser_of(cast.administrator)

    assert client.post(PLACE).status_code == 405
    assert client.get(PROPOSE).status_code == 405
    assert client.get(f"/administration/proposals/{proposal.pk}/decide/").status_code == 405


def test_a_proposal_waits_for_another_administrator(cast, wanted):
    answer = browser_of(cast.administrator).post(PROPOSE, wanted, follow=True)

    assert "Another administrator decides. Counted as record" in text_of(answer)
    assert Proposal.objects.open().get().asked_by == cast.administrator.person
    assert not cast.stranger.person.roles.filter(role=Role.VALIDATOR).exists()
    assert "You asked for this yourself, so another" in text_of(browser_of(cast.administrator).get(PLACE))


def test_a_proposal_with_mistakes_keeps_what_was_typed_and_names_each(cast, wanted):
    answer = browser_of(cast.administrator).post(PROPOSE, wanted | {"person": "HR-0", "unit": "moon", "reason": ""})

    page = text_of(answer)
    assert answer.status_code == 200
    assert "3 things need your attention" in page
    assert "There is no active person with the name or HR number “HR-0”" in page
    assert "There is no unit with the name or code “moon”" in page
    assert 'value="moon"' in page
    assert not Proposal.objects.open().exists()


@pytest.mark.parametrize("who", ["auditor", "officer"])
def test_nobody_else_proposes(cast, wanted, who):
    assert browser_of(getattr(cast, who)).post(PROPOSE, wanted).status_code == 403
    assert not Proposal.objects.open().exists()


def test_the_second_administrator_accepts_and_the_role_is_in_force(cast, proposal):
    answer = decide(cast.second_administrator, proposal, decision="accept", reason="Agreed")

    assert answer.status_code == 302
    assert cast.stranger.person.roles.in_force().filter(role=Role.VALIDATOR, unit=cast.retail).exists()


def test_whom_it_is_about_is_offered_no_decision_and_cannot_decide(cast):
    about_bert = proposals.propose_role(
        person=cast.second_administrator.person, role=Role.AUDITOR, unit=None, reason="Cover", by=cast.administrator
    )

    page = text_of(browser_of(cast.second_administrator).get(PLACE))
    answer = decide(cast.second_administrator, about_bert, decision="accept", reason="I am fine with it")

    assert "This proposal is about you, so another" in page
    assert f"/administration/proposals/{about_bert.pk}/decide/" not in page
    assert answer.status_code == 403


def test_who_asked_cannot_decide(cast, proposal):
    answer = decide(cast.administrator, proposal, decision="accept", reason="I agree with myself")

    assert answer.status_code == 403
    assert not cast.stranger.person.roles.in_force().filter(role=Role.VALIDATOR).exists()


def test_a_decision_needs_a_reason(cast, proposal):
    client = browser_of(cast.second_administrator)

    answer = client.post(f"/administration/proposals/{proposal.pk}/decide/", {"decision": "accept"}, follow=True)

    assert "Nothing was decided" in text_of(answer)
    assert Proposal.objects.get(pk=proposal.pk).state == "open"


def test_a_second_decision_comes_too_late_and_is_told_so(cast, proposal):
    decide(cast.second_administrator, proposal, decision="decline", reason="No")

    answer = decide(cast.second_administrator, proposal, decision="accept", reason="Yes")

    assert answer.status_code == 409
    assert "This proposal cannot be decided" in text_of(answer)
    assert Proposal.objects.get(pk=proposal.pk).state == "declined"


def test_a_proposal_that_is_not_there_is_not_found(cast):
    client = browser_of(cast.administrator)

    assert (
        client.post("/administration/proposals/999/decide/", {"decision": "accept", "reason": "x"}).status_code == 404
    )


def test_administration_takes_as_many_queries_for_thirty_people_as_for_three(cast):
    client = browser_of(cast.administrator)
    few = queries_of(client, PLACE)
    for number in range(27):
        person = hire(Role.VALIDATOR, cast.retail, f"P{number} Person").person
        proposals.propose_role(person=person, role=Role.AUDITOR, unit=None, reason="Noise", by=cast.administrator)
    many = queries_of(client, PLACE)
    for number in range(27, 40):
        person = hire(Role.VALIDATOR, cast.retail, f"P{number} Person").person
        proposals.propose_role(person=person, role=Role.AUDITOR, unit=None, reason="Noise", by=cast.administrator)

    assert many <= few + 2  # the first proposal adds the queries for the people it is about and for its conflicts
    assert queries_of(client, PLACE) == many


def test_a_decision_shows_its_receipt_once_a_checkpoint_covers_it(cast, proposal):
    client, decided = browser_of(cast.second_administrator), f"/administration/proposals/{proposal.pk}/decide/"
    before = SealedRecord.objects.count()
    checkpointer = threading.Thread(target=checkpoint_past, args=[before])
    checkpointer.start()

    answer = client.post(decided, {"decision": "accept", "reason": "Agreed"}, follow=True)

    checkpointer.join()
    assert f"Receipt: record {before} of the log, covered by a signed checkpoint" in text_of(answer)


def checkpoint_past(size: int) -> None:
    """As the checkpointer process does: sign once the log has grown past `size`."""
    until = time.monotonic() + 10
    while SealedRecord.objects.count() <= size and time.monotonic() < until:
        time.sleep(0.02)
    checkpoints.checkpoint_if_needed(checkpoints.log_signer())
    connection.close()


def test_without_a_checkpoint_a_decision_says_that_its_receipt_is_pending(cast, proposal):
    client = browser_of(cast.second_administrator)

    answer = client.post(
        f"/administration/proposals/{proposal.pk}/decide/", {"decision": "accept", "reason": "Agreed"}, follow=True
    )

    assert "its receipt is pending" in text_of(answer)


# ---- taking back -------------------------------------------------------------------------------------------
def withdraw(account, proposal, **sent):
    return browser_of(account).post(f"/administration/proposals/{proposal.pk}/withdraw/", sent, follow=True)


def test_who_asked_is_offered_to_withdraw_and_does(cast, proposal):
    page = text_of(browser_of(cast.administrator).get(PLACE))

    answer = withdraw(cast.administrator, proposal, reason="A mistake")

    assert f"/administration/proposals/{proposal.pk}/withdraw/" in page
    assert "Withdrawn: Validator, Retail credit. Counted as record" in text_of(answer)
    assert Proposal.objects.get(pk=proposal.pk).state == "withdrawn"


def test_nobody_else_is_offered_to_withdraw_or_can(cast, proposal):
    page = text_of(browser_of(cast.second_administrator).get(PLACE))

    answer = withdraw(cast.second_administrator, proposal, reason="Not mine")

    assert "/withdraw/" not in page
    assert answer.status_code == 403
    assert withdraw(cast.stranger, proposal, reason="x").status_code == 403
    assert Proposal.objects.get(pk=proposal.pk).state == "open"


def test_withdrawing_needs_a_reason_and_an_open_proposal(cast, proposal):
    without_reason = withdraw(cast.administrator, proposal)
    decide(cast.second_administrator, proposal, decision="decline", reason="No")

    too_late = withdraw(cast.administrator, proposal, reason="Never mind")

    assert "Nothing was withdrawn: say why" in text_of(without_reason)
    assert too_late.status_code == 409
    assert "This proposal cannot be withdrawn" in text_of(too_late)
    assert browser_of(cast.administrator).get(f"/administration/proposals/{proposal.pk}/withdraw/").status_code == 405


@pytest.mark.outside_portal
def test_what_nobody_decided_in_time_stands_among_the_decided(cast):
    Proposal.objects.create(
        kind="role",
        subject=f"accounts.person:{cast.stranger.person_id}",
        trail=f"accounts.person:{cast.stranger.person_id}",
        change={"what": "Auditor, whole bank"},
        reason="x",
        asked_by=cast.administrator.person,
        expires_on=date(2026, 1, 31),
        state="expired",
    )

    page = text_of(browser_of(cast.auditor).get(PLACE))

    assert "<b>Expired</b>: Auditor, whole bank for Stan Stranger" in page
    assert 'Nobody, until <time datetime="2026-01-31">31 Jan 2026' in page
