"""How a task runs a job: claim it, keep its lease, and let it end in exactly one way."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from audit.origin import Origin, changes_come_from
from jobs import services
from jobs.models import Job
from jobs.queues import celery_app
from jobs.refusals import JobCancelled, JobRefused, LeaseLost

logger = logging.getLogger(__name__)


def job_task(name: str) -> Callable:
    """Register `work(job)` as the Celery task `name`. The message carries the job's id and nothing else.

    A job that is taken, finished or gone is left alone, so that a doubled or late message does no harm.
    """

    def register(work: Callable[[Job], None]) -> Callable[[Job], None]:
        @celery_app.task(name=name, ignore_result=True)
        @functools.wraps(work)
        def task(*, job_id: int, **_newer_fields) -> None:
            close_old_connections()
            job = services.claim(job_id=job_id)
            if job is not None:
                with changes_come_from(Origin(through="worker", request=f"job {job.pk}")):
                    run_claimed(job, work)

        return work

    return register


def run_claimed(job: Job, work: Callable[[Job], None]) -> None:
    """Run `work` under a heartbeat; the job ends done, refused, cancelled, queued again or poisoned."""
    with Heartbeat(job):
        try:
            _work_to_an_end(job, work)
        except LeaseLost as lost:
            logger.warning("%s: %s", job, lost)


def _work_to_an_end(job: Job, work: Callable[[Job], None]) -> None:
    try:
        work(job)
    except LeaseLost:
        raise
    except JobCancelled:
        services.cancelled(job=job)
    except JobRefused as refusal:
        services.refuse(job=job, message=str(refusal))
    except Exception as failure:
        logger.exception("%s failed", job)
        close_old_connections()  # it may be the connection that failed
        services.fail(job=job, message=f"{type(failure).__name__}: {failure}")
    else:
        if services.is_held(job=job):
            services.fail(job=job, message=f"The task {job.task} returned without ending its job.")


class Heartbeat:
    """Lengthens a job's lease from a thread of its own, on a connection of its own.

    It stops at the task's hard time limit, whoever enforces that: on systems where a child outlives its killed
    parent, a task that hangs must not hold its job for ever.
    """

    def __init__(self, job: Job):
        self._job = job
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat {job.pk}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _beat(self) -> None:
        until = time.monotonic() + settings.CELERY_TASK_TIME_LIMIT
        try:
            while not self._stop.wait(services.HEARTBEAT_SECONDS) and time.monotonic() < until:
                self._lengthen()
        except LeaseLost:
            if not self._stop.wait(1):  # the work may have ended the job between two beats: no loss then
                logger.warning("%s lost its lease while it ran", self._job)
        finally:
            connection.close()

    def _lengthen(self) -> None:
        try:
            services.heartbeat(job=self._job)
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("%s: no heartbeat, the database is away: %s", self._job, problem)
            connection.close()  # the next beat opens another
