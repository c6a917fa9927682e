"""An administrator adds units, people and accounts, proposes the end of a role, and disables a person: each a page."""

import pytest

from accounts import services as accounts
from accounts.models import Account, Person, Unit
from accounts.permissions import may
from accounts.roles import Permission, Role
from audit.models import Entry
from inventory import services as inventory
from proposals.models import Proposal
from tests.cast import PASSWORD, end_role
from tests.integration.accounts.test_start_bank import signs_in
from tests.pages import browser_of, text_of

PLACE = "/administration/"
ADD_UNIT, ADD_PERSON, ADD_ACCOUNT = (f"{PLACE}{what}/add/" for what in ("units", "people", "accounts"))

UNIT = {"name": "Credit cards", "code": "cards", "parent": "retail"}
PERSON = {
    "full_name": "Nina Newcomer",
    "hr_number": "HR-77",
    "mail": "nina@bank.example",
    "unit": "retail",
    "line_manager": "HR-olivia-owner",
}
ACCOUNT = {"person": "HR-stan-stranger", "kind": "human", "username": "stan.2", "password": "a good long password"}


@pytest.fixture
def addresses(cast) -> dict[str, str]:
    role = cast.owner.person.roles.get()
    accounts.disable_person(person=cast.developer.person, reason="On leave", by=cast.administrator)
    return {
        "unit": ADD_UNIT,
        "person": ADD_PERSON,
        "account": ADD_ACCOUNT,
        "end": f"{PLACE}roles/{role.pk}/end/",
        "disable": f"{PLACE}people/{cast.owner.person_id}/disable/",
        "enable": f"{PLACE}people/{cast.developer.person_id}/enable/",
    }


ALL = ("unit", "person", "account", "end", "disable", "enable")


# ---- who may ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("which", ALL)
@pytest.mark.parametrize("who", ["auditor", "officer", "owner", "stranger"])
def test_nobody_but_an_administrator_opens_or_sends_it(cast, addresses, which, who):
    client, before = browser_of(getattr(cast, who)), Entry.objects.count()

    answers = client.get(addresses[which]), client.post(addresses[which], UNIT | PERSON | ACCOUNT | {"reason": "x"})

    assert [answer.status_code for answer in answers] == [403, 403]
    assert Entry.objects.count() == before


@pytest.mark.parametrize("which", ALL)
def test_whoever_is_not_signed_in_is_asked_to(cast, addresses, which):
    assert browser_of(None).get(addresses[which])["Location"].startswith("/sign-in/")
    assert browser_of(None).post(addresses[which]).status_code == 302


@pytest.mark.parametrize("which", ALL)
def test_it_is_shown_and_posted_and_nothing_else(cast, addresses, which):
    client = browser_of(cast.administrator)

    assert client.get(addresses[which]).status_code == 200
    assert client.put(addresses[which]).status_code == 405
    assert client.delete(addresses[which]).status_code == 405


def test_the_page_of_people_leads_an_administrator_there_and_an_auditor_not(cast, addresses):
    page = text_of(browser_of(cast.administrator).get(PLACE))
    read_only = text_of(browser_of(cast.auditor).get(PLACE))

    assert all(f'href="{address}' in page for address in addresses.values())
    assert not any(address in read_only for address in addresses.values())


# ---- adding -------------------------------------------------------------------------------------------------
def send(cast, address: str, sent: dict):
    return browser_of(cast.administrator).post(address, sent, follow=True)


def test_a_unit_is_added_below_another(cast):
    answer = send(cast, ADD_UNIT, UNIT)

    assert Unit.objects.get(code="cards").path == "/group/retail/cards/"
    assert "Added: Credit cards. Counted as record" in text_of(answer)
    entry = Entry.objects.get(event="accounts.unit_added", subject=f"accounts.unit:{Unit.objects.get(code='cards').pk}")
    assert (entry.account, entry.through) == ("ada", "page")


def test_a_person_is_added_with_unit_and_line_manager(cast):
    answer = send(cast, ADD_PERSON, PERSON)

    person = Person.objects.get(hr_number="HR-77")
    assert (str(person), person.unit, person.line_manager) == ("Nina Newcomer", cast.retail, cast.owner.person)
    assert "Added: Nina Newcomer. Counted as record" in text_of(answer)
    assert not person.roles.exists()


