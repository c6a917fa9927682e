"""Whatever is killed, and whenever: no job is lost, no effect doubled, and the work goes on by itself."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

from django.db import connection

from jobs import services
from jobs.management.commands import scheduler
from jobs.models import Job
from tests.chaos.jobs import tiny_tasks
from tests.chaos.jobs.conftest import ask, effects_of_job, is_done, starts_of, state_of
from tests.chaos.jobs.short_times import LEASE_SECONDS

JOBS = 6


def test_a_killed_worker_loses_no_job_and_doubles_no_effect(processes, wait_for):
    first = processes.worker()
    processes.scheduler()
    jobs = [ask(tiny_tasks.COUNT, steps=8) for _ in range(JOBS)]
    wait_for(lambda: any(starts_of(job) for job in jobs))
    under_way = [job for job in jobs if starts_of(job)]

    processes.kill(first)
    processes.worker()

    wait_for(lambda: is_done(*jobs))
    assert [effects_of_job(job) for job in under_way] == [[2]] * len(under_way)
    assert all(len(effects_of_job(job)) == 1 for job in jobs)


def test_a_killed_child_loses_no_job_and_its_worker_goes_on(processes, wait_for):
    processes.worker(concurrency=1)
    processes.scheduler()
    job, other = ask(tiny_tasks.COUNT, steps=8), ask(tiny_tasks.COUNT, steps=1)
    (_, child), *_ = wait_for(lambda: starts_of(job))

    os.kill(child, signal.SIGKILL)

    wait_for(lambda: is_done(job, other))
    assert effects_of_job(job) == [2]
    assert effects_of_job(other) == [1]


def test_a_child_ends_with_its_parent_and_its_job_is_begun_again(processes, wait_for):
    worker = processes.worker(concurrency=1)
    job = ask(tiny_tasks.DEAF, seconds=0.5)
    (_, child), *_ = wait_for(lambda: starts_of(job))

    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    processes.scheduler()
    processes.worker(concurrency=1)

    wait_for(lambda: is_done(job))
    assert effects_of_job(job) == [2]


def test_late_effects_of_a_worker_that_was_away_are_refused_by_the_fence(processes, wait_for):
    sleeper = processes.worker(concurrency=1)
    job = ask(tiny_tasks.DEAF, seconds=1)
    wait_for(lambda: starts_of(job))

    signal_all(sleeper, signal.SIGSTOP)
    processes.scheduler()
    wait_for(lambda: state_of(job) == Job.State.QUEUED)
    processes.worker(concurrency=1)
    wait_for(lambda: is_done(job))
    signal_all(sleeper, signal.SIGCONT)

    wait_for(lambda: "is held under another fence than 1" in processes.said())
    assert effects_of_job(job) == [2]


def test_twin_without_the_fence_the_worker_that_was_away_has_its_effect_a_second_time(processes, wait_for):
    sleeper = processes.worker(concurrency=1)
    job = ask(tiny_tasks.UNFENCED, seconds=1)
    wait_for(lambda: starts_of(job))

    signal_all(sleeper, signal.SIGSTOP)
    processes.scheduler()
    wait_for(lambda: state_of(job) == Job.State.QUEUED)
    processes.worker(concurrency=1)
    wait_for(lambda: is_done(job))
    signal_all(sleeper, signal.SIGCONT)

    wait_for(lambda: sorted(effects_of_job(job)) == [1, 2])


def test_effects_that_outlast_the_lease_happen_once_and_hold_nobody_up(processes, wait_for):
    processes.worker(concurrency=1)
    processes.scheduler()
    slow = ask(tiny_tasks.SLOW_EFFECT, seconds=2.5 * LEASE_SECONDS)
    wait_for(lambda: starts_of(slow))
    lost = ask(tiny_tasks.COUNT, steps=1)
    Job.objects.filter(pk=lost.pk).update(state=Job.State.RUNNING, lease_until=services.database_now())

    began = time.monotonic()
    wait_for(lambda: state_of(lost) == Job.State.QUEUED)
    waited = time.monotonic() - began
    is_slow_still_at_it = state_of(slow) == Job.State.RUNNING
    wait_for(lambda: is_done(slow, lost))

    assert is_slow_still_at_it, f"the scheduler waited {waited:.1f} s for the slow effects"
    assert effects_of_job(slow) == [1]


def test_a_database_that_drops_every_connection_costs_no_job(processes, wait_for, superuser):
    processes.worker(concurrency=1)
    processes.scheduler()
    job = ask(tiny_tasks.COUNT, steps=10)
    wait_for(lambda: starts_of(job))

    superuser.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and application_name = 'assay' and client_port is not null"
    )
    connection.close()  # this process's own was dropped too

    wait_for(lambda: is_done(job))
    assert len(effects_of_job(job)) == 1


def test_recovery_takes_at_most_90_seconds_with_the_times_of_production():
    worker_went_away = services.LEASE + timedelta(seconds=scheduler.RECONCILE_SECONDS)
    message_was_lost_too = services.REPUBLISH_AFTER + timedelta(seconds=scheduler.RECONCILE_SECONDS)

    assert worker_went_away + message_was_lost_too <= timedelta(seconds=90)
    assert services.LEASE.total_seconds() > services.HEARTBEAT_SECONDS * 2


def signal_all(process, number: signal.Signals) -> None:
    os.killpg(process.pid, number)
