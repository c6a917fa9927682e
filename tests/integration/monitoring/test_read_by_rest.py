"""Reading what monitoring found by REST: lists with the pages' filters, windows with their reports and files."""

import base64
import hashlib
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services as accounts
from audit import effects
from audit.models import Attachment
from audit.services import attach
from inventory.filters import ModelFilter
from jobs.models import Job
from monitoring.api.views import BREACH_SORTS, MONITOR_SORTS, RUN_SORTS, WINDOW_SORTS
from monitoring.filters import BreachFilter
from monitoring.models import Breach, Explanation, Window
from monitoring.services import runs
from portal.views.api_guide import calls_of_schema
from tests import logs

LISTS = {"list_models": ModelFilter, "list_breaches": BreachFilter}


def client_of(cast, account, unit) -> APIClient:
    _, secret = accounts.make_token(
        account=account,
        name="reader",
        scopes=["models:read"],
        unit=unit,
        expires_at=timezone.now() + timedelta(days=1),
        by=account,
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


@pytest.fixture
def client(cast):
    return client_of(cast, cast.owner, cast.retail)


@pytest.fixture
def stranger(cast):
    return client_of(cast, cast.stranger, cast.markets)


@pytest.fixture
def monitor(define, perform, folder):
    """Two windows; income has moved far in the second."""
    logs.write_log(folder / "log", seed=7, months=2, shifts={2: 1.5})
    monitor = define(explained={"flavour": "sklearn", "method": "predict_proba", "output": 1, "link": "logit"})
    perform(monitor)
    return monitor


@pytest.fixture
def window(monitor):
    return Window.objects.order_by("-start_on").first()


@pytest.fixture
def explanation(window, model, version):
    job = Job.objects.get(key=f"{runs.EXPLAIN}:{window.pk}")
    return Explanation.objects.create(
        model=model,
        window=window,
        version=version,
        job=job,
        reference=window.run.reference,
        method="LinearExplainer",
        rows=1000,
        seed=1,
        scale="logit",
        importance={"income": 0.8},
        reference_importance={"income": 0.5},
        importance_change={"income": 0.0},
        reason_codes=[{"row": "ab12", "score": 0.2, "reasons": [{"feature": "income", "contribution": -0.4}]}],
        additivity_error=1e-9,
        rescored_rows=1000,
        rescored_unequal=0,
        rescoring_largest_difference=0.0,
        is_loaded_by_code=False,
        libraries={"shap": "0.54"},
    )


def file_on(record, model, role: str, **more) -> Attachment:
    sha256, _ = effects.keep([role.encode()])
    return attach(
        sha256=sha256,
        media_type="application/json",
        name=f"{role}.json",
        role=role,
        subject=record,
        trail=model,
        inputs={"window": "a" * 64},
        code_version="test",
        **more,
    )


def queries(client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


# ---- runs -------------------------------------------------------------------------------------------------
def test_runs_of_a_monitor_go_on_where_the_page_before_ended(cast, client, monitor, monkeypatch):
    monkeypatch.setattr("monitoring.api.views.PAGE", 2)
    asked = [runs.ask_for_run(monitor=monitor, by=cast.officer).pk for _ in range(4)]

    seen, after = [], ""
    while after is not None:
        page = client.get(f"/api/v1/monitors/{monitor.pk}/runs/", {"after": after}).json()
        seen += [run["id"] for run in page["runs"]]
        after = page["next"]

    assert seen == [*asked[::-1], monitor.runs.order_by("pk").first().pk]


def test_runs_are_narrowed_by_state_and_outcome(cast, client, monitor):
    waiting = runs.ask_for_run(monitor=monitor, by=cast.officer)
    address = f"/api/v1/monitors/{monitor.pk}/runs/"

    found = {
        query: [run["id"] for run in client.get(f"{address}?{query}").json()["runs"]]
        for query in ("state=queued", "outcome=computed", "state=done&state=queued")
    }

    assert found["state=queued"] == [waiting.pk]
    assert waiting.pk not in found["outcome=computed"]
    assert len(found["state=done&state=queued"]) == 2


# ---- breaches ---------------------------------------------------------------------------------------------
def test_breaches_are_those_of_the_page(client, monitor):
    found = client.get("/api/v1/breaches/", {"state": "all"}).json()["breaches"]

    assert {breach["id"] for breach in found} == set(Breach.objects.open().values_list("pk", flat=True))
    drifted = next(breach for breach in found if (breach["metric"], breach["column"]) == ("psi", "income"))
    assert (drifted["side"], drifted["threshold"], drifted["stands"]) == ("above", 0.25, True)


@pytest.mark.parametrize(
    ("query", "is_match"),
    [
        ("level=watch", lambda breach: breach["level"] == "watch"),
        ("metric=psi", lambda breach: breach["metric"] == "psi"),
        ("q=income", lambda breach: breach["column"] == "income"),
        ("state=past", lambda breach: not breach["stands"]),
        ("unit=markets", lambda breach: False),
    ],
)
def test_breaches_are_narrowed_as_on_the_page(client, monitor, query, is_match):
    every = client.get("/api/v1/breaches/?state=all").json()["breaches"]

    narrowed = client.get(f"/api/v1/breaches/?{'' if 'state' in query else 'state=all&'}{query}").json()["breaches"]

    assert narrowed == [breach for breach in every if is_match(breach)]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_every_filter_of_its_page(name):
    call = next(call for call in calls_of_schema() if call["id"] == name)

    assert {parameter["name"] for parameter in call["parameters"]} - {"after", "sort", "as_at"} == set(
        LISTS[name].base_filters
    )


@pytest.mark.parametrize(
    ("address", "pointer", "words"),
    [
        ("/api/v1/breaches/?level=red", "/level", "One of watch, breach is wanted, got 'red'."),
        ("/api/v1/breaches/?after=x", "/after", "What `next` of a page gave is wanted, got 'x'."),
        ("/api/v1/breaches/?after=99999999999999999999", "/after", "What `next` of a page gave is wanted"),
        ("/api/v1/breaches/?q=%00", "/q", "A text cannot hold the character NUL."),
        ("/api/v1/models/?tier=9", "/tier", "One of none, 1, 2, 3, 4 is wanted, got '9'."),
        ("/api/v1/models/?q=" + "x" * 101, "/q", "At most 100 characters are wanted, got 101."),
        ("/api/v1/models/?after=%00", "/after", "What `next` of a page gave is wanted"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_refused_in_a_sentence(client, address, pointer, words):
    answer = client.get(address)

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert error["detail"].startswith(words)


# ---- in order ----------------------------------------------------------------------------------------------
ORDERS = {
    "runs": (RUN_SORTS, lambda run: (run["id"], run["finished_at"], run["outcome"])),
    "breaches": (BREACH_SORTS, lambda b: (b["id"], b["start_on"], b["value"], b["model"])),
    "windows": (WINDOW_SORTS, lambda w: (w["start_on"], w["rows"], w["labelled"])),
    "monitors": (MONITOR_SORTS, lambda m: (m["name"], m["defined_at"])),
}


def addresses(monitor) -> dict[str, str]:
    return {
        "runs": f"/api/v1/monitors/{monitor.pk}/runs/?",
        "breaches": "/api/v1/breaches/?state=all&",
        "windows": f"/api/v1/monitors/{monitor.pk}/windows/?",
        "monitors": f"/api/v1/models/{monitor.model.ref}/monitors/?",
    }


def whole_list(client, address: str, name: str) -> list[dict]:
    """Every row, page by page where there are pages."""
    found, after = [], ""
    while after is not None:
        page = client.get(f"{address}&after={after}" if after else address).json()
        found += page[name] if isinstance(page, dict) else page
        after = page["next"] if isinstance(page, dict) else None
    return found


@pytest.mark.parametrize("name", ORDERS)
def test_a_list_is_sorted_as_asked_whatever_the_page_and_empty_values_last(cast, client, monitor, monkeypatch, name):
    monkeypatch.setattr("monitoring.api.views.PAGE", 3)
    for _ in range(4):
        runs.ask_for_run(monitor=monitor, by=cast.officer)
    sorts, values = ORDERS[name]
    ids = sorted(row["id"] for row in whole_list(client, addresses(monitor)[name], name))

    for place, key in enumerate(sorts):
        for way in (key, f"-{key}"):
            rows = whole_list(client, f"{addresses(monitor)[name]}sort={way}", name)
            shown = [values(row)[place] for row in rows]
            known = [value for value in shown if value is not None]
            assert sorted(row["id"] for row in rows) == ids, way
            assert known == sorted(known, reverse=way.startswith("-")), way
            assert shown[: len(known)] == known, way


@pytest.mark.parametrize("name", ORDERS)
def test_a_list_says_by_what_it_can_be_sorted_and_takes_nothing_else(client, monitor, name):
    sorts, _ = ORDERS[name]
    call = next(call for call in calls_of_schema() if call["id"] == f"list_{name}")
    [offered] = [parameter["choices"] for parameter in call["parameters"] if parameter["name"] == "sort"]

    answer = client.get(f"{addresses(monitor)[name]}sort=seed")

    ways = [way for key in sorts for way in (key, f"-{key}")]
    assert sorted(offered) == sorted(ways)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"] == f"One of {', '.join(ways)} is wanted, got 'seed'."


PLACES = {
    "out of range": [10**30, 1],
    "infinite": [float("inf"), 1],
    "a text": ["x", 1],
    "half of a surrogate pair": ["\ud800", 1],
    "a NUL": ["\0", 1],
    "a list": [[1], 1],
    "true": [True, 1],
    "nothing": [None, 10**30],
}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_was_made_up_is_refused_or_read_and_never_a_500(client, monitor, place):
    after = base64.urlsafe_b64encode(json.dumps(PLACES[place]).encode()).decode().rstrip("=")

    asked = [
        client.get(f"{addresses(monitor)[name]}sort={way}&after={after}").status_code
        for name in ("runs", "breaches")
        for key in ORDERS[name][0]
        for way in (key, f"-{key}")
    ]

    assert set(asked) <= {200, 422}


# ---- windows, reports, files ------------------------------------------------------------------------------
def test_older_windows_are_read_by_a_day(client, monitor):
    address = f"/api/v1/monitors/{monitor.pk}/windows/"

    assert [w["start_on"] for w in client.get(address).json()] == ["2026-02-01", "2026-01-01"]
    assert [w["start_on"] for w in client.get(f"{address}?before=2026-02-01").json()] == ["2026-01-01"]
    assert client.get(f"{address}?before=soon").json()["errors"][0]["pointer"] == "/before"


def test_a_window_is_read_by_itself_with_its_figures(client, window):
    alone = client.get(f"/api/v1/windows/{window.pk}/").json()

    listed = client.get(f"/api/v1/monitors/{window.monitor_id}/windows/").json()[0]
    assert alone == listed
    assert {"breach"} <= {figure["level"] for figure in alone["figures"]}


def test_what_drives_the_score_is_read_in_summary(client, window, explanation):
    answer = client.get(f"/api/v1/windows/{window.pk}/explanation/").json()

    assert (answer["importance"], answer["scale"]) == ({"income": 0.8}, "logit")
    assert answer["reason_codes"][0]["reasons"] == [{"feature": "income", "contribution": -0.4}]


@pytest.mark.outside_portal
def test_without_a_report_it_is_said_how_the_work_stands(client, monitor, window):
    address = f"/api/v1/windows/{window.pk}/explanation/"
    earlier = Window.objects.get(start_on="2026-01-01")

    waiting = client.get(address)
    job = Job.objects.get(key=f"{runs.EXPLAIN}:{window.pk}")
    Job.objects.filter(pk=job.pk).update(state="running", lease_until=timezone.now() + timedelta(minutes=1))
    Job.objects.filter(pk=job.pk).update(state="refused", message="No sandbox here.", finished_at=timezone.now())
    refused = client.get(address)
    older = client.get(f"/api/v1/windows/{earlier.pk}/explanation/")
    type(monitor).objects.filter(pk=monitor.pk).update(explained=None)
    never = client.get(address)

    assert {answer.status_code for answer in (waiting, refused, older, never)} == {404}
    assert waiting.json()["type"] == "urn:assay:problem:no-report-yet"
    assert "the work on it: waiting." in waiting.json()["detail"]
    assert "refused: No sandbox here." in refused.json()["detail"]
    assert "was not the newest window" in older.json()["detail"]
    assert "explains nothing" in never.json()["detail"]


@pytest.mark.outside_portal
def test_files_are_listed_with_their_digests_and_downloaded(client, window, model, explanation):
    file_on(window, model, "evidently figures")
    file_on(explanation, model, "shap report")

    files = client.get(f"/api/v1/windows/{window.pk}/files/").json()

    assert [file["role"] for file in files] == ["evidently figures", "shap report"]
    for file in files:
        answer = client.get(file["download"])
        content = b"".join(answer.streaming_content)
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.outside_portal
def test_rows_of_customers_are_handed_to_no_program(client, window, model):
    file = file_on(window, model, "sampled rows", retention="sample")

    listed = client.get(f"/api/v1/windows/{window.pk}/files/").json()

    assert [entry["download"] for entry in listed] == [None]
    refused = client.get(f"/api/v1/files/{file.pk}/")
    assert refused.status_code == 403
    assert "holds rows of customers" in refused.json()["detail"]


@pytest.mark.outside_portal
def test_a_stranger_finds_none_of_it(stranger, monitor, window, model, explanation):
    file = file_on(window, model, "shap report")
    places = [f"monitors/{monitor.pk}/runs", f"windows/{window.pk}", f"files/{file.pk}"]
    places += [f"windows/{window.pk}/{part}" for part in ("explanation", "files")]

    assert {stranger.get(f"/api/v1/{place}/").status_code for place in places} == {404}
    assert stranger.get("/api/v1/breaches/?state=all").json()["breaches"] == []


@pytest.mark.outside_portal
def test_lists_take_as_many_queries_for_many_rows_as_for_few(cast, client, monitor, window, model, explanation):
    addresses = [f"/api/v1/monitors/{monitor.pk}/runs/", "/api/v1/breaches/?state=all"]
    addresses += [f"/api/v1/windows/{window.pk}/files/", f"/api/v1/monitors/{monitor.pk}/windows/"]
    file_on(window, model, "report 0")
    few = [queries(client, address) for address in addresses]

    for number in range(1, 6):
        runs.ask_for_run(monitor=monitor, by=cast.officer)
        file_on(explanation, model, f"report {number}")

    assert [queries(client, address) for address in addresses] == few
