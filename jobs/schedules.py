"""Due moments: local wall-clock times in the bank's zone, one slot each, whatever the clocks did."""

import calendar
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from jobs.models import Job, Schedule, ScheduleSlot
from jobs.services import database_now, enqueue

STEP_DAYS = {Schedule.Cadence.DAILY: 1, Schedule.Cadence.WEEKLY: 7}
MOST_SLOTS = 1000  # of one schedule in one tick; the rest follow in the next


@transaction.atomic
def add_schedule(
    *,
    name: str,
    task: str,
    arguments: dict,
    cadence: str,
    at_local_time: time,
    time_zone: str,
    queue: str = Job.Queue.DEFAULT,
    catch_up: str = Schedule.CatchUp.LAST,
    after: date | None = None,
) -> Schedule:
    """Store a schedule that is due for the first time one step after `after`, the bank's today where it is left out.

    A monthly one keeps the day of `after`: from the 31st it is due on the last day of a shorter month, and on the
    31st again in a longer one.
    """
    schedule = Schedule(
        name=name,
        task=task,
        arguments=arguments,
        cadence=cadence,
        at_local_time=at_local_time,
        time_zone=time_zone,
        queue=queue,
        catch_up=catch_up,
    )
    start = after or database_now().astimezone(schedule.zone).date()
    if cadence == Schedule.Cadence.MONTHLY:
        schedule.day_of_month = start.day
    schedule.next_due_at = following(schedule, _moment(schedule, start))
    schedule.save()
    return schedule


def following(schedule: Schedule, due_at: datetime) -> datetime:
    """The due moment after `due_at`. Local time stays the same over daylight-saving days.

    A local time that a spring change skips moves to the same instant after the gap; one that autumn repeats
    is taken once, the first time.
    """
    if schedule.cadence == Schedule.Cadence.HOURLY:
        return due_at + timedelta(hours=1)
    day = _day_of(schedule, due_at)
    if schedule.cadence == Schedule.Cadence.MONTHLY:
        return _moment(schedule, _same_day_next_month(day, schedule.day_of_month or day.day))
    return _moment(schedule, day + timedelta(days=STEP_DAYS[Schedule.Cadence(schedule.cadence)]))


def due_slots(schedule: Schedule, now: datetime) -> list[datetime]:
    """Due moments up to `now`, oldest first, at most MOST_SLOTS."""
    slots, due_at = [], schedule.next_due_at
    while due_at <= now and len(slots) < MOST_SLOTS:
        slots.append(due_at)
        due_at = following(schedule, due_at)
    return slots


def tick(*, now: datetime | None = None) -> list[Job]:
    """Make the jobs of every schedule that is due. Two schedulers at once make each job once.

    now  the database's clock where it is left out
    """
    made = []
    now = now or database_now()
    due = Schedule.objects.filter(is_active=True, next_due_at__lte=now).values_list("pk", flat=True)
    for schedule_id in list(due):
        made += _claim_slots(schedule_id, now)
    return made


@transaction.atomic
def _claim_slots(schedule_id: int, now: datetime) -> list[Job]:
    schedule = Schedule.objects.select_for_update(skip_locked=True).filter(pk=schedule_id).first()
    slots = due_slots(schedule, now) if schedule else []
    if not slots:
        return []
    schedule.next_due_at = following(schedule, slots[-1])
    is_last_batch = schedule.next_due_at > now
    made = []
    for due_at in slots:
        wanted = schedule.catch_up == Schedule.CatchUp.EACH or (is_last_batch and due_at == slots[-1])
        job = _take_slot(schedule, due_at, wanted)
        if job:
            made.append(job)
    schedule.save(update_fields=["next_due_at"])
    return made


def _take_slot(schedule: Schedule, due_at: datetime, wanted: bool) -> Job | None:
    """The job of a slot that nobody took before, where one is wanted; the slot's row stays either way."""
    slot, is_new = ScheduleSlot.objects.get_or_create(
        schedule=schedule, due_at=due_at, defaults={"was_skipped": not wanted}
    )
    if not (is_new and wanted):
        return None
    slot.job = enqueue(
        task=schedule.task,
        arguments=schedule.arguments | {"due_at": due_at.isoformat()},
        queue=schedule.queue,
        key=f"schedule:{schedule.pk}:{due_at.isoformat()}",
        by=None,
    )
    slot.save(update_fields=["job"])
    return slot.job


def _moment(schedule: Schedule, day: date) -> datetime:
    return datetime.combine(day, schedule.at_local_time, tzinfo=schedule.zone).astimezone(UTC)


def _day_of(schedule: Schedule, due_at: datetime) -> date:
    """The day that `due_at` is meant for: the day before where a gap moved the moment over midnight."""
    day = due_at.astimezone(schedule.zone).date()
    before = day - timedelta(days=1)
    return before if _moment(schedule, before) == due_at else day


def _same_day_next_month(day: date, wanted: int) -> date:
    year, month = divmod(day.year * 12 + day.month, 12)
    return date(year, month + 1, min(wanted, calendar.monthrange(year, month + 1)[1]))
