"""The row that IS a piece of background work, and the schedules that make such rows."""

from __future__ import annotations

import zoneinfo

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class JobQuerySet(models.QuerySet):
    def unfinished(self) -> JobQuerySet:
        return self.filter(state__in=Job.UNFINISHED)

    def retryable(self) -> JobQuerySet:
        return self.filter(state__in=RETRYABLE)

    def poisoned(self) -> JobQuerySet:
        return self.filter(state=Job.State.POISONED)


class Job(models.Model):
    """One piece of background work. A broker message carries only this row's id."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        POISONED = "poisoned", "Failed three times"

    UNFINISHED = (State.QUEUED, State.RUNNING)

    class Queue(models.TextChoices):
        DEFAULT = "default", "default"
        ML = "ml", "ml"

    MAX_ATTEMPTS = 3

    task = models.CharField(max_length=80, help_text="Name of the Celery task")
    arguments = models.JSONField(default=dict)
    queue = models.CharField(max_length=10, choices=Queue, default=Queue.DEFAULT)
    key = models.CharField(  # noqa: DJ001  (jobs without a key are not equal to each other, as NULLs are)
        max_length=200, null=True, unique=True, help_text="The same key twice is one job"
    )
    asked_by = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0, help_text="Grows with each claim; effects name it")
    lease_until = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    cancel_asked_by = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    step = models.CharField(max_length=200, blank=True)
    done_count = models.PositiveBigIntegerField(default=0)
    total_count = models.PositiveBigIntegerField(default=0)
    message = models.TextField(blank=True, help_text="How it ended, as a sentence")
    queued_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["published_at"], condition=Q(state__in=["queued", "running"]), name="job_unfinished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False) | ~Q(state="running"),
                name="running_job_has_a_lease",
            ),
            models.CheckConstraint(condition=Q(done_count__lte=F("total_count")), name="job_done_within_total"),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.pk}"

    @property
    def is_finished(self) -> bool:
        return self.state not in self.UNFINISHED

    @property
    def is_retryable(self) -> bool:
        """Whether it ended without its work, so that it can be asked for again."""
        return self.state in RETRYABLE

    @property
    def percent(self) -> int:
        return int(100 * self.done_count / self.total_count) if self.total_count else 0


# From each state, where it may go. docs/states.md is drawn from this; a trigger holds it in the database.
# A job that ended without its work can be asked for again; one that is done stays done.
TRANSITIONS = {
    Job.State.QUEUED: {Job.State.RUNNING, Job.State.CANCELLED},
    Job.State.RUNNING: {
        Job.State.DONE,
        Job.State.REFUSED,
        Job.State.CANCELLED,
        Job.State.POISONED,
        Job.State.QUEUED,
    },
    Job.State.DONE: set(),
    Job.State.REFUSED: {Job.State.QUEUED},
    Job.State.CANCELLED: {Job.State.QUEUED},
    Job.State.POISONED: {Job.State.QUEUED},
}
RETRYABLE = frozenset(
    state for state, ends in TRANSITIONS.items() if Job.State.QUEUED in ends and state not in Job.UNFINISHED
)


class Schedule(models.Model):
    """When a task is due, in the bank's time zone."""

    class Cadence(models.TextChoices):
        HOURLY = "hourly", "Every hour"
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"

    class CatchUp(models.TextChoices):
        EACH = "each", "Run every slot that was missed"
        LAST = "last", "Run the last missed slot only"

    name = models.CharField(max_length=120, unique=True)
    task = models.CharField(max_length=80)
    queue = models.CharField(max_length=10, choices=Job.Queue, default=Job.Queue.DEFAULT)
    arguments = models.JSONField(default=dict)
    cadence = models.CharField(max_length=10, choices=Cadence)
    at_local_time = models.TimeField()
    day_of_month = models.PositiveSmallIntegerField(
        null=True, help_text="Of a monthly schedule: the day it is meant for; a shorter month has it on its last day"
    )
    time_zone = models.CharField(max_length=60)
    catch_up = models.CharField(max_length=10, choices=CatchUp, default=CatchUp.LAST)
    next_due_at = models.DateTimeField()
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(day_of_month=None) | Q(cadence="monthly", day_of_month__range=(1, 31)),
                name="schedule_day_of_month_1_to_31",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


class ScheduleSlot(models.Model):
    """One due moment of a schedule. Unique, so that two schedulers make one job of it."""

    schedule = models.ForeignKey(Schedule, models.PROTECT, related_name="slots")
    due_at = models.DateTimeField()
    job = models.ForeignKey(Job, models.PROTECT, null=True)
    was_skipped = models.BooleanField(default=False, help_text="Missed, and left out by the catch-up rule")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="slot_once")]

    def __str__(self) -> str:
        return f"{self.schedule} {self.due_at:%Y-%m-%d %H:%M}"
