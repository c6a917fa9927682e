"""The broker is away, for real: the row is the job, so what is asked for is taken, and sent once the broker is back."""

from datetime import timedelta

import kombu
import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.queues import celery_app
from jobs.services import reconcile
from monitoring.models import Run
from tests import logs
from tests.pages import browser_of, text_of
from tests.services import ServiceMissing, start_redis


@pytest.fixture
def redis(monkeypatch):
    """A real Redis that this process publishes to."""
    try:
        server = start_redis()
    except ServiceMissing as missing:
        pytest.skip(str(missing))
    monkeypatch.setattr(celery_app.conf, "broker_url", server.url)
    forget_connections()
    yield server
    server.remove()
    monkeypatch.undo()
    forget_connections()


def forget_connections() -> None:
    kombu.pools.reset()
    celery_app._pool = celery_app.amqp._producer_pool = None


@pytest.fixture
def monitor(define, folder):
    logs.write_log(folder / "log", seed=7, months=1)
    return define()


def waits() -> tuple[str, bool]:
    job = Job.objects.get(task="monitoring.run")
    return job.state, job.published_at is not None


def test_a_run_that_is_asked_for_by_page_is_taken_without_a_broker(cast, monitor, redis):
    redis.stop()

    page = browser_of(cast.officer).post(f"/monitors/{monitor.pk}/run/", follow=True)

    assert page.status_code == 200
    assert Run.objects.get().ref in text_of(page)
    assert "Waiting" in text_of(page)
    assert waits() == ("queued", False)


def test_a_run_that_is_asked_for_by_the_api_is_taken_without_a_broker_and_sent_once_it_is_back(cast, monitor, redis):
    redis.stop()
    client = browser_of(cast.officer)

    answer = client.post(f"/api/v1/monitors/{monitor.pk}/runs/", {}, content_type="application/json")
    before = waits()
    redis.start()
    Job.objects.update(queued_at=timezone.now() - timedelta(minutes=1))
    reconcile()

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert before == ("queued", False)
    assert waits() == ("queued", True)


def test_health_says_that_the_broker_is_away_and_that_pages_can_still_be_shown(db, redis):
    client = browser_of(None)
    before = client.get("/health/").status_code
    redis.stop()

    answer = client.get("/health/")

    assert (before, answer.status_code) == (200, 503)
    assert answer.json()["parts"] == {"database": "up", "broker": "away", "files": "up"}
    assert client.get("/health/?part=database").json() == {"status": "up", "parts": {"database": "up"}}
