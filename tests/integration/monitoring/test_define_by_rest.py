"""POST …/monitors/: a definition that does not fit its log is refused, column by column, and nothing is stored."""

import json

import pytest
from django.db import DatabaseError, transaction
from rest_framework.test import APIClient

from audit.models import RowHistory
from jobs.models import Schedule
from monitoring.models import Monitor, Run, Threshold
from tests import logs
from tests.cast import token_of_service


@pytest.fixture
def client(cast):
    _, secret = token_of_service(cast.pipeline, scopes=["models:write", "monitoring:write"], unit=cast.retail)
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


def test_the_key_of_a_monitors_samples_is_drawn_at_random_and_told_to_nobody(client, body, model):
    answers = [client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"name": name}).json() for name in "ab"]

    keys = [str(monitor.seed) for monitor in Monitor.objects.all()]
    assert len(set(keys)) == 2
    told = json.dumps([answers, client.get(f"/api/v1/models/{model.ref}/monitors/").json()])
    rows = [bytes(row.body).decode() for row in RowHistory.objects.filter(table_name="monitoring_monitor")]
    assert len(rows) >= 2
    assert not [key for key in keys if key in told or any(key in row for row in rows)]


def test_a_key_never_changes(client, body, model):
    client.post(f"/api/v1/models/{model.ref}/monitors/", body)

    with pytest.raises(DatabaseError, match="seed"), transaction.atomic():
        Monitor.objects.update(seed=1)


def sentences(answer) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"score": "points"}, "/columns/score", "no column 'points' in month=2026-01/part.parquet. It has row_id"),
        ({"features": [{"name": "channel", "kind": "number"}]}, "/columns/features/0/name", "a number is needed"),
        ({"features": [{"name": "income", "kind": "colour"}]}, "/columns/features/0/kind", "One of number, category"),
        ({"time": "decision", "decision": None}, "/columns/time", "a time such as"),
        ({"labels": "label"}, "/columns/labels", "There is no such field. The fields here are: row_id, time, features"),
        ({"cut_offs": [0.3, 3]}, "/columns/cut_offs/1", "between 0 and 1, got 3"),
        ({"time_zone": "Moon"}, "/columns/time_zone", "Unknown time zone 'Moon'"),
        ({"segments": ["channel", "channel"]}, "/columns/segments/1", "used for two things"),
    ],
)  # fmt: skip
def test_a_column_that_does_not_fit_is_named_with_the_reason(client, body, model, change, pointer, words):
    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"columns": logs.COLUMNS | change})

    assert answer.status_code == 422
    assert set(sentences(answer)) == {pointer}
    assert words in sentences(answer)[pointer]
    assert not Monitor.objects.exists()


def test_all_that_is_wrong_with_a_definition_comes_at_once(client, body, model):
    columns = {
        "row_id": "row_id",
        "time": "scored_at",
        "score": "channel",
        "labels": "label",
        "features": [{"name": "INCOME", "kind": "real"}, {"name": "utilisation", "kind": "number", "meening": "x"}],
        "label_known_at": "label_known_at",
    }
    limits = [
        {"metric": "psy", "side": "above", "watch": 0.1, "breach": 0.2, "rationale": "x"},
        {"metric": "auc_change", "side": "below", "watch": -0.1, "breach": 0.0, "rationale": "x"},
    ]
    body |= {"columns": columns, "limits": limits, "explained": {"flavour": "keras"}, "version": "9", "spam": "month"}
    body |= {"reference_location": "/etc", "reference_since": "2026-02-01", "reference_until": "2026-01-01"}

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body)

    found = sentences(answer)
    assert found.keys() == {
        "/version",
        "/spam",
        "/columns/labels",
        "/columns/score",
        "/columns/label_known_at",
        "/columns/features/0/name",
        "/columns/features/0/kind",
        "/columns/features/1/meening",
        "/limits/0/metric",
        "/limits/1/breach",
        "/explained/flavour",
        "/explained/method",
        "/reference_location",
        "/reference_until",
    }
    assert "is 'income' meant?" in found["/columns/features/0/name"]
    assert found["/version"] == f"{model.ref} has no version '9'. It has 1.0.0."
    assert found["/limits/0/metric"] == "There is no metric 'psy'. Is psi meant?"
    assert not Monitor.objects.exists()


def test_the_log_is_looked_at_for_nobody_who_may_not_monitor_it(cast, body, model):
    reader = APIClient()
    reader.force_login(cast.validator, backend="accounts.backends.ActiveAccountBackend")

    answer = reader.post(f"/api/v1/models/{model.ref}/monitors/", body | {"columns": {"row_id": "nothing"}})

    assert answer.status_code == 403
    assert "row_id" not in answer.content.decode()


