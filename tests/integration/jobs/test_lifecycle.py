"""The row is the job: claimed once, held under a fence, ended in exactly one way."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobs import services
from jobs.models import Job
from jobs.refusals import JobCancelled, LeaseLost
from worker.running import Heartbeat, run_claimed

CLAIMERS = 8


def ask(**more) -> Job:
    return services.enqueue(task="x.y", arguments={}, by=None, **more)


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))


def taken_over(job: Job) -> tuple[Job, Job]:
    """(as the worker that lost it knows it, as the one that holds it now)."""
    first = services.claim(job_id=job.pk)
    expire(job)
    services.reconcile()
    return first, services.claim(job_id=job.pk)


@pytest.fixture
def sent(monkeypatch) -> list[int]:
    """Ids of the jobs whose message was sent."""
    ids: list[int] = []
    monkeypatch.setattr(services, "publish", lambda job: ids.append(job.pk) or True)
    return ids


def test_a_message_is_sent_when_the_row_is_committed_and_not_before(db, sent):
    with transaction.atomic():
        job = ask()
        during = list(sent)

    assert (during, sent) == ([], [job.pk])


def test_a_request_that_is_rolled_back_sends_nothing(db, sent):
    with transaction.atomic():
        ask()
        transaction.set_rollback(True)

    assert (sent, Job.objects.count()) == ([], 0)


def test_the_same_key_is_the_same_job(db, sent):
    assert ask(key="digest:1") == ask(key="digest:1")
    assert ask() != ask()
    assert len(sent) == 3


def test_of_many_claimers_at_once_one_gets_the_job(db):
    job = ask()
    got, ready = [], threading.Barrier(CLAIMERS)

    def claim():
        ready.wait()
        got.append(services.claim(job_id=job.pk))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(CLAIMERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(job is not None for job in got) == 1
    assert Job.objects.get().fence == 1


def test_who_lost_the_lease_can_do_nothing_any_more(db):
    first, second = taken_over(ask())

    for late in (
        lambda: services.heartbeat(job=first),
        lambda: services.report_progress(job=first, done=1, total=2, step="late"),
        lambda: services.finish(job=first),
        lambda: services.refuse(job=first, message="late"),
        lambda: services.cancelled(job=first),
        lambda: services.fail(job=first, message="late"),
        lambda: services.effects_of(first).__enter__(),
    ):
        with pytest.raises(LeaseLost):
            late()

    now = Job.objects.get()
    assert (now.state, now.fence, now.message) == (Job.State.RUNNING, second.fence, "")


def test_effects_are_undone_when_the_ending_is_refused(db):
    first, _ = taken_over(ask())

    with pytest.raises(LeaseLost), services.effects_of(first):
        ask(key="an effect")

    assert not Job.objects.filter(key="an effect").exists()


# ---- whose lease runs out in the middle of its effects ---------------------------------------------------------
def elsewhere(act) -> str:
    """What came of an act on a connection of its own that waits for no lock longer than a moment."""
    came = []

    def do():
        try:
            with connection.cursor() as cursor:
                cursor.execute("set lock_timeout = '300ms'")
            act()
            came.append("done")
        except OperationalError as refusal:
            came.append(str(refusal))
        finally:
            connections.close_all()

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()
    return came[0]


def reconciled_meanwhile() -> str:
    """What came of a reconciliation while a job, whose lease has run out, has its effects."""
    job = services.claim(job_id=ask().pk)
    expire(job)
    with services.effects_of(job):
        came = elsewhere(services.reconcile)
        services.finish(job=job)
    return came


def test_a_job_in_the_middle_of_its_effects_is_left_alone_and_not_waited_for(db, sent):
    assert reconciled_meanwhile() == "done"
    assert Job.objects.get().state == Job.State.DONE


def test_twin_without_the_row_lock_it_is_taken_back_and_its_effects_are_lost(db, sent, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)

    with pytest.raises(LeaseLost):
        reconciled_meanwhile()
    assert Job.objects.get().state == Job.State.QUEUED


def test_twin_that_skips_no_locked_row_waits_for_the_effects(db, sent, monkeypatch):
    lock = QuerySet.select_for_update
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: lock(self))

    assert "lock timeout" in reconciled_meanwhile()


def test_an_expired_lease_goes_back_to_the_queue_and_after_the_third_time_it_is_poisoned(db, sent):
    job = ask()
    for _ in range(Job.MAX_ATTEMPTS):
        assert services.claim(job_id=job.pk)
        expire(job)
        services.reconcile()

    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease_until) == (Job.State.POISONED, 3, None)
    assert services.claim(job_id=job.pk) is None


def test_a_lease_that_is_kept_is_left_alone(db):
    job = services.claim(job_id=ask().pk)
    services.heartbeat(job=job)

    services.reconcile()

    assert Job.objects.get().state == Job.State.RUNNING


def test_every_waiting_job_is_sent_again_in_turn_however_many_there_are(db, sent, monkeypatch):
    monkeypatch.setattr(services, "MOST_SENT", 3)
    monkeypatch.setattr(services, "REPUBLISH_AFTER", timedelta(0))
    jobs = Job.objects.bulk_create([Job(task="x.y", queued_at=Now() - timedelta(minutes=1)) for _ in range(7)])

    for _ in range(3):
        services.reconcile()

    assert set(sent) == {job.pk for job in jobs}


def test_a_broker_that_is_away_is_asked_once_a_round(db, monkeypatch):
    asked = []
    monkeypatch.setattr(services, "publish", lambda job: asked.append(job.pk))
    Job.objects.bulk_create([Job(task="x.y", queued_at=Now() - timedelta(minutes=1)) for _ in range(5)])

    assert services.reconcile() == 0
    assert len(asked) == 1


def test_a_cancelled_job_stops_where_it_reports_progress(db, cast):
    job = services.claim(job_id=ask().pk)
    services.ask_to_cancel(job=job, by=cast.officer)

    with pytest.raises(JobCancelled):
        services.report_progress(job=job, done=1, total=2, step="half")

    services.cancelled(job=job)
    ended = Job.objects.get()
    assert (ended.state, ended.cancel_asked_by, ended.done_count) == (Job.State.CANCELLED, cast.officer, 1)


def test_what_has_ended_is_not_asked_to_cancel(db, cast):
    job = services.claim(job_id=ask().pk)
    services.finish(job=job)

    services.ask_to_cancel(job=job, by=cast.officer)

    assert (Job.objects.get().cancel_asked_at, Job.objects.get().state) == (None, Job.State.DONE)


@pytest.mark.parametrize("state", Job.State)
def test_a_job_that_ended_without_its_work_can_be_asked_for_again_and_no_other(db, cast, sent, state):
    job = Job.objects.create(task="x.y", state=state, attempts=3, fence=3, lease_until=Now())

    services.retry(job=job, by=cast.officer)

    is_again = state in (Job.State.POISONED, Job.State.CANCELLED, Job.State.REFUSED)
    now = Job.objects.get()
    assert sent == ([job.pk] if is_again else [])
    assert (now.state, now.attempts, now.fence) == ((Job.State.QUEUED, 0, 3) if is_again else (state, 3, 3))


def test_work_that_fails_names_why_and_goes_back_to_the_queue(db):
    def work(job):
        raise ZeroDivisionError("on purpose")

    run_claimed(services.claim(job_id=ask().pk), work)

    job = Job.objects.get()
    assert (job.state, job.message) == (Job.State.QUEUED, "ZeroDivisionError: on purpose")


def test_a_failure_that_comes_too_late_leaves_the_other_workers_hold_alone(db):
    job = ask()

    def work(first):
        expire(job)
        services.reconcile()
        services.claim(job_id=job.pk)
        raise ZeroDivisionError("too late")

    run_claimed(services.claim(job_id=job.pk), work)

    now = Job.objects.get()
    assert (now.state, now.fence, now.message) == (Job.State.RUNNING, 2, "")


def test_a_heartbeat_survives_a_database_that_drops_its_connection(db, superuser, monkeypatch):
    monkeypatch.setattr(services, "HEARTBEAT_SECONDS", 0.1)
    job = services.claim(job_id=ask().pk)
    connection.close()

    with Heartbeat(job):
        time.sleep(0.3)
        superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and application_name = 'assay'"
        )
        before = Job.objects.get().lease_until
        time.sleep(0.5)

    assert Job.objects.get().lease_until > before


def test_a_heartbeat_ends_at_the_hard_time_limit(db, settings, monkeypatch):
    settings.CELERY_TASK_TIME_LIMIT = 0.2
    monkeypatch.setattr(services, "HEARTBEAT_SECONDS", 0.1)
    job = services.claim(job_id=ask().pk)

    with Heartbeat(job):
        time.sleep(0.5)
        before = Job.objects.get().lease_until
        time.sleep(0.3)

    assert Job.objects.get().lease_until == before


def test_the_database_refuses_a_running_job_without_a_lease(db):
    job = ask()

    with pytest.raises(IntegrityError, match="running_job_has_a_lease"), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)
