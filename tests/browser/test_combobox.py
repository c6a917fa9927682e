"""The box that offers records while one types: by keyboard, by mouse, to who listens, and without script."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessible import THEMES, findings, show


@pytest.fixture
def page(signed_in):
    page = signed_in("ada")
    page.goto("/administration/")
    return page


@pytest.fixture
def box(page):
    return page.get_by_role("combobox", name="Unit")


def test_the_server_is_asked_and_an_offer_is_taken_by_keyboard(page, box):
    box.press_sequentially("mark")
    offer = page.get_by_role("option", name="Markets")
    expect(offer).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")

    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", offer.get_attribute("id"))
    box.press("Enter")

    expect(box).to_have_value("Markets (markets)")
    expect(box).to_have_attribute("aria-expanded", "false")
    assert page.url.endswith("/administration/")


def test_an_offer_is_taken_by_mouse(page, box):
    box.click()
    page.get_by_role("option", name="Retail credit").click()

    expect(box).to_have_value("Retail credit (retail)")
    expect(box).to_be_focused()
    expect(page.get_by_role("listbox")).to_have_count(0)


def test_escape_closes_the_list_and_keeps_what_was_typed(page, box):
    box.press_sequentially("gro")
    expect(page.get_by_role("listbox")).to_be_visible()

    box.press("Escape")

    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(box).to_have_value("gro")


def test_what_nothing_matches_is_said(page, box):
    box.press_sequentially("moon")

    expect(page.locator(".combo [role=status]").filter(has_text="Nothing matches")).to_have_count(1)


def test_axe_finds_nothing_while_the_list_is_open(page, box):
    box.click()
    expect(page.get_by_role("listbox")).to_be_visible()

    for theme in THEMES:
        show(page, theme)
        assert findings(page) == [], theme
