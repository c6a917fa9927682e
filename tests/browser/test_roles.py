"""Each role signs in and sees what it may, and no more."""

import pytest
from playwright.sync_api import expect

EVERYWHERE = ["Home", "Models", "Monitoring", "Reports", "Audit"]
# User name -> places in the rail, sees the model of Retail credit, may have it run, sees the whole log.
ROLES = {
    "olivia": (EVERYWHERE, True, True, False),
    "dan": (EVERYWHERE, True, True, False),
    "ingrid": (EVERYWHERE, True, False, False),
    "samuel": (EVERYWHERE, True, False, False),
    "priya": ([*EVERYWHERE, "Admin"], True, True, True),
    "agnes": ([*EVERYWHERE, "Admin"], True, False, True),
    "ada": (["Home", "Admin"], False, False, False),
    "stan": (EVERYWHERE, False, False, False),
}


@pytest.mark.parametrize("username", ROLES)
def test_a_role_sees_what_it_may(username, signed_in, watched_model):
    places, sees_model, may_run, _ = ROLES[username]
    page = signed_in(username)

    page.goto("/")

    rail = page.get_by_role("navigation", name="Main").locator("li:not(.brand):not(.more) > a")
    expect(rail).to_have_text(places)
    answer = page.goto(f"/models/{watched_model}/monitoring/")
    assert answer.status == (200 if sees_model else 404)
    expect(page.get_by_role("button", name="Run now")).to_have_count(1 if may_run else 0)


@pytest.mark.parametrize("username", ["olivia", "priya", "agnes", "stan"])
def test_the_trail_shows_as_much_as_the_role_covers(username, signed_in, watched_model):
    _, sees_model, _, sees_log = ROLES[username]
    page = signed_in(username)

    page.goto("/audit/?event=inventory.model_registered")

    expect(page.get_by_role("link", name="Export the log")).to_have_count(1 if sees_log else 0)
    expect(page.locator("#entries a.name").first if sees_model else page.locator("#entries .empty")).to_be_visible()


def test_somebody_who_is_not_signed_in_is_asked_to(chromium, portal, watched_model):
    page = chromium.new_page(base_url=portal.url)

    page.goto(f"/models/{watched_model}/monitoring/")

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.context.close()
