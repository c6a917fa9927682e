"""POST …/monitors/: a definition that does not fit its log is refused, column by column, and nothing is stored."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services as accounts
from jobs.models import Schedule
from monitoring.models import Monitor, Run, Threshold
from tests import logs


@pytest.fixture
def client(cast):
    _, secret = accounts.make_token(
        account=cast.pipeline,
        name="test",
        scopes=["models:write", "monitoring:write"],
        unit=cast.retail,
        expires_at=timezone.now() + timedelta(days=1),
        by=cast.administrator,
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


@pytest.fixture
def body(folder, version):
    log = logs.write_log(folder / "log", seed=3, months=2)
    reference = logs.write_log(folder / "reference", seed=4, months=1)
    return {
        "name": "Originations",
        "version": version.label,
        "location": str(log),
        "columns": logs.COLUMNS,
        "reference_location": str(reference),
        "cadence": "monthly",
    }


def pointers(answer) -> set[str]:
    return {error["pointer"] for error in answer.json()["errors"]}


def test_a_definition_that_fits_is_stored_with_its_thresholds_and_schedule(client, body, model):
    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body)

    assert answer.status_code == 201, answer.json()
    assert Threshold.objects.filter(monitor=answer.json()["id"]).count() > 3
    assert Schedule.objects.get().arguments == {"monitor_id": answer.json()["id"]}


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"score": "points"}, "/columns/points", "there is no column 'points'"),
        ({"features": [{"name": "channel", "kind": "number"}]}, "/columns/channel", "a number is needed"),
        ({"features": [{"name": "income", "kind": "colour"}]}, "/columns/income", "kind must be number or category"),
        ({"time": "decision", "decision": None}, "/columns/decision", "a time such as"),
    ],
)
def test_a_column_that_does_not_fit_is_named_with_the_reason(client, body, model, change, pointer, words):
    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"columns": logs.COLUMNS | change})

    assert answer.status_code == 422
    error = next(e for e in answer.json()["errors"] if e["pointer"] == pointer)
    assert words in error["detail"]
    assert not Monitor.objects.exists()


@pytest.mark.parametrize("location", ["/etc/passwd", "relative/log", "/etc/*", "{folder}/../../../../../etc"])
def test_a_log_outside_the_configured_folders_is_refused(client, body, model, folder, location):
    body["location"] = location.format(folder=folder)

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body)

    assert (answer.status_code, pointers(answer)) == (422, {"/location"})


def test_a_link_cannot_lead_out_of_the_configured_folders(client, body, model, folder):
    (folder / "out").symlink_to("/etc")
    body["location"] = str(folder / "out")

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body)

    assert "outside the folders" in answer.json()["errors"][0]["detail"]


def test_a_threshold_whose_breach_lies_before_its_watch_is_refused(client, body, model):
    body["limits"] = [{"metric": "psi", "side": "above", "watch": 0.3, "breach": 0.1, "rationale": "x"}]

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body)

    assert pointers(answer) == {"/limits/0/breach"}


def test_a_run_is_asked_for_and_followed(client, body, model):
    monitor = client.post(f"/api/v1/models/{model.ref}/monitors/", body).json()["id"]

    answer = client.post(f"/api/v1/monitors/{monitor}/runs/", {})

    assert answer.status_code == 202
    followed = client.get(answer["Location"]).json()
    assert (followed["state"], followed["id"]) == ("queued", Run.objects.get().pk)
