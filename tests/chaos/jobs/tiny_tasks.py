"""Tasks that leave marks in two tables: `tiny_start` outside every fence, `tiny_effect` inside it."""

import os
import time

from django.db import connection

from jobs.models import Job
from jobs.services import effects_of, finish, report_progress
from worker.running import job_task

COUNT = "tiny.count"
DEAF = "tiny.deaf"
UNFENCED = "tiny.unfenced"
FAILING = "tiny.failing"
FORGETFUL = "tiny.forgetful"
SLOW_EFFECT = "tiny.slow_effect"
TABLES = """
    create table tiny_start (job_id bigint not null, fence integer not null, pid integer not null);
    create table tiny_effect (job_id bigint not null, fence integer not null);
    grant select, insert on tiny_start, tiny_effect to app;
"""
STEP_SECONDS = 0.1


@job_task(COUNT)
def count(job: Job) -> None:
    """Count to `steps`, showing each, then have one effect."""
    _mark_start(job)
    for step in range(job.arguments["steps"]):
        report_progress(job=job, done=step, total=job.arguments["steps"], step=f"step {step}")
        time.sleep(STEP_SECONDS)
    _have_effect(job)


@job_task(DEAF)
def deaf(job: Job) -> None:
    """Sleep without ever looking whether the job is still held, then try to have the effect."""
    _mark_start(job)
    time.sleep(job.arguments["seconds"])
    _have_effect(job)


@job_task(UNFENCED)
def unfenced(job: Job) -> None:
    """The same with the fence taken away: what a task must never do."""
    _mark_start(job)
    time.sleep(job.arguments["seconds"])
    _insert("tiny_effect", job.pk, job.fence)
    finish(job=job)


@job_task(FAILING)
def failing(job: Job) -> None:
    """Fail, up to attempt number `fails`."""
    _mark_start(job)
    if job.attempts <= job.arguments["fails"]:
        raise RuntimeError(f"attempt {job.attempts} fails on purpose")
    _have_effect(job)


@job_task(FORGETFUL)
def forgetful(job: Job) -> None:
    """Return without a word about how it ended."""
    _mark_start(job)


@job_task(SLOW_EFFECT)
def slow_effect(job: Job) -> None:
    """Effects that take longer than the lease lasts."""
    _mark_start(job)
    with effects_of(job):
        _insert("tiny_effect", job.pk, job.fence)
        time.sleep(job.arguments["seconds"])
        finish(job=job)


def _have_effect(job: Job) -> None:
    with effects_of(job):
        _insert("tiny_effect", job.pk, job.fence)
        finish(job=job, message=f"done under fence {job.fence}")


def _mark_start(job: Job) -> None:
    _insert("tiny_start", job.pk, job.fence, os.getpid())


def _insert(table: str, *values: int) -> None:
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"insert into {table} values ({marks})", values)
