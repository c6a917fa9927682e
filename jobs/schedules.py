"""Due moments: local wall-clock times in the bank's zone, one slot each, whatever the clocks did."""

from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta
from django.db import transaction

from jobs.models import Job, Schedule, ScheduleSlot
from jobs.services import database_now, enqueue

STEPS = {
    Schedule.Cadence.DAILY: relativedelta(days=1),
    Schedule.Cadence.WEEKLY: relativedelta(weeks=1),
    Schedule.Cadence.MONTHLY: relativedelta(months=1),
}
MOST_SLOTS = 1000  # of one schedule in one tick; the rest follow in the next


def following(schedule: Schedule, due_at: datetime) -> datetime:
    """The due moment after `due_at`. Local time stays the same over daylight-saving days.

    A local time that a spring change skips moves to the same instant after the gap; one that autumn repeats
    is taken once, the first time.
    """
    if schedule.cadence == Schedule.Cadence.HOURLY:
        return due_at + timedelta(hours=1)
    local = due_at.astimezone(schedule.zone)
    day = local.date() + STEPS[Schedule.Cadence(schedule.cadence)]
    wall = datetime.combine(day, schedule.at_local_time, tzinfo=schedule.zone)
    return wall.astimezone(UTC)


def due_slots(schedule: Schedule, now: datetime) -> list[datetime]:
    """Due moments up to `now`, oldest first."""
    slots, due_at = [], schedule.next_due_at
    while due_at <= now and len(slots) < MOST_SLOTS:
        slots.append(due_at)
        due_at = following(schedule, due_at)
    return slots


def tick() -> list[Job]:
    """Make the jobs of every schedule that is due. Two schedulers at once make each job once."""
    made = []
    now = database_now()
    due = Schedule.objects.filter(is_active=True, next_due_at__lte=now).values_list("pk", flat=True)
    for schedule_id in list(due):
        made += _claim_slots(schedule_id, now)
    return made


@transaction.atomic
def _claim_slots(schedule_id: int, now: datetime) -> list[Job]:
    schedule = Schedule.objects.select_for_update(skip_locked=True).filter(pk=schedule_id).first()
    if schedule is None:
        return []
    slots = due_slots(schedule, now)
    if not slots:
        return []
    made = []
    for due_at in slots:
        skipped = schedule.catch_up == Schedule.CatchUp.LAST and due_at != slots[-1]
        slot, is_new = ScheduleSlot.objects.get_or_create(
            schedule=schedule, due_at=due_at, defaults={"was_skipped": skipped}
        )
        if is_new and not skipped:
            slot.job = enqueue(
                task=schedule.task,
                arguments=schedule.arguments | {"due_at": due_at.isoformat()},
                queue=schedule.queue,
                key=f"schedule:{schedule.pk}:{due_at.isoformat()}",
                by=None,
            )
            slot.save(update_fields=["job"])
            made.append(slot.job)
    schedule.next_due_at = following(schedule, slots[-1])
    schedule.save(update_fields=["next_due_at"])
    return made