def test_an_account_is_added_and_lets_its_person_in(cast):
    answer = send(cast, ADD_ACCOUNT, ACCOUNT)

    assert signs_in("stan.2", ACCOUNT["password"])
    assert Account.objects.get(username="stan.2").person == cast.stranger.person
    assert "Added: stan.2. Counted as record" in text_of(answer)


def test_a_service_account_is_added_without_a_password(cast):
    send(cast, ADD_ACCOUNT, ACCOUNT | {"kind": "service", "username": "nightly", "password": ""})

    account = Account.objects.get(username="nightly")
    assert (account.is_service, account.has_usable_password()) == (True, False)


def test_the_link_beside_a_person_fills_the_person_in(cast):
    page = browser_of(cast.administrator).get(f"{ADD_ACCOUNT}?person=HR-olivia-owner")

    assert 'value="HR-olivia-owner"' in text_of(page)


@pytest.mark.parametrize(
    ("address", "sent", "words"),
    [
        (ADD_UNIT, UNIT | {"code": "retail"}, "There is a unit with the code “retail” already"),
        (ADD_UNIT, UNIT | {"code": "Cards"}, "Small letters, digits"),
        (ADD_UNIT, UNIT | {"code": "a/b"}, "valid"),
        (ADD_UNIT, UNIT | {"parent": "moon"}, "There is no unit with the name or code “moon”"),
        (ADD_PERSON, PERSON | {"hr_number": "hr-olivia-owner"}, "Somebody has the HR number"),
        (ADD_PERSON, PERSON | {"line_manager": "HR-0"}, "HR-0”. Choose from"),
        (ADD_PERSON, PERSON | {"mail": "nina"}, "valid email"),
        (ADD_ACCOUNT, ACCOUNT | {"username": "OLIVIA"}, "is taken; choose another"),
        (ADD_ACCOUNT, ACCOUNT | {"password": "short"}, "at least 12 characters"),
        (ADD_ACCOUNT, ACCOUNT | {"password": ""}, "A person needs a password"),
        (ADD_ACCOUNT, ACCOUNT | {"kind": "service"}, "A service account has no password"),
        (ADD_ACCOUNT, ACCOUNT | {"username": "two words"}, "valid username"),
    ],
)
def test_a_mistake_is_named_what_was_typed_is_kept_and_nothing_is_added(cast, address, sent, words):
    before = Entry.objects.count()

    answer = send(cast, address, sent)

    assert answer.status_code == 200
    assert "One thing needs your attention" in text_of(answer)
    assert words in text_of(answer)
    typed = next(iter(sent.values()))
    assert f'value="{typed}"' in text_of(answer)
    assert Entry.objects.count() == before


def test_a_password_that_was_typed_is_not_sent_back(cast):
    answer = send(cast, ADD_ACCOUNT, ACCOUNT | {"username": "olivia"})

    assert ACCOUNT["password"] not in text_of(answer)


# ---- the end of a role --------------------------------------------------------------------------------------
def test_the_end_of_a_role_is_proposed_decided_by_another_and_then_in_force(cast, addresses):
    answer = send(cast, addresses["end"], {"reason": "Moved to another desk"})
    proposal = Proposal.objects.open().get()
    still = may(Account.objects.get(pk=cast.owner.pk), Permission.SEE_MODELS)

    own = text_of(browser_of(cast.administrator).get(PLACE))
    browser_of(cast.second_administrator).post(
        f"{PLACE}proposals/{proposal.pk}/decide/", {"decision": "accept", "reason": "Agreed"}
    )

    assert "Proposed: End of Model owner, Retail credit. Another administrator decides. Counted" in text_of(answer)
    assert "You asked for this yourself, so another" in own
    assert still
    assert not may(Account.objects.get(pk=cast.owner.pk), Permission.SEE_MODELS)
    assert not cast.owner.person.roles.in_force().exists()


def test_one_administrator_alone_does_not_end_a_role(cast, addresses):
    send(cast, addresses["end"], {"reason": "Moved"})
    proposal = Proposal.objects.open().get()

    answer = browser_of(cast.administrator).post(
        f"{PLACE}proposals/{proposal.pk}/decide/", {"decision": "accept", "reason": "I agree with myself"}
    )

    assert answer.status_code == 403
    assert cast.owner.person.roles.in_force().exists()


