"""API tokens: made and shown once, listed, revoked."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services as accounts
from accounts.models import ApiToken, TokenUse
from proposals.models import Proposal
from tests.cast import hire
from tests.pages import browser_of, queries_of, text_of

WANTED = {"name": "Nightly report", "scopes": ["models:read"], "unit": "retail", "days": "30"}


@pytest.fixture
def token_of(cast):
    def token_of(account, by=None, name="test"):
        token, _ = accounts.make_token(
            account=account,
            name=name,
            scopes=["models:read"],
            unit=cast.retail,
            expires_at=timezone.now() + timedelta(days=5),
            by=by or account,
        )
        return token

    return token_of


def test_a_new_token_is_shown_once_with_an_example_and_works(cast):
    client = browser_of(cast.owner)

    made = client.post("/tokens/", WANTED)
    answer = client.get(made["Location"])

    secret = answer.context["secret"]
    assert (made.status_code, made["Location"]) == (302, "/tokens/")
    assert secret.startswith("assay_")
    assert f'data-copy="{secret}"' in text_of(answer)
    assert f"Authorization: Bearer {secret}" in answer.content.decode().replace("&quot;", '"')
    assert "no-store" in answer["Cache-Control"]
    assert secret not in client.get("/tokens/").content.decode()
    assert browser_of(None).get("/api/v1/models/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_reload_makes_no_second_token_and_shows_none_again(cast):
    client = browser_of(cast.owner)
    shown = client.post("/tokens/", WANTED, follow=True)

    again = client.get(shown.request["PATH_INFO"])

    assert shown.request["REQUEST_METHOD"] == "GET"
    assert (shown.context["secret"] is None, again.context["secret"]) == (False, None)
    assert "Shown this once" not in text_of(again)
    assert ApiToken.objects.count() == 1


def test_a_secret_on_its_way_is_kept_by_the_browser_alone_and_by_no_script(cast):
    client = browser_of(cast.owner)

    made = client.post("/tokens/", WANTED)

    cookie = made.cookies["assay_new_token"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", "")
    assert cookie["path"] == "/tokens/"
    assert cookie.value not in str([session.get_decoded() for session in Session.objects.all()])
    assert cookie.value not in str(list(ApiToken.objects.values()))


@pytest.mark.parametrize("brought", ["assay_made_up", "of another", "of yesterday"])
def test_a_secret_that_the_reader_did_not_just_make_is_not_shown(cast, brought, monkeypatch):
    by = cast.stranger if brought == "of another" else cast.owner
    unit = cast.markets if brought == "of another" else cast.retail
    ends = timezone.now() + timedelta(days=1)
    _, secret = accounts.make_token(account=by, name="x", scopes=["models:read"], unit=unit, expires_at=ends, by=by)
    if brought == "of yesterday":
        monkeypatch.setattr("portal.views.tokens.SHOWN_WITHIN", timedelta(0))
    client = browser_of(cast.owner)
    client.cookies["assay_new_token"] = brought if brought.startswith("assay") else secret

    page = client.get("/tokens/")

    assert page.context["secret"] is None
    assert secret not in page.content.decode()
    assert page.cookies["assay_new_token"]["max-age"] == 0


def test_each_token_says_when_it_was_last_used_or_that_it_never_was(cast):
    client = browser_of(cast.owner)
    secret = client.post("/tokens/", WANTED, follow=True).context["secret"]
    before = text_of(client.get("/tokens/"))

    browser_of(None).get("/api/v1/models/", headers={"Authorization": f"Bearer {secret}"})

    assert "Never used" in before
    assert "Never used" not in text_of(client.get("/tokens/"))
    assert timezone.now() - ApiToken.objects.get().use.used_at < timedelta(minutes=1)


def test_not_each_call_writes_when_a_token_was_used(cast, token_of):
    token = token_of(cast.owner)
    accounts.note_use(token=token)
    first = ApiToken.objects.select_related("use").get()
    with CaptureQueriesContext(connection) as soon:
        accounts.note_use(token=first)
    TokenUse.objects.update(used_at=timezone.now() - timedelta(minutes=6))
    accounts.note_use(token=ApiToken.objects.get())

    assert len(soon) == 0
    assert TokenUse.objects.get().used_at > first.use.used_at


def test_a_token_with_mistakes_is_not_made_and_keeps_what_was_typed(cast):
    answer = browser_of(cast.owner).post("/tokens/", WANTED | {"scopes": [], "unit": "moon"})

    page = text_of(answer)
    assert "2 things need your attention" in page
    assert 'value="Nightly report"' in page
    assert not ApiToken.objects.exists()


def test_a_few_units_are_chosen_by_their_names(cast):
    page = text_of(browser_of(cast.owner).get("/tokens/"))

    assert '<option value="retail">Retail credit (retail)</option>' in page
    assert "markets" not in page
    assert "<datalist" not in page


def test_more_units_than_a_list_holds_are_typed_by_code_or_name(cast, monkeypatch):
    monkeypatch.setattr("portal.forms.MOST_OPTIONS", 2)
    client = browser_of(cast.officer)

    page = text_of(client.get("/tokens/"))
    for name in ("retail", "Retail Credit"):
        client.post("/tokens/", WANTED | {"unit": name})

    assert '<datalist id="id_unit_offers">' in page
    assert [token.unit.code for token in ApiToken.objects.all()] == ["retail", "retail"]


@pytest.mark.parametrize("name", ["Markets", "moon", ""])
def test_a_unit_that_is_not_ones_own_is_refused_naming_those_that_are(cast, name):
    page = text_of(browser_of(cast.owner).post("/tokens/", WANTED | {"unit": name}))

    assert ("Yours are: retail (Retail credit)." in page) == bool(name)
    assert not ApiToken.objects.exists()


def test_two_units_of_one_name_need_the_code(cast):
    accounts.add_unit(code="retail-2", name="Retail credit", parent=cast.retail, by=None)

    page = text_of(browser_of(cast.owner).post("/tokens/", WANTED | {"unit": "Retail credit"}))

    assert "several units “Retail credit”: give the code" in page


def test_a_person_without_a_role_is_told_that_a_token_would_reach_nothing(cast):
    nobody = hire(None, cast.retail, "Nora Nobody")

    page = text_of(browser_of(nobody).post("/tokens/", WANTED))

    assert "no role over a unit yet" in page
    assert not ApiToken.objects.exists()


def test_people_see_their_own_tokens_alone(cast, token_of):
    token_of(cast.owner, name="Mine")
    token_of(cast.stranger, name="Not mine")

    page = text_of(browser_of(cast.owner).get("/tokens/"))

    assert "Mine" in page
    assert "Not mine" not in page


def test_an_auditor_sees_every_token_and_revokes_none(cast, token_of):
    token = token_of(cast.owner, name="Of the owner")

    page = text_of(browser_of(cast.auditor).get("/tokens/"))

    assert "Of the owner" in page
    assert "/revoke/" not in page
    assert browser_of(cast.auditor).post(f"/tokens/{token.pk}/revoke/").status_code == 404


def test_nobody_makes_a_token_of_a_service_account_here(cast):
    sent = WANTED | {"account": "ci-pipeline", "unit": "group"}

    browser_of(cast.administrator).post("/tokens/", sent)

    assert [token.account.username for token in ApiToken.objects.all()] == ["ada"]


# ---- of service accounts ------------------------------------------------------------------------------------
PROPOSE = "/administration/tokens/propose/"
ASKED = WANTED | {"account": "ci-pipeline", "reason": "It deploys"}


def decide(number: int, account, decision: str = "accept"):
    sent = {"decision": decision, "reason": "Agreed"}
    return browser_of(account).post(f"/administration/proposals/{number}/decide/", sent, follow=True)


@pytest.fixture
def accepted(cast) -> str:
    """Where the token that two administrators agreed on is made."""
    browser_of(cast.administrator).post(PROPOSE, ASKED)
    number = Proposal.objects.open().get().pk
    decide(number, cast.second_administrator)
    return f"/tokens/accepted/{number}/collect/"


def test_a_service_accounts_token_is_proposed_accepted_and_shown_once_to_who_answers_for_it(cast):
    asked = browser_of(cast.administrator).post(PROPOSE, ASKED, follow=True)
    number = Proposal.objects.open().get().pk
    decided = decide(number, cast.second_administrator)
    owner = browser_of(cast.owner)
    waiting = text_of(owner.get("/tokens/"))
    shown = owner.post(f"/tokens/accepted/{number}/collect/", follow=True)

    secret = shown.context["secret"]
    assert "Proposed: Token “Nightly report” of ci-pipeline: models:read, in retail" in text_of(asked)
    assert "Accepted for your service accounts" in waiting
    assert f'data-copy="{secret}"' in text_of(shown)
    assert "no-store" in shown["Cache-Control"]
    assert "assay_" not in asked.content.decode() + decided.content.decode()
    again = owner.get("/tokens/").content.decode()
    assert secret not in again
    assert "Accepted for your service accounts" not in again
    assert browser_of(None).get("/api/v1/models/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


@pytest.mark.parametrize("who", ["administrator", "second_administrator", "auditor", "developer", "stranger"])
def test_an_accepted_token_is_found_by_nobody_else(cast, accepted, who):
    client = browser_of(getattr(cast, who))

    assert client.post(accepted).status_code == 404
    assert "Accepted for your service accounts" not in text_of(client.get("/tokens/"))
    assert not ApiToken.objects.exists()


def test_an_accepted_token_is_made_once_and_by_post(cast, accepted):
    client = browser_of(cast.owner)

    assert client.get(accepted).status_code == 405
    assert client.post(accepted).status_code == 302
    assert client.post(accepted).status_code == 409
    assert browser_of(None).post(accepted).status_code == 302
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("who", ["auditor", "officer", "owner", "stranger"])
def test_nobody_but_an_administrator_proposes_a_token(cast, who):
    client = browser_of(getattr(cast, who))

    assert (client.get(PROPOSE).status_code, client.post(PROPOSE, ASKED).status_code) == (403, 403)
    assert not Proposal.objects.open().exists()


def test_a_proposed_token_with_mistakes_keeps_what_was_typed(cast):
    page = text_of(browser_of(cast.administrator).post(PROPOSE, ASKED | {"scopes": [], "account": "olivia"}))

    assert "2 things need your attention" in page
    assert 'value="Nightly report"' in page
    assert "Another administrator decides, other than who answers for the account." in page


@pytest.mark.parametrize("who", ["owner", "administrator"])
def test_a_revoked_token_is_refused_from_then_on(cast, token_of, who):
    token = token_of(cast.owner)

    answer = browser_of(getattr(cast, who)).post(f"/tokens/{token.pk}/revoke/", follow=True)

    assert "refused from now on" in text_of(answer)
    assert not ApiToken.objects.usable().exists()


def test_revoking_twice_says_that_it_is_done(cast, token_of):
    token = token_of(cast.owner)
    client = browser_of(cast.owner)
    client.post(f"/tokens/{token.pk}/revoke/")

    assert "revoked already" in text_of(client.post(f"/tokens/{token.pk}/revoke/", follow=True))


def test_a_stranger_does_not_find_the_token(cast, token_of):
    token = token_of(cast.owner)

    assert browser_of(cast.stranger).post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.usable().exists()


def test_tokens_ask_to_sign_in_and_refuse_other_methods(cast, token_of):
    token = token_of(cast.owner)

    assert browser_of(None).get("/tokens/").status_code == 302
    assert browser_of(None).post(f"/tokens/{token.pk}/revoke/").status_code == 302
    assert browser_of(cast.owner).delete("/tokens/").status_code == 405
    assert browser_of(cast.owner).get(f"/tokens/{token.pk}/revoke/").status_code == 405


def test_tokens_take_as_many_queries_for_thirty_as_for_three(cast, token_of):
    client = browser_of(cast.auditor)
    for number in range(3):
        token_of(cast.owner, name=f"Token {number}")
    for_three = queries_of(client, "/tokens/")
    for number in range(3, 30):
        token_of(cast.owner, name=f"Token {number}")

    assert queries_of(client, "/tokens/") == for_three
