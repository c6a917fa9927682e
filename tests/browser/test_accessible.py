"""Every page for everybody: no axe finding in either theme, a keyboard that gets anywhere, room on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# Page -> (who reads it, its address; {ref} is the watched model's).
PAGES = {
    "home": ("priya", "/"),
    "models": ("priya", "/models/"),
    "no model matches": ("priya", "/models/?q=nothing+is+called+so"),
    "model": ("priya", "/models/{ref}/"),
    "versions": ("priya", "/models/{ref}/versions/"),
    "monitoring": ("priya", "/models/{ref}/monitoring/"),
    "earlier window": ("agnes", "/models/{ref}/monitoring/?window=2026-08-01"),
    "feature": ("priya", "/models/{ref}/monitoring/features/LIMIT_BAL/"),
    "run": ("priya", "/runs/1/"),
    "breaches": ("priya", "/monitoring/"),
    "trail": ("priya", "/models/{ref}/trail/"),
    "audit": ("agnes", "/audit/"),
    "tokens": ("olivia", "/tokens/"),
    "administration": ("ada", "/administration/"),
    "the log's key": ("ada", "/administration/log/"),
    "add a unit": ("ada", "/administration/units/add/"),
    "add an account": ("ada", "/administration/accounts/add/"),
    "disable a person": ("ada", "/administration/people/3/disable/"),
    "jobs": ("priya", "/administration/jobs/"),
    "api guide": ("olivia", "/api/"),
    "not found": ("priya", "/models/MDL-1900-0001/"),
}
THEMES = ("light", "dark")


def show(page: Page, theme: str) -> None:
    """Paint the page in a theme, and wait until its charts follow."""
    page.evaluate("theme => document.dispatchEvent(new CustomEvent('assay:choose-theme', {detail: theme}))", theme)
    page.wait_for_function("theme => document.documentElement.dataset.bsTheme === theme", arg=theme)
    page.wait_for_timeout(250)


def findings(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [f"{v['id']}: {n['html'][:160]} {n['failureSummary'][:200]}" for v in violations for n in v["nodes"]]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_either_theme(name, signed_in, watched_model):
    username, address = PAGES[name]
    page = signed_in(username)
    page.goto(address.format(ref=watched_model))

    for theme in THEMES:
        show(page, theme)
        assert findings(page) == [], theme


def test_axe_finds_nothing_on_an_entry_that_stands_open(signed_in, watched_model):
    page = signed_in("priya")
    page.goto(f"/models/{watched_model}/trail/?event=monitoring.run_completed")
    page.locator("#entries a.name").first.click()
    expect(page.locator("#verify .checks")).to_be_visible()

    for theme in THEMES:
        show(page, theme)
        assert findings(page) == [], theme


def test_axe_finds_nothing_where_one_signs_in(chromium, portal):
    page = chromium.new_page(base_url=portal.url)
    page.goto("/sign-in/")

    for theme in THEMES:
        show(page, theme)
        assert findings(page) == [], theme
    page.context.close()


@pytest.mark.parametrize("name", ["monitoring", "feature", "run", "breaches", "trail", "audit"])
def test_nothing_hangs_over_the_edge_of_a_phone(name, signed_in, watched_model):
    username, address = PAGES[name]
    page = signed_in(username, viewport={"width": 390, "height": 800})

    page.goto(address.format(ref=watched_model))

    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond <= 0


def test_the_first_tab_leads_past_the_rail(signed_in, watched_model):
    page = signed_in("priya")
    page.goto(f"/models/{watched_model}/monitoring/")

    page.keyboard.press("Tab")

    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    assert skip.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


FOCUS = """async () => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));  // scrolling takes a frame
  const element = document.activeElement, place = element.getBoundingClientRect();
  const outlined = e => e && getComputedStyle(e).outlineStyle !== 'none' && getComputedStyle(e).outlineWidth !== '0px';
  return {what: element.outerHTML.slice(0, 120), isOutlined: outlined(element) || outlined(element.closest('.find')),
          isInside: place.bottom > 0 && place.top < innerHeight};
}"""


def test_whatever_the_keyboard_reaches_is_seen_to_have_the_focus(signed_in, watched_model):
    page = signed_in("priya", reduced_motion="reduce")  # else Bootstrap scrolls slowly
    page.goto(f"/models/{watched_model}/monitoring/")
    reached = []

    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))

    assert [place for place in reached if not (place["isOutlined"] and place["isInside"])] == []


def test_on_a_phone_the_breaches_come_before_the_charts_and_these_open_at_the_newest_window(signed_in, watched_model):
    page = signed_in("priya", viewport={"width": 390, "height": 800})
    page.goto(f"/models/{watched_model}/monitoring/")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.chart-draw.newest')].every(c => c.querySelector('.main-svg'))"
    )

    tops = [page.locator(f"#{part}").bounding_box()["y"] for part in ("breaches", "auc")]
    hidden = page.evaluate(
        "[...document.querySelectorAll('.chart-box:has(.newest)')]"
        ".map(b => b.scrollWidth - b.clientWidth - b.scrollLeft)"
    )
    assert tops[0] < tops[1]
    assert hidden
    assert max(hidden) <= 1


def test_beside_the_charts_the_breaches_stand_on_top(signed_in, watched_model):
    page = signed_in("priya")
    page.goto(f"/models/{watched_model}/monitoring/")

    breaches, auc = (page.locator(f"#{part}").bounding_box() for part in ("breaches", "auc"))

    assert breaches["x"] > auc["x"]
    assert abs(breaches["y"] - auc["y"]) < 2


@pytest.mark.parametrize("width", [1440, 390])
def test_a_box_is_a_stop_of_the_keyboard_where_it_scrolls_and_nowhere_else(signed_in, watched_model, width):
    page = signed_in("priya", viewport={"width": width, "height": 800})
    page.goto(f"/models/{watched_model}/monitoring/")

    boxes = page.evaluate(
        "[...document.querySelectorAll('.tbox')].filter(b => b.checkVisibility())"
        ".map(b => [b.scrollWidth > b.clientWidth + 1 || b.scrollHeight > b.clientHeight + 1, b.tabIndex === 0])"
    )

    assert boxes
    assert [scrolls for scrolls, stops in boxes if scrolls != stops] == []
