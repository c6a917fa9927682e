"""How a job ends, in real workers: poisoned, cancelled, tried again."""

import os
import signal

from jobs import services
from jobs.models import Job
from tests.chaos.jobs import tiny_tasks
from tests.chaos.jobs.conftest import ask, effects_of_job, is_done, starts_of, state_of


def test_three_failures_poison_a_job_and_the_queue_flows_on(processes, wait_for):
    processes.worker(concurrency=1)
    processes.scheduler()
    poison, forgetful = ask(tiny_tasks.FAILING, fails=9), ask(tiny_tasks.FORGETFUL)
    lucky, after = ask(tiny_tasks.FAILING, fails=2), ask(tiny_tasks.COUNT, steps=1)

    wait_for(lambda: is_done(lucky, after))
    wait_for(lambda: {state_of(poison), state_of(forgetful)} == {Job.State.POISONED})

    assert [fence for fence, _ in starts_of(poison)] == [1, 2, 3]
    assert Job.objects.get(pk=poison.pk).message == "RuntimeError: attempt 3 fails on purpose"
    assert Job.objects.get(pk=forgetful.pk).message == "The task tiny.forgetful returned without ending its job."
    assert effects_of_job(lucky) == [3]
    assert effects_of_job(poison) == []


def test_a_worker_that_takes_its_process_down_three_times_is_poisoned(processes, wait_for):
    processes.worker(concurrency=1)
    processes.scheduler()
    job = ask(tiny_tasks.COUNT, steps=600)

    for attempt in (1, 2, 3):
        child = wait_for(lambda n=attempt: next((pid for fence, pid in starts_of(job) if fence == n), None))
        os.kill(child, signal.SIGKILL)
    wait_for(lambda: state_of(job) == Job.State.POISONED)

    assert Job.objects.get(pk=job.pk).message == "Its worker went away three times in a row."


def test_a_running_job_that_is_cancelled_stops_at_its_next_step_and_can_be_asked_for_again(processes, wait_for, cast):
    processes.worker(concurrency=1)
    processes.scheduler()
    job = ask(tiny_tasks.COUNT, steps=40)
    wait_for(lambda: starts_of(job))

    services.ask_to_cancel(job=job, by=cast.officer)
    wait_for(lambda: state_of(job) == Job.State.CANCELLED)
    reached = Job.objects.get(pk=job.pk).done_count
    Job.objects.filter(pk=job.pk).update(arguments={"steps": 2})
    services.retry(job=job, by=cast.officer)

    wait_for(lambda: is_done(job))
    assert 0 <= reached < 39
    assert effects_of_job(job) == [2]
    assert Job.objects.get(pk=job.pk).cancel_asked_at is None


def test_a_job_that_was_to_be_cancelled_when_its_worker_died_is_not_begun_again(processes, wait_for, cast):
    worker = processes.worker(concurrency=1)
    job = ask(tiny_tasks.DEAF, seconds=60)
    wait_for(lambda: starts_of(job))

    services.ask_to_cancel(job=job, by=cast.officer)
    processes.kill(worker)
    processes.scheduler()

    wait_for(lambda: state_of(job) == Job.State.CANCELLED)
    assert len(starts_of(job)) == 1
