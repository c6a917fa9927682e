"""The log's key: the page, a proposal, and the decision by a second administrator with the password once more."""

import pytest

from accounts.roles import Role
from audit import checkpoints
from proposals import services as proposals
from proposals.models import Proposal
from tests.cast import PASSWORD
from tests.pages import browser_of, text_of

PLACE = "/administration/log/"
PROPOSE = "/administration/log/propose/"


@pytest.fixture(autouse=True)
def signer(cast, settings, tmp_path):
    """A log of the test's own, signed once, with its next key beside it."""
    settings.CHECKPOINT_KEY_FILE = str(tmp_path / "log.key")
    settings.CHECKPOINT_FILE = str(tmp_path / "checkpoints.log")
    signer = checkpoints.log_signer()
    checkpoints.checkpoint_if_needed(signer)
    return signer


@pytest.fixture
def new_key():
    return checkpoints.next_signer().verifier_key


@pytest.fixture
def wanted(new_key):
    """What the form sends."""
    return {"of": "rotation", "new_key": new_key, "reason": "Yearly", "password": PASSWORD}


@pytest.fixture
def proposal(cast, wanted):
    browser_of(cast.administrator).post(PROPOSE, wanted)
    return Proposal.objects.open().get(kind=proposals.EPOCH)


def decide(account, proposal, follow=False, **sent):
    given = {"decision": "accept", "reason": "Agreed", "password": PASSWORD} | sent
    return browser_of(account).post(f"{PLACE}{proposal.pk}/decide/", given, follow=follow)


def test_the_page_shows_the_key_and_offers_the_next(cast, signer, new_key):
    page = text_of(browser_of(cast.administrator).get(PLACE))

    assert signer.verifier_key in page
    assert f'value="{new_key}"' in page
    assert "Epoch 1</b>, since the log began" in page


def test_an_auditor_reads_and_is_offered_no_change(cast, proposal):
    page = text_of(browser_of(cast.auditor).get(PLACE))

    assert "Epoch 2 of the log: the log&#x27;s key was replaced" in page
    assert "/decide/" not in page
    assert "Propose an epoch" not in page


@pytest.mark.parametrize("who", ["officer", "owner", "stranger"])
def test_others_may_not_see_it(cast, who):
    assert browser_of(getattr(cast, who)).get(PLACE).status_code == 403


def test_the_page_asks_to_sign_in_and_its_acts_are_posts(cast, proposal):
    assert browser_of(None).get(PLACE).status_code == 302
    assert decide(None, proposal).status_code == 302
    assert browser_of(cast.administrator).get(PROPOSE).status_code == 405
    assert browser_of(cast.administrator).get(f"{PLACE}{proposal.pk}/decide/").status_code == 405
    assert browser_of(cast.administrator).get(f"{PLACE}{proposal.pk}/withdraw/").status_code == 405


def test_a_proposal_waits_for_another_administrator(cast, wanted):
    answer = browser_of(cast.administrator).post(PROPOSE, wanted, follow=True)

    assert "Proposed: Epoch 2 of the log" in text_of(answer)
    assert "You asked for this yourself, so another administrator decides" in text_of(answer)


def test_a_proposal_with_mistakes_names_each_and_keeps_no_password(cast, wanted):
    answer = browser_of(cast.administrator).post(PROPOSE, wanted | {"reason": "", "new_key": ""})

    page = text_of(answer)
    assert answer.status_code == 200
    assert "2 things need your attention" in page
    assert PASSWORD not in page


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"password": "wrong"}, "This is not your password"),
        ({"new_key": "no key"}, "No key that could sign"),
        ({"of": "restore"}, "Nothing was lost"),
    ],
)
def test_what_cannot_be_proposed_says_why(cast, wanted, sent, says):
    answer = browser_of(cast.administrator).post(PROPOSE, wanted | sent)

    assert says in text_of(answer)
    assert not Proposal.objects.filter(kind=proposals.EPOCH).exists()


def test_an_auditor_proposes_nothing(cast, wanted):
    assert browser_of(cast.auditor).post(PROPOSE, wanted).status_code == 403


def test_the_second_administrator_accepts_and_the_operator_is_told_what_to_do(cast, proposal):
    answer = decide(cast.second_administrator, proposal, follow=True)

    assert "Accepted: Epoch 2 of the log" in text_of(answer)
    assert "manage.py epoch begin" in text_of(answer)
    assert Proposal.objects.get(pk=proposal.pk).state == "accepted"


@pytest.mark.parametrize("sent", [{"password": "wrong"}, {"password": ""}, {"reason": ""}])
def test_without_the_password_or_a_reason_nothing_is_decided(cast, proposal, sent):
    answer = decide(cast.second_administrator, proposal, follow=True, **sent)

    assert "Nothing was decided" in text_of(answer)
    assert Proposal.objects.get(pk=proposal.pk).state == "open"


def test_wrong_passwords_are_counted_as_at_the_sign_in(cast, proposal, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        last = decide(cast.second_administrator, proposal, password="wrong")

    assert last.status_code == 429
    assert Proposal.objects.get(pk=proposal.pk).state == "open"


def test_who_asked_does_not_accept(cast, proposal):
    assert decide(cast.administrator, proposal).status_code == 403


def test_a_second_decision_comes_too_late(cast, proposal):
    decide(cast.second_administrator, proposal, decision="decline")

    assert decide(cast.second_administrator, proposal).status_code == 409


def test_who_asked_takes_it_back_with_a_reason(cast, proposal):
    client = browser_of(cast.administrator)
    without = client.post(f"{PLACE}{proposal.pk}/withdraw/", {}, follow=True)

    client.post(f"{PLACE}{proposal.pk}/withdraw/", {"reason": "Not yet"})

    assert "Nothing was withdrawn" in text_of(without)
    assert Proposal.objects.get(pk=proposal.pk).state == "withdrawn"
    assert client.post(f"{PLACE}{proposal.pk}/withdraw/", {"reason": "Again"}).status_code == 409


def test_another_kind_of_proposal_is_not_here(cast):
    role = proposals.propose_role(
        person=cast.stranger.person, role=Role.VALIDATOR, unit=cast.retail, reason="Joins", by=cast.administrator
    )

    assert decide(cast.second_administrator, role).status_code == 404
