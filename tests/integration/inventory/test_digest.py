"""The ml queue digests what MLflow serves: matches, differs from the claim, is gone, is not to be had."""

import pytest
from django.conf import settings

from audit.models import Entry
from inventory import services
from inventory.models import ModelVersion
from jobs import services as jobs
from jobs.models import Job
from tests.conftest import put_into_registry
from tests.pages import browser_of, text_of
from worker.running import run_claimed
from worker.tasks.inventory import compute_digest


@pytest.fixture
def model(cast):
    model, _ = services.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        by=cast.owner,
    )
    return model


@pytest.fixture
def settle(cast, model):
    """Register a version and do its digest job here, as a worker would."""

    def settle(uri: str, label: str = "1.0.0", claimed: str = "") -> ModelVersion:
        version, _ = services.register_version(
            model=model, label=label, mlflow_uri=uri, claimed_digest=claimed, by=cast.owner
        )
        run_claimed(jobs.claim(job_id=Job.objects.get(key=f"digest:{version.pk}").pk), compute_digest)
        version.refresh_from_db()
        return version

    return settle


def test_a_version_is_bound_to_the_digest_of_its_artefact(settle, registered_scorecard, model):
    version = settle(registered_scorecard)

    assert version.digest_state == "verified", version.digest_note
    assert (version.flavour, version.is_loaded_by_code) == ("sklearn", False)
    assert {column["name"] for column in version.signature["inputs"]} == {"income", "utilisation", "channel"}
    entry = Entry.objects.get(event="inventory.digest_verified")
    assert entry.data["digest"] == version.digest


def test_the_same_artefact_has_the_same_digest_and_a_right_claim_holds(settle, registered_scorecard):
    first = settle(registered_scorecard)

    second = settle(registered_scorecard, label="1.0.1", claimed=first.digest)

    assert (second.digest_state, second.digest) == ("verified", first.digest)


def test_a_claim_that_differs_refuses_the_version_and_says_both(settle, registered_scorecard):
    version = settle(registered_scorecard, claimed="0" * 64)

    assert version.digest_state == "mismatch"
    assert "0" * 64 in version.digest_note
    assert version.digest in version.digest_note
    assert Entry.objects.filter(event="inventory.digest_mismatch").exists()


def test_a_pickle_is_marked_as_loaded_by_code(settle, mlflow_server):
    version = settle(put_into_registry(mlflow_server, "card_pd_pickle", "opaque"))

    assert (version.digest_state, version.is_loaded_by_code) == ("verified", True)


def test_a_model_that_mlflow_does_not_have_is_said_to_be_missing(settle, mlflow_server):
    version = settle("models:/nothing/1")

    assert version.digest_state == "failed"
    assert "Was it deleted" in version.digest_note


def test_a_server_that_is_away_leaves_the_job_to_be_tried_again(settle, mlflow_server, monkeypatch):
    monkeypatch.setattr(settings, "MLFLOW_TRACKING_URI", "http://127.0.0.1:9")

    version = settle("models:/card_pd/1")

    assert version.digest_state == "pending"
    assert (Job.objects.get().state, Job.objects.get().attempts) == ("queued", 1)


def test_what_could_not_be_read_is_read_again_on_request(cast, settle, mlflow_server, registered_scorecard):
    version = settle("models:/later/1")
    put_into_registry(mlflow_server, "later", "scorecard")

    page = text_of(browser_of(cast.owner).get(f"/models/{version.model.ref}/versions/"))
    answer = browser_of(cast.owner).post(f"/versions/{version.pk}/digest/")
    run_claimed(jobs.claim(job_id=Job.objects.get(state="queued").pk), compute_digest)

    version.refresh_from_db()
    assert "Read the artefact again" in page
    assert answer.status_code == 302
    assert (version.digest_state, version.digest_note) == ("verified", "")
    assert Entry.objects.filter(event="inventory.digest_retried").count() == 1


def test_a_digest_that_stands_is_not_asked_for_again(cast, settle, registered_scorecard):
    version = settle(registered_scorecard)

    page = text_of(browser_of(cast.owner).get(f"/models/{version.model.ref}/versions/"))
    answer = browser_of(cast.owner).post(f"/versions/{version.pk}/digest/")

    assert "Read the artefact again" not in page
    assert answer.status_code == 409
    assert "only one that could not be computed" in text_of(answer)
    assert not Job.objects.filter(state="queued").exists()


def test_only_who_may_change_the_model_asks_again(cast, settle, mlflow_server):
    version = settle("models:/nothing/1")

    assert browser_of(cast.validator).post(f"/versions/{version.pk}/digest/").status_code == 403
    assert browser_of(cast.stranger).post(f"/versions/{version.pk}/digest/").status_code == 404
    version.refresh_from_db()
    assert version.digest_state == "failed"