def test_the_page_says_what_the_end_means_and_needs_a_reason(cast, addresses):
    page = text_of(browser_of(cast.administrator).get(addresses["end"]))

    answer = send(cast, addresses["end"], {"reason": " "})

    assert "until then Olivia Owner keeps the role" in page
    assert "One thing needs your attention" in text_of(answer)
    assert not Proposal.objects.open().exists()


def test_a_role_that_ended_is_not_found(cast, addresses):
    end_role(cast.owner.person.roles.get())

    assert browser_of(cast.administrator).get(addresses["end"]).status_code == 404


def test_the_end_waits_on_the_first_page_of_the_other_administrator(cast, addresses):
    send(cast, addresses["end"], {"reason": "Moved"})

    assert "End of Model owner, Retail credit" in text_of(browser_of(cast.second_administrator).get("/"))
    assert "End of Model owner, Retail credit" not in text_of(browser_of(cast.administrator).get("/"))


# ---- disabling ----------------------------------------------------------------------------------------------
def test_the_page_names_what_disabling_means_before_it_is_done(cast, addresses):
    inventory.register_model(
        external_id="m", name="M", kind="statistical", unit=cast.retail, owner=cast.owner.person, by=cast.owner
    )

    page = text_of(browser_of(cast.administrator).get(addresses["disable"]))

    assert "nobody signs in any more, with: olivia, ci-pipeline" in page
    assert "API tokens that stop working, those of service accounts too: 0" in page
    assert "Model owner, Retail credit" in page
    assert "Models that go on naming Olivia Owner as owner or developer: 1" in page


def test_a_disabled_person_is_out_at_once_by_one_administrators_act(cast, addresses):
    session = browser_of(cast.owner)
    before = session.get("/models/").status_code

    answer = send(cast, addresses["disable"], {"reason": "Left the bank"})

    assert "Disabled: Olivia Owner. It acts on the next request. Counted as record" in text_of(answer)
    assert (before, session.get("/models/").status_code) == (200, 302)
    assert not signs_in("olivia", PASSWORD)
    entry = Entry.objects.on_trail(f"accounts.person:{cast.owner.person_id}").newest_first().first()
    assert (entry.event, entry.data["reason"]) == ("accounts.person_disabled", "Left the bank")


def test_disabling_needs_a_reason_and_happens_once(cast, addresses):
    without = send(cast, addresses["disable"], {"reason": ""})
    still_active = Person.objects.get(pk=cast.owner.person_id).is_active
    send(cast, addresses["disable"], {"reason": "Left"})

    again = send(cast, addresses["disable"], {"reason": "Left"})

    assert "One thing needs your attention" in text_of(without)
    assert still_active
    assert again.status_code == 404


def test_the_page_of_people_offers_nothing_more_on_who_is_disabled(cast, addresses):
    send(cast, addresses["disable"], {"reason": "Left"})

    page = text_of(browser_of(cast.administrator).get(PLACE))

    assert addresses["disable"] not in page
    assert addresses["end"] in page
    assert not cast.owner.person.roles.filter(role=Role.OWNER).exclude(ended_at=None).exists()


# ---- enabling again -----------------------------------------------------------------------------------------
def test_who_was_disabled_is_let_in_again_by_two_administrators(cast, addresses):
    answer = send(cast, addresses["enable"], {"reason": "Came back"})
    proposal = Proposal.objects.open().get()
    meanwhile = signs_in("dan", PASSWORD)

    browser_of(cast.second_administrator).post(
        f"{PLACE}proposals/{proposal.pk}/decide/", {"decision": "accept", "reason": "Agreed"}
    )

    assert "Proposed: Enabling again. Another administrator decides." in text_of(answer)
    assert not meanwhile
    assert signs_in("dan", PASSWORD)


def test_the_page_says_what_enabling_means_and_only_who_is_disabled_has_one(cast, addresses):
    client = browser_of(cast.administrator)

    page = text_of(client.get(addresses["enable"]))

    assert "until then Dan Developer stays out" in page
    assert "Model developer, Retail credit" in page
    assert client.get(f"{PLACE}people/{cast.owner.person_id}/enable/").status_code == 404


def test_the_page_refuses_to_disable_one_of_the_last_two_administrators(cast):
    answer = send(cast, f"{PLACE}people/{cast.second_administrator.person_id}/disable/", {"reason": "Left"})

    assert answer.status_code == 409
    assert "one of the last two administrators" in text_of(answer)
    assert Person.objects.get(pk=cast.second_administrator.person_id).is_active
