"""What every page's frame shows: where one is, and what one may look for."""

import re

import pytest

from tests.pages import browser_of, text_of


def marked(page: str) -> list[str]:
    """The places of the rail that are marked as where one is; what phones have under More stands there twice."""
    rail = page.partition('aria-label="Main"')[2].partition('<li class="more">')[0].partition("</nav>")[0]
    return re.findall(r'aria-current="[a-z]+"><svg.*?</svg>([A-Z]\w+)', rail)


PLACES = {
    ("officer", "/"): ["Home"],
    ("officer", "/models/"): ["Models"],
    ("officer", "/monitoring/"): ["Monitoring"],
    ("officer", "/runs/999/"): ["Monitoring"],
    ("officer", "/concentration/"): ["Reports"],
    ("officer", "/network/"): ["Reports"],
    ("officer", "/schemes/"): ["Admin"],
    ("officer", "/administration/jobs/"): ["Admin"],
    ("auditor", "/administration/jobs/"): ["Admin"],
    ("auditor", "/tokens/"): ["Admin"],
    ("administrator", "/api/"): ["Admin"],
    ("owner", "/tokens/"): [],
}


@pytest.mark.parametrize("where", PLACES)
def test_the_rail_marks_where_one_is(cast, where):
    who, address = where

    assert marked(text_of(browser_of(getattr(cast, who)).get(address))) == PLACES[where]


def test_the_rail_has_each_place_once(cast):
    page = text_of(browser_of(cast.auditor).get("/"))

    rail, _, more = page.partition('aria-label="Main"')[2].partition("</nav>")[0].partition('<li class="more">')
    assert (rail.count("</svg>Admin"), more.count("</svg>Admin")) == (1, 1)


def test_who_sees_no_models_is_offered_no_search_for_them(cast):
    assert 'id="find"' in text_of(browser_of(cast.owner).get("/"))
    assert 'id="find"' not in text_of(browser_of(cast.administrator).get("/"))


def test_the_menu_names_each_page_once(cast):
    menu = text_of(browser_of(cast.owner).get("/")).partition("your menu")[2].partition("</details>")[0]

    assert menu.count('href="/tokens/"') == 1


def test_a_refusal_leads_back_to_where_one_came_from(cast):
    answer = browser_of(cast.owner).get("/administration/", headers={"referer": "http://localhost/models/?q=card"})

    assert answer.status_code == 403
    assert '<a href="http://localhost/models/?q=card">Go back</a>' in text_of(answer)


@pytest.mark.parametrize("page", ["https://elsewhere.example/", "http://localhost/administration/", ""])
def test_a_refusal_leads_nowhere_else(cast, page):
    answer = browser_of(cast.owner).get("/administration/", headers={"referer": page})

    assert '<a href="/">Go back</a>' in text_of(answer)
