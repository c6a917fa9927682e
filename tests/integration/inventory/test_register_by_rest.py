"""POST /api/v1/models/ and …/versions/: works; wrong token; bad fields; twice; stranger; too late."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services as accounts
from audit.models import Entry
from inventory.models import Model, ModelVersion
from inventory.services.columns import SORTS
from jobs.models import Job
from tests.cast import token_of_service

MODEL = {"external_id": "cards/pd", "name": "Card PD", "kind": "statistical", "unit": "retail"}
VERSION = {"label": "1.0.0", "mlflow_uri": "models:/card_pd/1"}


@pytest.fixture
def client_of(cast):
    def client(account=cast.pipeline, scopes=("models:write",), unit=cast.retail, days=30):
        if account.is_service:
            _, secret = token_of_service(account, scopes=list(scopes), unit=unit, days=days)
        else:
            expires_at = timezone.now() + timedelta(days=days)
            _, secret = accounts.make_token(
                account=account, name="test", scopes=list(scopes), unit=unit, expires_at=expires_at, by=account
            )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return client


@pytest.fixture
def model_body(cast):
    return MODEL | {"owner": cast.owner.person.hr_number}


def test_a_pipeline_registers_a_model_and_it_stands_on_the_trail(client_of, model_body):
    answer = client_of().post("/api/v1/models/", model_body)

    assert answer.status_code == 201
    model = Model.objects.get()
    assert answer.json()["ref"] == model.ref
    assert answer["ETag"]
    entry = Entry.objects.on_trail(f"inventory.model:{model.pk}").get()
    assert (entry.event, entry.through, entry.account) == ("inventory.model_registered", "api", "ci-pipeline")


def test_the_same_external_id_twice_is_one_model(client_of, model_body):
    client = client_of()
    first = client.post("/api/v1/models/", model_body)

    second = client.post("/api/v1/models/", model_body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert Model.objects.count() == 1


def test_the_same_external_id_with_other_content_is_refused_naming_what_differs(client_of, model_body):
    client = client_of()
    client.post("/api/v1/models/", model_body)

    answer = client.post("/api/v1/models/", model_body | {"name": "Another"})

    assert answer.status_code == 409
    assert "another name" in answer.json()["detail"]


def test_a_wrong_token_is_told_so_and_nothing_is_stored(cast, model_body):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer assay_guessed")

    answer = client.post("/api/v1/models/", model_body)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert "unknown, revoked or expired" in answer.json()["detail"]
    assert not Model.objects.exists()


def test_a_token_that_has_expired_or_was_revoked_is_refused(cast, client_of, model_body):
    client = client_of()
    accounts.revoke_token(token=cast.pipeline.tokens.get(), by=cast.administrator)

    assert client.post("/api/v1/models/", model_body).status_code == 401


def test_a_disabled_person_is_out_at_once(cast, client_of, model_body):
    client = client_of()
    accounts.disable_person(person=cast.owner.person, reason="Left the bank", by=cast.administrator)

    assert client.post("/api/v1/models/", model_body).status_code == 401


def test_a_token_that_may_only_read_cannot_register(client_of, model_body):
    answer = client_of(scopes=["models:read"]).post("/api/v1/models/", model_body)

    assert answer.status_code == 403
    assert "This token's scopes (models:read) do not permit this" in answer.json()["detail"]
    assert "the scope models:write" in answer.json()["detail"]


def test_who_names_neither_role_for_themselves_is_told_to(cast, client_of, model_body):
    client = client_of(account=cast.developer)

    refused = client.post("/api/v1/models/", model_body)
    named = client.post("/api/v1/models/", model_body | {"developer": cast.developer.person.hr_number})

    assert refused.status_code == 403
    assert "name yourself, HR-dan-developer, as its owner or developer" in refused.json()["detail"]
    assert named.status_code == 201


def test_in_a_unit_that_is_not_ones_own_no_name_helps_and_none_is_asked_for(cast, client_of, model_body):
    answer = client_of(account=cast.stranger, unit=cast.markets).post("/api/v1/models/", model_body)

    assert answer.status_code == 403
    assert "name yourself" not in answer.json()["detail"]


def sentences(answer) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


def test_every_bad_field_has_a_pointer(client_of, model_body):
    body = model_body | {"kind": "magic", "unit": "nowhere", "external_id": "MDL-1", "tier": 1}
    del body["name"]

    answer = client_of().post("/api/v1/models/", body)

    assert answer.status_code == 422
    assert set(sentences(answer)) == {"/kind", "/unit", "/external_id", "/tier", "/name"}
    assert sentences(answer)["/kind"].startswith("One of statistical, machine_learning")
    assert "The fields here are: external_id, name, kind" in sentences(answer)["/tier"]


@pytest.mark.parametrize(
    ("external_id", "words"),
    [("cards/versions", "may be versions"), ("MDL-9", "begin with MDL-"), ("cards pd", "made of letters, digits")],
)
def test_an_external_id_that_could_not_be_read_back_is_refused(client_of, model_body, external_id, words):
    answer = client_of().post("/api/v1/models/", model_body | {"external_id": external_id})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/external_id"]
    assert words in answer.json()["errors"][0]["detail"]
    assert not Model.objects.exists()


def test_a_unit_by_its_name_is_refused_with_the_codes_that_may_be_chosen(cast, client_of, model_body):
    answer = client_of(account=cast.owner).post("/api/v1/models/", model_body | {"unit": "Retail credit"})

    assert sentences(answer) == {
        "/unit": "There is no unit with the code 'Retail credit'. Yours are: retail (Retail credit)."
    }


def test_a_person_by_name_is_refused_with_the_numbers_that_may_be_chosen(cast, client_of, model_body):
    answer = client_of(account=cast.owner).post("/api/v1/models/", model_body | {"owner": "Olivia Owner"})

    assert sentences(answer) == {
        "/owner": "There is no active person with the HR number 'Olivia Owner'. Yours is HR-olivia-owner."
        " Owners and developers beside you: HR-dan-developer (Dan Developer)."
    }


def test_a_token_is_told_the_units_that_it_reaches_and_no_others(cast, client_of, model_body):
    answer = client_of(account=cast.officer, unit=cast.markets).post("/api/v1/models/", model_body | {"unit": "x"})

    assert sentences(answer)["/unit"].endswith("Yours are: markets (Markets).")


@pytest.mark.parametrize("code", ["a\x00b", 7, None, ["retail"], {"code": "retail"}, "x" * 5000])
def test_a_code_of_any_shape_is_refused_in_a_short_sentence(client_of, model_body, code):
    answer = client_of().post("/api/v1/models/", model_body | {"unit": code, "owner": code})

    assert answer.status_code == 422
    assert set(sentences(answer)) == {"/unit", "/owner"}
    assert max(map(len, sentences(answer).values())) < 400


def test_a_body_that_is_no_json_is_said_to_be_so(client_of):
    answer = client_of().post("/api/v1/models/", data="{", content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:assay:problem:unreadable"
    assert answer.json()["detail"].startswith("The body is no JSON: Expecting property name")


@pytest.mark.parametrize(
    ("method", "headers", "body", "status", "words"),
    [
        ("delete", {}, "", 405, "There is no DELETE at this address; it answers GET, POST"),
        ("post", {"Content-Type": "text/plain"}, "x", 415, "`Content-Type: application/json`"),
        ("get", {"Accept": "text/html"}, "", 406, "`Accept: application/json`"),
        ("post", {"Content-Type": "application/json"}, "[" * 100_000, 400, "nested more deeply"),
        ("post", {"Content-Type": "application/json"}, '"' + "x" * 3_000_000 + '"', 413, "less than 2.5 MB"),
        ("post", {"Content-Type": "application/json"}, b'{"name": "\xff"}', 400, "The body is no JSON"),
    ],
)
def test_a_request_that_cannot_be_read_is_told_what_to_send(client_of, method, headers, body, status, words):
    answer = client_of().generic(
        method.upper(), "/api/v1/models/", body, content_type=headers.get("Content-Type", ""), headers=headers
    )

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_who_sends_no_token_is_told_how(cast):
    answer = APIClient().get("/api/v1/models/")

    assert answer.status_code == 401
    assert "in the header `Authorization: Bearer" in answer.json()["detail"]


def test_a_browser_without_its_form_token_changes_nothing_and_is_told_why(cast, model_body):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(cast.owner, backend="accounts.backends.ActiveAccountBackend")

    answer = client.post("/api/v1/models/", model_body)

    assert (answer.status_code, Model.objects.exists()) == (403, False)
    assert "the form's CSRF token" in answer.json()["detail"]


def test_a_stranger_does_not_find_the_model(cast, client_of, model_body):
    client_of().post("/api/v1/models/", model_body)
    stranger = client_of(account=cast.stranger, unit=cast.markets)

    ref = Model.objects.get().ref
    assert stranger.get(f"/api/v1/models/{ref}/").status_code == 404
    assert stranger.get("/api/v1/models/cards/pd/").status_code == 404
    assert stranger.get("/api/v1/models/").json()["models"] == []
    assert stranger.post(f"/api/v1/models/{ref}/versions/", VERSION).status_code == 404


def test_an_idempotency_key_gives_the_first_answer_again(client_of, model_body):
    client = client_of()
    first = client.post("/api/v1/models/", model_body, headers={"Idempotency-Key": "k1"})

    again = client.post("/api/v1/models/", model_body, headers={"Idempotency-Key": "k1"})

    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replay"] == "true"


def test_an_idempotency_key_of_another_request_is_refused(client_of, model_body):
    client = client_of()
    client.post("/api/v1/models/", model_body, headers={"Idempotency-Key": "k1"})

    answer = client.post("/api/v1/models/", model_body | {"name": "Other"}, headers={"Idempotency-Key": "k1"})

    assert answer.status_code == 422


def test_a_refused_request_leaves_its_key_free(client_of, model_body):
    client = client_of()
    client.post("/api/v1/models/", model_body | {"unit": "nowhere"}, headers={"Idempotency-Key": "k1"})

    answer = client.post("/api/v1/models/", model_body | {"unit": "nowhere"}, headers={"Idempotency-Key": "k1"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/unit"


def test_an_edit_needs_the_etag_that_still_holds(client_of, model_body):
    client = client_of()
    etag = client.post("/api/v1/models/", model_body)["ETag"]

    assert client.patch("/api/v1/models/cards/pd/", {"name": "New"}).status_code == 428
    first = client.patch("/api/v1/models/cards/pd/", {"name": "New"}, headers={"If-Match": etag})
    late = client.patch("/api/v1/models/cards/pd/", {"name": "Newer"}, headers={"If-Match": etag})

    assert (first.status_code, first.json()["name"]) == (200, "New")
    assert late.status_code == 412
    assert Model.objects.get().name == "New"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("*", 200),
        ("{etag}", 200),
        ('"other", {etag}', 200),
        ('"a,b",,{etag} ,', 200),
        ('"other"', 412),
        ('"other","another"', 412),
        ("W/{etag}", 412),
        ("{bare}", 422),
        ('{etag} "other"', 422),
        ("*, {etag}", 422),
        (",", 422),
    ],
)
def test_if_match_takes_a_star_or_a_list_and_compares_strongly(client_of, model_body, sent, status):
    client = client_of()
    etag = client.post("/api/v1/models/", model_body)["ETag"]

    headers = {"If-Match": sent.format(etag=etag, bare=etag.strip('"'))}
    answer = client.patch("/api/v1/models/cards/pd/", {"name": "New"}, headers=headers)

    assert answer.status_code == status
    assert (Model.objects.get().name == "New") == (status == 200)
    if status == 422:
        assert sentences(answer)["/If-Match"].startswith("An ETag in double quotes")
    if sent.startswith("W/"):
        assert "send it without W/" in answer.json()["detail"]


def test_a_star_still_needs_a_record_that_one_may_see(cast, client_of, model_body):
    client_of().post("/api/v1/models/", model_body)
    stranger = client_of(account=cast.stranger, unit=cast.markets)

    answer = stranger.patch("/api/v1/models/cards/pd/", {"name": "New"}, headers={"If-Match": "*"})

    assert answer.status_code == 404


def test_a_version_is_taken_with_its_digest_pending(client_of, model_body):
    client = client_of()
    client.post("/api/v1/models/", model_body)

    answer = client.post("/api/v1/models/cards/pd/versions/", VERSION)

    assert answer.status_code == 202
    assert answer.json()["digest_state"] == "pending"
    job = Job.objects.get()
    assert (job.task, job.queue, job.arguments) == (
        "inventory.compute_digest",
        "ml",
        {"version_id": ModelVersion.objects.get().pk},
    )


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "http://169.254.169.254/", "models:/a/b/../../1", "runs:/x"])
def test_an_uri_that_is_no_model_of_the_registry_is_refused(client_of, model_body, uri):
    client = client_of()
    client.post("/api/v1/models/", model_body)

    answer = client.post("/api/v1/models/cards/pd/versions/", VERSION | {"mlflow_uri": uri})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/mlflow_uri"


def test_a_version_never_changes_what_it_is_bound_to(client_of, model_body, superuser):
    client = client_of()
    client.post("/api/v1/models/", model_body)
    client.post("/api/v1/models/cards/pd/versions/", VERSION)

    with pytest.raises(Exception, match="never changes"):
        superuser.execute("update inventory_modelversion set mlflow_uri = 'models:/other/1'")


@pytest.mark.parametrize("way", [f"{side}{key}" for key in SORTS for side in ("", "-")])
def test_models_are_sorted_over_their_pages_as_on_the_page_of_models(cast, client_of, model_body, monkeypatch, way):
    monkeypatch.setattr("inventory.api.views.PAGE", 2)
    client = client_of(account=cast.officer)
    for number in (2, 0, 1):
        client.post("/api/v1/models/", model_body | {"external_id": f"m{number}", "name": f"Model {number}"})
    browser = Client(headers={"host": "localhost"})
    browser.force_login(cast.officer, backend="accounts.backends.ActiveAccountBackend")

    seen, after = [], ""
    while after is not None:
        page = client.get("/api/v1/models/", {"after": after, "sort": way}).json()
        seen += [model["ref"] for model in page["models"]]
        after = page["next"]

    assert seen == [model.ref for model in browser.get("/models/", {"sort": way}).context["models"]]
    assert len(seen) == 3


def test_a_list_goes_on_where_the_page_before_ended(cast, client_of, model_body, monkeypatch):
    monkeypatch.setattr("inventory.api.views.PAGE", 2)
    client = client_of()
    for number in range(5):
        client.post("/api/v1/models/", model_body | {"external_id": f"m{number}"})

    seen, after = [], ""
    while after is not None:
        page = client.get("/api/v1/models/", {"after": after}).json()
        seen += [model["external_id"] for model in page["models"]]
        after = page["next"]

    assert seen == [f"m{number}" for number in range(5)]
