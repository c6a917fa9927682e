"""A running portal, a browser, and people who are signed in."""

import itertools
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests import environment
from tests.browser.portal import start_portal
from tests.browser.steps import define_monitor, finish_run, register_by_rest
from tests.cast import PASSWORD
from tests.conftest import TEMPLATE_WITH_CAST, clone
from tests.services import ServiceMissing, find_chromium, start_redis

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HERE = Path(__file__).parent
_numbers = itertools.count()
SERVERS = ("DATABASE_URL", "MIGRATOR_DATABASE_URL", "BROKER_URL", "MLFLOW_TRACKING_URI")


def pytest_collection_modifyitems(items):
    """The thread first: what it made, the tests after it look at."""
    places = [place for place, item in enumerate(items) if item.path.parent == HERE]
    ordered = sorted((items[place] for place in places), key=lambda item: item.path.name != "test_thread.py")
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def redis_server():
    try:
        server = start_redis()
    except ServiceMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def chromium_program():
    try:
        return find_chromium()
    except ServiceMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="package")
def running_portal(chromium_program, redis_server, mlflow_server, template_with_cast, django_db_blocker):
    database = f"browser_{os.getpid()}_{next(_numbers)}"  # begun anew where other tests ran in between
    clone(template_with_cast, database, TEMPLATE_WITH_CAST)
    address = urlsplit(template_with_cast)
    place = f"{address.hostname}:{address.port}/{database}"
    own = (f"postgres://app:app@{place}", f"postgres://migrator:migrator@{place}", redis_server.url, mlflow_server.url)
    given = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    with django_db_blocker.unblock():
        portal = start_portal(
            Path(environment.FOLDER) / database,
            template_with_cast,
            database,
            given | dict(zip(SERVERS, own, strict=True)),
        )
        yield portal
        portal.stop()


@pytest.fixture(scope="package")
def chromium(chromium_program, running_portal):
    """One browser; every context of it has a profile of its own.

    It ends with this package: while it lives, Playwright's event loop keeps Django's ORM out of this thread.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def portal(running_portal, django_db_blocker):
    with django_db_blocker.unblock():
        yield running_portal


@pytest.fixture(scope="package")
def sessions():
    """Cookies by user name: each person signs in once a session."""
    return {}


@pytest.fixture
def signed_in(chromium, portal, sessions):
    """A page of a person of the cast, who signed in through the form."""
    contexts = []

    def signed_in(username: str, **options):
        if username not in sessions:
            sessions[username] = _sign_in(chromium, portal.url, username)
        context = chromium.new_context(
            base_url=portal.url,
            storage_state=sessions[username],
            **{"viewport": {"width": 1440, "height": 900}} | options,
        )
        contexts.append(context)
        return context.new_page()

    yield signed_in
    for context in contexts:
        context.close()


def _sign_in(browser, url: str, username: str) -> dict:
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Main").wait_for()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def watched_model(portal):
    """Ref of a model with figures: the one that an earlier test made, else one made here."""
    if "watched" not in portal.shared:
        described = portal.models()["card-default-scorecard"]
        ref = register_by_rest(portal, described)
        finish_run(portal, define_monitor(portal, ref, described))
        portal.shared["watched"] = ref
    return portal.shared["watched"]