@pytest.mark.parametrize(
    "field", ["location", "reference_location", "columns", "limits", "explained", "version", "name"]
)
def test_garbage_in_any_field_is_refused_in_sentences(client, body, model, field):
    for garbage in (None, 7, [], {}, "a\0b", "\ud800", "x" * 5000, "/" + "y/" * 240, [None], {"x": {}}):
        sent = json.dumps(body | {field: garbage, "unknown": 1})
        answer = client.generic("POST", f"/api/v1/models/{model.ref}/monitors/", sent, content_type="application/json")

        assert answer.status_code == 422, (garbage, answer.content)
        assert "/unknown" in sentences(answer)


def test_a_limit_must_be_a_finite_number(client, body, model):
    limit = '{"metric": "psi", "side": "above", "watch": 0.1, "breach": 1e999, "rationale": "x"}'
    sent = json.dumps(body | {"limits": ["@"]}).replace('"@"', limit)

    answer = client.generic("POST", f"/api/v1/models/{model.ref}/monitors/", sent, content_type="application/json")

    assert sentences(answer) == {"/limits/0/breach": "A number is wanted, got Infinity."}


def test_two_limits_on_one_figure_are_refused(client, body, model):
    limit = {"metric": "psi", "side": "above", "watch": 0.1, "breach": 0.2, "rationale": "x"}

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"limits": [limit, limit]})

    assert sentences(answer) == {
        "/limits/1/metric": "limits/0 is a threshold on the same figures; keep one of the two."
    }


def test_what_features_mean_and_are_measured_in_is_kept(client, body, model):
    income = {"name": "income", "kind": "number", "meaning": "Yearly income", "unit": "EUR"}
    columns = logs.COLUMNS | {"features": [income]}

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"columns": columns})

    assert answer.json()["columns"]["features"] == [income]
    assert client.get(f"/api/v1/models/{model.ref}/monitors/").json()[0]["columns"]["features"] == [income]


def test_the_bank_s_time_zone_is_taken_where_none_is_given(client, body, model, settings):
    settings.BANK_TIME_ZONE = "Asia/Taipei"

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body)

    assert answer.json()["columns"]["time_zone"] == "Asia/Taipei"


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


PSI = {"metric": "psi", "side": "above", "watch": 0.1, "breach": 0.25, "rationale": "Custom."}


@pytest.mark.parametrize(
    ("limits", "pointer", "words"),
    [
        ([PSI, PSI | {"metric": "acu_chnage"}], "/limits/1/metric", "Is auc_change meant?"),
        ([PSI, PSI | {"watch": 0.2}], "/limits/1/metric", "limits/0 is a threshold on the same figures"),
        ([PSI, PSI | {"column": "age"}], "/limits/1/column", "There is no feature 'age'"),
        ([PSI | {"side": "below", "breach": 0.05}], "/limits/0/side", "PSI is bad above a limit"),
    ],
)
def test_a_threshold_that_would_never_fire_is_refused_by_its_place(client, body, model, limits, pointer, words):
    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"limits": limits})

    assert (answer.status_code, pointers(answer)) == (422, {pointer})
    assert words in answer.json()["errors"][0]["detail"]
    assert not Monitor.objects.exists()


def test_thresholds_are_taken_by_column_and_said_of_the_monitor(client, body, model):
    limits = [PSI, PSI | {"column": "income", "watch": 0.2}]

    answer = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"limits": limits})

    assert [(t["column"], t["watch"]) for t in answer.json()["thresholds"]] == [("", 0.1), ("income", 0.2)]
    listed = client.get(f"/api/v1/models/{model.ref}/monitors/").json()
    assert listed[0]["thresholds"] == answer.json()["thresholds"]


def test_an_empty_list_of_thresholds_is_none_and_none_given_are_the_usual_ones(client, body, model):
    none = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"limits": []}).json()
    usual = client.post(f"/api/v1/models/{model.ref}/monitors/", body | {"name": "Other", "cadence": None}).json()

    assert none["thresholds"] == []
    assert {t["metric"] for t in usual["thresholds"]} >= {"psi", "score_psi", "auc_change"}


def test_a_run_is_asked_for_and_followed(client, body, model):
    monitor = client.post(f"/api/v1/models/{model.ref}/monitors/", body).json()["id"]

    answer = client.post(f"/api/v1/monitors/{monitor}/runs/", {})

    assert answer.status_code == 202
    followed = client.get(answer["Location"]).json()
    assert (followed["state"], followed["id"]) == ("queued", Run.objects.get().pk)
