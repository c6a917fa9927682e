"""Background work: what is shown to whom, and another try."""

import pytest
from django.utils import timezone

from jobs.models import Job
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
    for state in ("poisoned", "queued", "done"):
        job_in(state)
    for_three = queries_of(client, PLACE)
    for _ in range(9):
        for state in ("poisoned", "queued", "done"):
            job_in(state)

    assert queries_of(client, PLACE) == for_three
