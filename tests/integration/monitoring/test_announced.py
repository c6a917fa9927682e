"""What a model's trail says, in the words of the business, of what people ask for and what is refused."""

import re

import pytest

from accounts.refusals import NotNow
from audit.events import say
from audit.models import Entry, subject_name
from inventory import services as inventory
from inventory.services import digest_of
from jobs import services as jobs
from jobs.models import Job
from monitoring.models import Window
from monitoring.services import reports, runs
from tests import logs


def trail(model) -> list[tuple[str, str]]:
    """(event, sentence) of each entry on the model's trail, oldest first."""
    entries = Entry.objects.on_trail(subject_name(model)).order_by("id")
    return [(entry.event, say(entry.event, entry.data)) for entry in entries]


def sentence(model, event: str) -> str:
    return dict(trail(model))[event]


@pytest.fixture
def window(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=1)
    perform(define())
    return Window.objects.get()


def test_registering_and_editing_say_what_and_what_it_was_before(cast, model, version):
    inventory.edit_model(model=model, changes={"name": "Card PD, new"}, expected_digest=digest_of(model), by=cast.owner)

    assert sentence(model, "inventory.version_registered") == "1.0.0 from models:/card_pd/1"
    assert sentence(model, "inventory.model_edited") == "name: Card PD → Card PD, new"


def test_an_artefact_that_cannot_be_read_says_why(model, version):
    job = jobs.claim(job_id=Job.objects.get(key=f"digest:{version.pk}").pk)

    inventory.fail_digest(version=version, reason="MLflow has no such version", job=job)

    assert sentence(model, "inventory.digest_failed") == "1.0.0: MLflow has no such version"


def test_a_monitor_its_reference_and_its_runs_are_announced(model, window):
    events = [event for event, _ in trail(model)]

    assert sentence(model, "monitoring.monitor_defined").startswith("Originations: ")
    assert "month windows" in sentence(model, "monitoring.monitor_defined")
    assert sentence(model, "monitoring.run_asked").startswith("Originations, outcomes as of 2026-11-01")
    assert "reference no. 1, " in sentence(model, "monitoring.reference_fitted")
    assert events.index("monitoring.run_asked") < events.index("monitoring.reference_fitted")


def test_a_run_on_a_log_that_is_gone_is_refused_with_the_reason(model, define, perform, folder):
    log = logs.write_log(folder / "log", seed=7, months=1)
    monitor = define()
    for path in sorted(log.rglob("*.parquet")):
        path.unlink()

    run = perform(monitor)

    assert run.outcome == "refused"
    assert sentence(model, "monitoring.run_refused") == f"{run.ref}: {run.reasons[0]}"


def test_a_refused_report_says_why_and_can_be_asked_for_again(cast, model, window):
    job = jobs.claim(job_id=Job.objects.get(key=f"{runs.REPORT}:{window.pk}").pk)
    reports.refuse_report(window=window, reason="Evidently needs more rows", job=job)
    job.refresh_from_db()

    reports.retry_report(window=window, job=job, by=cast.officer)

    assert sentence(model, "monitoring.report_refused") == f"{window.label}: Evidently needs more rows"
    assert sentence(model, "monitoring.report_asked_again") == f"{window.label}: {runs.REPORT}"
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    with pytest.raises(NotNow):
        reports.retry_report(window=window, job=job, by=cast.officer)


def test_a_breach_says_of_what_how_much_in_which_unit_and_beyond_which_limit(model, define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2, shifts={2: 1.5})

    perform(define())

    said = [words for event, words in trail(model) if event == "monitoring.breach_opened"]
    assert any(re.fullmatch(r"PSI of income is \d\.\d{3} nats in Feb 2026, above 0\.250", words) for words in said)
    assert any(re.fullmatch(r"PSI of the score is \d\.\d{3} nats in Feb 2026, above 0\.250", words) for words in said)
