"""The database is away, for real: each answer says so in its own form, and the portal goes on once it is back."""

import json
from datetime import timedelta

import httpx
import pytest
from django.db import connections
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account, Unit
from portal.views.failures import is_database_away
from tests.cast import start_bank
from tests.conftest import migrate, name_everything
from tests.pages import browser_of, text_of
from tests.services import ServiceMissing
from tests.services.postgres import start_postgres
from tests.services.web_server import start_web


@pytest.fixture(scope="module")
def own_server(django_db_blocker):
    """A PostgreSQL of this module's own, since it is stopped; a bank with two administrators is in it."""
    try:
        server = start_postgres()
    except ServiceMissing as missing:
        pytest.skip(str(missing))
    migrate(server.url, "portal_that_loses_it")
    name_everything(server.url, "portal_that_loses_it")
    with django_db_blocker.unblock():
        start_bank()
    yield server
    connections.close_all()
    server.stop()


@pytest.fixture
def ada(own_server, django_db_blocker):
    name_everything(own_server.url, "portal_that_loses_it")
    with django_db_blocker.unblock():
        yield Account.objects.select_related("person").get(username="ada")
        connections.close_all()


@pytest.fixture
def page(ada):
    client = browser_of(ada)
    client.raise_request_exception = False
    return client


@pytest.fixture
def call(ada):
    _, secret = accounts.make_token(
        account=ada,
        name="t",
        scopes=["models:read"],
        unit=Unit.objects.get(code="group"),
        expires_at=timezone.now() + timedelta(days=1),
        by=ada,
    )
    client = browser_of(None)
    client.raise_request_exception = False
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


@pytest.fixture
def away(own_server):
    own_server.halt()
    yield
    own_server.start_again()


@pytest.mark.parametrize("address", ["/", "/models/", "/administration/", "/models/MDL-2026-0001/"])
def test_without_its_database_every_page_says_so_and_when_to_come_back(page, away, address):
    answer = page.get(address)

    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "The portal’s database is away" in text_of(answer)
    assert "load this page again" in text_of(answer)
    assert "sessionid" not in answer.cookies  # nobody is signed out by it


def test_twin_an_absence_that_is_not_recognised_is_a_500(page, call, away, monkeypatch):
    monkeypatch.setattr("portal.views.failures.is_database_away", lambda problem: False)

    answers = [page.get("/models/"), call.get("/api/v1/models/")]

    assert [answer.status_code for answer in answers] == [500, 500]


def test_a_form_that_was_sent_meanwhile_is_answered_so_too(page, away):
    answer = page.post("/sign-in/", {"username": "ada", "password": "x"})

    assert answer.status_code == 503
    assert "saved whole or not at all" in text_of(answer)


@pytest.mark.parametrize(("method", "address"), [("get", "models/"), ("post", "models/"), ("get", "breaches/")])
def test_without_its_database_the_api_answers_in_problem_details(call, away, method, address):
    answer = getattr(call, method)(f"/api/v1/{address}", content_type="application/json")

    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:assay:problem:database-away"
    assert "with the same Idempotency-Key" in answer.json()["detail"]


def test_health_says_which_part_is_away(page, away):
    answer = page.get("/health/")

    assert answer.status_code == 503
    assert answer.json() == {"status": "away", "parts": {"database": "away", "broker": "up", "files": "up"}}


@pytest.fixture
def served(page, call, tmp_path):
    """Asks a server of its own, over a socket: a test's client keeps connections that a server gives up."""
    server = start_web(tmp_path / "web.log")
    cookie = {"Cookie": f"sessionid={page.cookies['sessionid'].value}"}
    token = {"Authorization": call.defaults["HTTP_AUTHORIZATION"]}
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        asked = (("/", cookie), ("/api/v1/models/", token), ("/health/", {}))
        yield lambda: [client.get(address, headers=headers).status_code for address, headers in asked]
    server.stop()


def test_a_server_goes_on_by_itself_once_its_database_is_back(served, own_server):
    before = served()
    own_server.halt()
    meanwhile = served()
    own_server.start_again()

    assert before == [200, 200, 200]
    assert meanwhile == [503, 503, 503]
    assert served() == [200, 200, 200]


def test_a_refusal_of_the_database_is_no_absence(ada):
    with connections["default"].cursor() as cursor:
        cursor.execute("set statement_timeout = '20ms'")
        with pytest.raises(Exception, match="statement timeout") as slow:
            cursor.execute("select pg_sleep(2)")

    assert not is_database_away(slow.value)
    assert not is_database_away(ValueError("x"))


def test_what_fails_for_another_reason_is_a_500_in_the_same_two_forms(page, call, monkeypatch):
    def fail(*_args, **_named):
        raise ZeroDivisionError

    monkeypatch.setattr("inventory.models.model.ModelQuerySet.visible_to", fail)

    answers = [page.get("/models/"), call.get("/api/v1/models/")]

    assert [answer.status_code for answer in answers] == [500, 500]
    assert "Something failed in the portal" in text_of(answers[0])
    assert json.loads(answers[1].content)["type"] == "urn:assay:problem:failed"
