"""Background work: what is shown to whom, and another try."""

import pytest
from django.utils import timezone

from inventory import services as inventory
from jobs.models import Job
from monitoring.models import Monitor, Run, Window
from tests.pages import HTMX, browser_of, queries_of, text_of

PLACE = "/administration/jobs/"


@pytest.fixture
def job_in(cast):
    """A job in a state, as workers would have left it."""

    def job_in(state, message="MLflow did not answer") -> Job:
        return Job.objects.create(
            task="inventory.compute_digest",
            queue="ml",
            asked_by=cast.officer,
            state=state,
            attempts=3,
            message=message,
            finished_at=timezone.now() if state not in ("queued", "running") else None,
            lease_until=timezone.now() if state == "running" else None,
        )

    return job_in


def register(cast, name):
    model, _ = inventory.register_model(
        external_id=name, name=name, kind="statistical", unit=cast.retail, owner=cast.owner.person, by=cast.officer
    )
    version, _ = inventory.register_version(model=model, label="1.0", mlflow_uri="models:/card_pd/1", by=cast.officer)
    return version


def start_run(cast, model):
    monitor = Monitor.objects.create(
        model=model,
        version=model.versions.get(),
        name="Originations",
        location="/logs",
        columns={"features": []},
        reference_location="/logs",
        seed=1,
        defined_by=cast.officer.person,
    )
    job = Job.objects.create(task="monitoring.run", asked_by=cast.officer, arguments={"monitor_id": monitor.pk})
    return Run.objects.create(model=model, monitor=monitor, job=job, labels_as_of=timezone.now())


def retry(account, job, **options):
    return browser_of(account).post(f"{PLACE}{job.pk}/retry/", **options)


def test_jobs_stand_by_what_became_of_them(cast, job_in):
    job_in("poisoned", "The artefact server is away")
    job_in("running", "")
    job_in("refused", "Outside the log folders")

    page = text_of(browser_of(cast.officer).get(PLACE))

    assert "The artefact server is away" in page
    assert "Outside the log folders" in page
    assert "Waiting and running" in page
    assert "Try again" in page


@pytest.mark.outside_portal
def test_a_job_says_what_it_is_about_and_leads_there(cast, job_in):
    version = register(cast, "Card PD")
    Job.objects.filter(pk=job_in("done", f"sha256 {'a' * 64}").pk).update(arguments={"version_id": version.pk})
    run = start_run(cast, version.model)

    page = text_of(browser_of(cast.officer).get(PLACE))

    assert f'<a class="name" href="/models/{version.model.ref}/versions/">Digest of 1.0</a>' in page
    assert f'<a class="name" href="/runs/{run.pk}/">Run {run.ref}</a>' in page
    assert '<div class="qq">Card PD</div>' in page
    assert "sha256 aaaa…aaaa" in page
    assert "a" * 64 not in page


@pytest.mark.outside_portal
def test_who_sees_no_models_is_told_no_models_name(cast):
    run = start_run(cast, register(cast, "Card PD").model)

    page = text_of(browser_of(cast.administrator).get(PLACE))

    assert f"<b>Run {run.ref}</b>" in page
    assert "Card PD" not in page


@pytest.mark.outside_portal
def test_a_report_was_asked_for_by_its_run(cast):
    run = start_run(cast, register(cast, "Card PD").model)
    window = Window.objects.create(
        monitor=run.monitor, run=run, start_on="2026-03-01", end_on="2026-03-31", revision=1, rows=1, labelled=0
    )
    Job.objects.create(task="monitoring.report", arguments={"window_id": window.pk})
    Job.objects.create(task="monitoring.run", arguments={"monitor_id": run.monitor_id})

    page = text_of(browser_of(cast.officer).get(PLACE))

    assert ">Evidently report, Mar 2026</a>" in page
    assert page.count(f'<td class="cut cut-s">{run.ref}</td>') == 1
    assert page.count('<td class="cut cut-s">The schedule</td>') == 1


def test_a_running_job_is_never_all_done(cast, job_in):
    Job.objects.filter(pk=job_in("running").pk).update(done_count=10, total_count=10)

    assert '<td class="num" data-l="Done">99</td>' in text_of(browser_of(cast.officer).get(PLACE))


def test_with_nothing_to_show_the_page_says_what_it_is_for(cast):
    assert "survives a killed worker" in text_of(browser_of(cast.officer).get(PLACE))


def test_a_job_that_failed_three_times_gets_three_more_attempts(cast, job_in):
    job = job_in("poisoned")

    answer = retry(cast.officer, job, follow=True)

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("queued", 0)
    assert "three more attempts" in text_of(answer)


@pytest.mark.parametrize("state", ["queued", "running", "done"])
def test_a_job_that_has_not_failed_is_left_alone(cast, job_in, state):
    job = job_in(state)

    answer = retry(cast.officer, job, follow=True)

    job.refresh_from_db()
    assert job.state == state
    assert "only a job that ended without its work" in text_of(answer)


def test_an_auditor_sees_jobs_and_starts_none(cast, job_in):
    job = job_in("poisoned")

    assert "Try again" not in text_of(browser_of(cast.auditor).get(PLACE))
    assert retry(cast.auditor, job).status_code == 403
    job.refresh_from_db()
    assert job.state == "poisoned"


@pytest.mark.parametrize("who", ["owner", "stranger", "member"])
def test_others_see_no_jobs_and_start_none(cast, job_in, who):
    account, job = getattr(cast, who), job_in("poisoned")

    assert browser_of(account).get(PLACE).status_code == 403
    assert retry(account, job).status_code == 403


def test_jobs_ask_to_sign_in_and_refuse_other_methods(cast, job_in):
    job = job_in("poisoned")

    assert browser_of(None).get(PLACE).status_code == 302
    assert retry(None, job).status_code == 302
    assert browser_of(cast.officer).post(PLACE).status_code == 405
    assert browser_of(cast.officer).get(f"{PLACE}{job.pk}/retry/").status_code == 405
    assert browser_of(cast.officer).post(f"{PLACE}999/retry/").status_code == 404


def test_htmx_gets_what_is_unfinished_alone(cast, job_in):
    job_in("running", "")

    answer = browser_of(cast.officer).get(PLACE, headers=HTMX).content.decode()

    assert answer.strip().startswith('<section class="panel" id="unfinished"')
    assert "<html" not in answer


def test_jobs_take_as_many_queries_for_thirty_as_for_three(cast, job_in):
    client = browser_of(cast.officer)
    first = register(cast, "Card LGD")
    for state in ("poisoned", "queued", "done"):
        Job.objects.filter(pk=job_in(state).pk).update(arguments={"version_id": first.pk})
    for_three = queries_of(client, PLACE)
    version = register(cast, "Card PD")
    for _ in range(9):
        for state in ("poisoned", "queued", "done"):
            Job.objects.filter(pk=job_in(state).pk).update(arguments={"version_id": version.pk})

    assert queries_of(client, PLACE) == for_three
