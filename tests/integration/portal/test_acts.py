"""Buttons pressed while signed out, and addresses of buttons that are opened by hand."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.urls import get_resolver

from accounts.models import Account
from portal.acts import ACTS
from tests.cast import PASSWORD
from tests.pages import browser_of, text_of

PAGE = "http://localhost/models/MDL-2026-0001/monitoring/?window=2026-03-01"


def signed_out_in_the_middle(account: Account):
    client = browser_of(account)
    Session.objects.all().delete()
    return client


def press(client, address: str, page: str = PAGE):
    return client.post(address, headers={"referer": page})


def query_of(answer) -> dict[str, list[str]]:
    return parse_qs(urlsplit(answer["Location"]).query)


def test_an_act_after_the_session_ended_leads_back_to_its_page_and_says_what_did_not_happen(cast):
    client = signed_out_in_the_middle(cast.owner)

    sent_away = press(client, "/monitors/1/run/")
    sign_in = text_of(client.get(sent_away["Location"]))
    given = {"username": "olivia", "password": PASSWORD, "next": query_of(sent_away)["next"][0]}
    signed_in = client.post(sent_away["Location"], given)

    assert "You were signed out, so the run was not asked for. Sign in, then press Run now again." in sign_in
    assert signed_in["Location"] == "/models/MDL-2026-0001/monitoring/?window=2026-03-01"
    assert "so the run was not asked for. Press Run now again." in text_of(client.get("/"))


def test_the_note_survives_a_wrong_password(cast):
    client = signed_out_in_the_middle(cast.owner)
    address = press(client, "/runs/1/cancel/")["Location"]

    again = client.post(address, {"username": "olivia", "password": "wrong", "next": "/"})

    assert "the run was not cancelled" in text_of(again)


@pytest.mark.parametrize("page", ["https://elsewhere.example/models/", ""])
def test_a_page_of_another_site_is_never_gone_back_to(cast, page):
    answer = press(signed_out_in_the_middle(cast.owner), "/runs/1/repeat/", page)

    assert query_of(answer)["next"] == ["/"]


def test_an_act_that_no_button_of_the_portal_has_is_not_put_into_words(cast):
    page = text_of(browser_of(None).get("/sign-in/?missed=<b>everything</b>"))

    assert "so nothing was changed" in page
    assert "everything</b>" not in page


def test_a_page_asked_for_while_signed_out_is_come_back_to(cast):
    answer = browser_of(None).get("/models/?q=card")

    assert query_of(answer) == {"next": ["/models/?q=card"]}


def test_signing_out_twice_misses_nothing(cast):
    assert "missed" not in query_of(press(signed_out_in_the_middle(cast.owner), "/sign-out/"))


BY_HAND = {
    "/runs/7/repeat/": "/runs/7/",
    "/runs/7/cancel/": "/runs/7/",
    "/windows/7/explain/again/": "/windows/7/explain/",
    "/tokens/7/revoke/": "/tokens/",
    "/administration/roles/propose/": "/administration/",
    "/monitors/7/run/": "/models/",
    "/sign-out/": "/",
}


@pytest.mark.parametrize("address", BY_HAND)
def test_the_address_of_an_act_says_what_it_is_and_where_its_button_stands(cast, address):
    answer = browser_of(cast.owner).get(address)

    assert answer.status_code == 405
    assert answer["Allow"]
    assert "This address does something" in text_of(answer)
    assert f'<a href="{BY_HAND[address]}">Open its page</a>' in text_of(answer)
    assert 'class="rail"' in text_of(answer)


def test_what_is_sent_to_a_page_that_only_shows_is_refused_on_a_page(cast):
    answer = browser_of(cast.owner).post("/models/")

    assert answer.status_code == 405
    assert "This address only shows something" in text_of(answer)


def test_the_api_keeps_its_own_refusals(cast):
    answer = browser_of(cast.owner).delete("/api/v1/models/")

    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"


def test_every_act_that_has_words_is_an_address_of_the_portal():
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}

    assert {name for act, words in ACTS.items() for name in (act, words.page)} <= names
