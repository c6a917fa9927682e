"""Files by digest: handed out as they were filed, to who may see the model, never as a page of ours."""

import pytest
from django.db import transaction

from audit import effects
from audit.models import Artefact, Attachment
from audit.reading import entries_on
from audit.services import Retention, attach, erase_artefact
from inventory import services
from tests.pages import browser_of, text_of

PAGE = b"<!doctype html><script>document.title = 'theirs'</script>"


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
def file(model, outside_portal):
    """File some bytes on the model's trail; keyword arguments override."""

    def file(content: bytes = PAGE, **changes) -> Attachment:
        sha256, _ = effects.keep([content])
        given = {"media_type": "text/html", "name": "evidently.html", "role": "evidently page"}
        given |= {"subject": model, "trail": model, "inputs": {}, "code_version": "test"}
        with transaction.atomic():
            return attach(sha256=sha256, **(given | changes))

    return file


def test_a_file_is_handed_out_as_an_attachment_that_runs_nothing(cast, file):
    answer = browser_of(cast.auditor).get(f"/files/{file().pk}/")

    assert answer.getvalue() == PAGE
    assert answer["Content-Disposition"] == 'attachment; filename="evidently.html"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "allow-scripts" not in answer["Content-Security-Policy"]


def test_a_file_is_saved_under_the_ending_of_its_type(cast, file):
    values = file(b"PK", media_type="application/x-npz", name="SHAP values, Mar 2026", role="shap report")

    answer = browser_of(cast.auditor).get(f"/files/{values.pk}/")

    assert 'filename="SHAP values, Mar 2026.npz"' in answer["Content-Disposition"]


def test_rows_of_customers_are_handed_to_nobody(cast, file):
    sample = file(b"rows", name="reference sample 1", role="reference sample", retention=Retention.SAMPLE)

    answer = browser_of(cast.officer).get(f"/files/{sample.pk}/")

    assert answer.status_code == 403
    assert "This file holds rows of customers." in text_of(answer)


def test_a_report_runs_in_a_frame_without_an_origin(cast, file):
    answer = browser_of(cast.auditor).get(f"/framed/reports/{file().pk}/")

    policy = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    assert answer.getvalue() == PAGE
    assert policy["sandbox"] == "allow-scripts"
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert "connect-src" not in policy
    assert "X-Frame-Options" not in answer


def test_only_a_report_is_framed(cast, file):
    figures = file(b"{}", media_type="application/json", name="evidently.json", role="evidently figures")

    assert browser_of(cast.auditor).get(f"/framed/reports/{figures.pk}/").status_code == 404


@pytest.mark.parametrize("address", ["/files/{}/", "/framed/reports/{}/"])
def test_who_may_not_see_the_model_does_not_see_its_files(cast, file, address):
    filed = file()

    assert browser_of(cast.stranger).get(address.format(filed.pk)).status_code == 404
    assert browser_of(cast.administrator).get(address.format(filed.pk)).status_code == 404
    assert browser_of(None).get(address.format(filed.pk)).status_code == 302
    assert browser_of(cast.auditor).post(address.format(filed.pk)).status_code == 405
    assert browser_of(cast.auditor).get(address.format(filed.pk + 1)).status_code == 404


def test_a_file_on_a_trail_of_another_kind_is_there_for_who_sees_the_whole_log(cast, file):
    filed = file(trail=cast.owner.person)

    assert browser_of(cast.officer).get(f"/files/{filed.pk}/").status_code == 200
    assert browser_of(cast.owner).get(f"/files/{filed.pk}/").status_code == 404


def test_a_file_whose_bytes_were_lost_is_not_there(cast, file):
    filed = file(b"to be lost")
    effects.path_of(Artefact.objects.get(pk=filed.artefact_id).sha256).unlink()

    assert browser_of(cast.officer).get(f"/files/{filed.pk}/").status_code == 404


@pytest.mark.parametrize("address", ["/files/{}/", "/framed/reports/{}/"])
def test_an_erased_file_says_who_erased_it_when_and_why_and_its_digest(cast, file, address):
    filed = file(b"rows", retention=Retention.SAMPLE)
    tombstone = erase_artefact(artefact=filed.artefact, reason="Kept for seven years", by=cast.officer)

    answer = browser_of(cast.auditor).get(address.format(filed.pk))

    page = text_of(answer)
    assert answer.status_code == 410
    assert f"Priya Officer erased it on {tombstone.erased_at:%d %b %Y}" in page
    assert "Kept for seven years" in page
    assert tombstone.sha256 in page
    assert browser_of(cast.stranger).get(address.format(filed.pk)).status_code == 404


def test_the_entry_on_the_models_trail_says_that_its_file_was_erased(cast, file, model):
    filed = file(b"rows", name="sample 1", role="sample", retention=Retention.SAMPLE)
    erase_artefact(artefact=filed.artefact, reason="Kept for seven years", by=cast.officer)
    entry = entries_on(model).first()

    page = text_of(browser_of(cast.auditor).get(f"/models/{model.ref}/trail/?entry={entry.pk}"))

    assert "File erased" in page
    assert "Kept for seven years" in page
