"""Enqueue, claim, keep, finish. Every effect of a claimed job names its fence, by the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NoReturn

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from accounts.models import Account
from jobs.models import Job
from jobs.queues import publish
from jobs.refusals import JobCancelled, LeaseLost

LEASE = timedelta(seconds=45)
HEARTBEAT_SECONDS = 15
REPUBLISH_AFTER = timedelta(seconds=15)
IN_FLIGHT = timedelta(seconds=2)  # a job younger than this is being published by who asked for it
MOST_SENT = 500  # messages of one reconciliation


@transaction.atomic
def enqueue(
    *, task: str, arguments: dict, queue: str = Job.Queue.DEFAULT, key: str | None = None, by: Account | None
) -> Job:
    """Make the row and, once it is committed, send its id. The same `key` again gives the same job."""
    if key is not None:
        job, is_new = Job.objects.get_or_create(
            key=key, defaults={"task": task, "arguments": arguments, "queue": queue, "asked_by": by}
        )
    else:
        job, is_new = Job.objects.create(task=task, arguments=arguments, queue=queue, asked_by=by), True
    if is_new:
        transaction.on_commit(lambda: publish_now(job=job))
    return job


def publish_now(*, job: Job) -> bool:
    """Send the job's id and note when. False where the broker is away, which is no error."""
    is_sent = publish(job)
    if is_sent:
        Job.objects.filter(pk=job.pk).update(published_at=Now())
    return is_sent


def claim(*, job_id: int) -> Job | None:
    """Take a job by ONE conditional update; None where it is taken, finished or gone."""
    claimed = Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(
        state=Job.State.RUNNING,
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        lease_until=Now() + LEASE,
        started_at=Now(),
        message="",
    )
    return Job.objects.get(pk=job_id) if claimed else None


def heartbeat(*, job: Job) -> None:
    """Lengthen the lease. Raises LeaseLost where another worker holds the job by now."""
    _held(job).update(lease_until=Now() + LEASE) or _lost(job)


def report_progress(*, job: Job, done: int, total: int, step: str) -> None:
    """Show how far the job is. Raises JobCancelled when somebody asked for that, LeaseLost as above."""
    _held(job).update(done_count=done, total_count=total, step=step, lease_until=Now() + LEASE) or _lost(job)
    if Job.objects.filter(pk=job.pk, cancel_asked_at__isnull=False).exists():
        raise JobCancelled(job.pk)


@contextmanager
def effects_of(job: Job) -> Iterator[None]:
    """A transaction whose effects happen only while `job` is held: its row is locked under its fence first."""
    with transaction.atomic():
        if not _held(job).select_for_update().exists():
            _lost(job)
        yield


def finish(*, job: Job, message: str = "") -> None:
    """Mark done, inside `effects_of`, so that effects and ending are one transaction."""
    _end(job, Job.State.DONE, message, done_count=F("total_count"))


def refuse(*, job: Job, message: str) -> None:
    """End a job that cannot be done: no retry."""
    _end(job, Job.State.REFUSED, message)


def cancelled(*, job: Job) -> None:
    _end(job, Job.State.CANCELLED, "Cancelled on request; what was computed before is kept where it was filed.")


def fail(*, job: Job, message: str) -> None:
    """One attempt failed: back to the queue, or poisoned after the third. Raises LeaseLost as above.

    `job` is as it was claimed: read again, it could carry the fence of the worker that holds it now.
    """
    if job.attempts >= Job.MAX_ATTEMPTS:
        _end(job, Job.State.POISONED, message)
    else:
        _held(job).update(state=Job.State.QUEUED, lease_until=None, message=message, published_at=None) or _lost(job)


def is_held(*, job: Job) -> bool:
    """Whether `job` still runs under this fence."""
    return _held(job).exists()


@transaction.atomic
def ask_to_cancel(*, job: Job, by: Account) -> None:
    """A waiting job ends at once; a running one where it next reports progress."""
    unfinished = Job.objects.unfinished().filter(pk=job.pk)
    unfinished.filter(cancel_asked_at=None).update(cancel_asked_at=Now(), cancel_asked_by=by)
    unfinished.filter(state=Job.State.QUEUED).update(
        state=Job.State.CANCELLED, finished_at=Now(), message="Cancelled before it started."
    )


@transaction.atomic
def retry(*, job: Job, by: Account) -> None:
    """Give a poisoned, refused or cancelled job three more attempts."""
    ended = Job.objects.retryable().filter(pk=job.pk)
    again = ended.update(
        state=Job.State.QUEUED,
        attempts=0,
        cancel_asked_at=None,
        cancel_asked_by=None,
        finished_at=None,
        published_at=None,
        asked_by=by,
        done_count=0,
    )
    if again:
        transaction.on_commit(lambda: publish_now(job=job))


def reconcile() -> int:
    """Take back expired leases and send again what waits unheard; return how many were sent.

    A worker that was killed loses its lease; a message that the broker lost is sent again.
    """
    _take_back_expired()
    waiting = Job.objects.filter(state=Job.State.QUEUED, queued_at__lt=Now() - IN_FLIGHT)
    unheard = waiting.filter(published_at=None) | waiting.filter(published_at__lt=Now() - REPUBLISH_AFTER)
    sent = 0
    # Who waited longest since the last message goes first: by id, the first ones would starve the others.
    for job in unheard.order_by(F("published_at").asc(nulls_first=True), "id")[:MOST_SENT]:
        if not publish_now(job=job):
            break  # each try may wait for the broker's timeout, and schedules are due meanwhile
        sent += 1
    return sent


@transaction.atomic
def _take_back_expired() -> None:
    """Jobs whose worker went away: cancelled where that was asked for, else poisoned after the third, else queued.

    A row that is locked is in the middle of its effects, under its fence: it is left alone, and not waited for.
    """
    expired = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=Now())
    taken = Job.objects.filter(pk__in=list(expired.select_for_update(skip_locked=True).values_list("pk", flat=True)))
    ended = {"lease_until": None, "finished_at": Now()}
    taken.filter(cancel_asked_at__isnull=False).update(
        state=Job.State.CANCELLED, message="Cancelled on request, after its worker went away.", **ended
    )
    running = taken.filter(state=Job.State.RUNNING)
    running.filter(attempts__gte=Job.MAX_ATTEMPTS).update(
        state=Job.State.POISONED, message="Its worker went away three times in a row.", **ended
    )
    running.update(
        state=Job.State.QUEUED,
        lease_until=None,
        published_at=None,
        message="Its worker went away; it runs again.",
    )


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, fence=job.fence)


def _lost(job: Job) -> NoReturn:
    raise LeaseLost(f"job {job.pk} is held under another fence than {job.fence}")


def _end(job: Job, state: str, message: str, **changes) -> None:
    _held(job).update(state=state, message=message, finished_at=Now(), lease_until=None, **changes) or _lost(job)


def database_now() -> datetime:
    """The database's clock: the only one that leases and schedules go by."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        return cursor.fetchone()[0]
