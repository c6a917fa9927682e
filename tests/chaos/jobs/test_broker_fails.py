"""Messages may be lost, doubled and late; jobs may not."""

import signal
import time

import pytest

from jobs import services
from jobs.models import Job
from jobs.queues import celery_app, publish
from tests.chaos.jobs import tiny_tasks
from tests.chaos.jobs.conftest import ask, effects_of_job, is_done, starts_of, state_of

JOBS = 4


def flush(redis):
    with celery_app.connection_for_write() as connection:
        connection.default_channel.client.flushall()


def kill_and_start(redis):
    redis.kill()
    redis.start()


def stop_for_a_while(redis):
    redis.stop()
    time.sleep(2)
    redis.start()


@pytest.mark.parametrize("misfortune", [flush, kill_and_start, stop_for_a_while])
def test_a_broker_that_forgets_everything_loses_no_job(redis, processes, wait_for, misfortune):
    processes.worker()
    running = ask(tiny_tasks.COUNT, steps=20)
    wait_for(lambda: starts_of(running))
    waiting = [ask(tiny_tasks.COUNT, steps=2) for _ in range(JOBS)]

    misfortune(redis)
    processes.scheduler()

    wait_for(lambda: is_done(running, *waiting))
    assert [effects_of_job(job) for job in [running, *waiting]] == [[1]] * (JOBS + 1)


def test_work_asked_for_while_the_broker_is_away_runs_when_it_is_back(redis, processes, wait_for):
    processes.worker()
    processes.scheduler()
    redis.stop()

    began = time.monotonic()
    job = ask(tiny_tasks.COUNT, steps=1)
    asked_in = time.monotonic() - began
    was_published = Job.objects.get(pk=job.pk).published_at is not None
    redis.start()

    wait_for(lambda: is_done(job))
    assert not was_published
    assert asked_in < 3
    assert effects_of_job(job) == [1]


def test_a_broker_that_hangs_holds_nobody_up_for_ever(redis, tables):
    redis.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        is_sent = publish(Job.objects.create(task=tiny_tasks.COUNT, arguments={"steps": 1}))
        waited = time.monotonic() - began
    finally:
        redis.process.send_signal(signal.SIGCONT)

    assert not is_sent
    assert waited < 10


def test_a_message_that_comes_ten_times_is_one_effect(processes, wait_for):
    jobs = [ask(tiny_tasks.COUNT, steps=3) for _ in range(JOBS)]
    for _ in range(9):
        for job in jobs:
            publish(job)

    processes.worker()

    wait_for(lambda: is_done(*jobs))
    late = ask(tiny_tasks.COUNT, steps=1)
    wait_for(lambda: is_done(late))
    assert [starts_of(job)[1:] for job in jobs] == [[]] * JOBS
    assert [effects_of_job(job) for job in jobs] == [[1]] * JOBS


def test_a_message_that_comes_after_the_end_does_nothing(processes, wait_for, cast):
    done, cancelled = ask(tiny_tasks.COUNT, steps=1), ask(tiny_tasks.COUNT, steps=1)
    services.ask_to_cancel(job=cancelled, by=cast.officer)
    processes.worker()
    wait_for(lambda: is_done(done))

    for job in (done, cancelled):
        publish(job)
    celery_app.send_task(tiny_tasks.COUNT, kwargs={"job_id": 10**9}, queue="default")
    celery_app.send_task(tiny_tasks.COUNT, kwargs={"job_id": done.pk, "sent_by": "a newer portal"}, queue="default")
    after = ask(tiny_tasks.COUNT, steps=1)

    wait_for(lambda: is_done(after))
    assert state_of(cancelled) == Job.State.CANCELLED
    assert (effects_of_job(done), effects_of_job(cancelled)) == ([1], [])
