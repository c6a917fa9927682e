"""Schedules make each slot's job once: after outages, with two schedulers, by either rule of catching up."""

import os
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from jobs import schedules
from jobs.models import Job, Schedule, ScheduleSlot
from jobs.services import database_now
from tests.conftest import ROOT

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SCHEDULERS = 6


def hourly(catch_up: str, *, due: datetime) -> Schedule:
    return Schedule.objects.create(
        name=f"hourly {catch_up}",
        task="x.y",
        arguments={"monitor_id": 7},
        cadence=Schedule.Cadence.HOURLY,
        at_local_time=time(0),
        time_zone="Europe/London",
        catch_up=catch_up,
        next_due_at=due,
    )


def due_moments() -> list[datetime]:
    return sorted(datetime.fromisoformat(job.arguments["due_at"]) for job in Job.objects.all())


def test_after_six_hours_away_each_missed_slot_runs_where_each_is_wanted(db):
    schedule = hourly(Schedule.CatchUp.EACH, due=NOON - timedelta(hours=6))

    made = schedules.tick(now=NOON)

    assert due_moments() == [NOON - timedelta(hours=back) for back in range(6, -1, -1)]
    assert len(made) == 7
    assert {job.arguments["monitor_id"] for job in made} == {7}
    assert schedule.slots.filter(was_skipped=True).count() == 0
    assert Schedule.objects.get().next_due_at == NOON + timedelta(hours=1)


def test_after_six_hours_away_the_last_slot_runs_and_the_others_are_said_to_be_left_out(db):
    schedule = hourly(Schedule.CatchUp.LAST, due=NOON - timedelta(hours=6))

    schedules.tick(now=NOON)

    assert due_moments() == [NOON]
    assert schedule.slots.count() == 7
    assert schedule.slots.filter(was_skipped=True, job=None).count() == 6


@pytest.mark.parametrize("rule", Schedule.CatchUp)
def test_an_outage_longer_than_one_round_ends_as_a_short_one_does(db, monkeypatch, rule):
    monkeypatch.setattr(schedules, "MOST_SLOTS", 3)
    schedule = hourly(rule, due=NOON - timedelta(hours=6))

    while schedules.Schedule.objects.get().next_due_at <= NOON:
        schedules.tick(now=NOON)

    assert len(due_moments()) == (7 if rule == Schedule.CatchUp.EACH else 1)
    assert due_moments()[-1] == NOON
    assert schedule.slots.count() == 7


def test_what_is_not_due_or_not_active_makes_nothing(db):
    hourly(Schedule.CatchUp.EACH, due=NOON + timedelta(seconds=1))
    Schedule.objects.create(
        name="off",
        task="x.y",
        cadence="daily",
        at_local_time=time(4),
        time_zone="UTC",
        next_due_at=NOON,
        is_active=False,
    )

    assert schedules.tick(now=NOON) == []
    assert ScheduleSlot.objects.count() == 0


def test_a_second_tick_makes_nothing_more(db):
    hourly(Schedule.CatchUp.EACH, due=NOON - timedelta(hours=1))

    first, second = schedules.tick(now=NOON), schedules.tick(now=NOON)

    assert (len(first), second) == (2, [])


def test_schedulers_that_tick_at_once_make_each_job_once(db):
    for number in range(5):
        schedule = hourly(Schedule.CatchUp.EACH, due=NOON - timedelta(hours=3))
        Schedule.objects.filter(pk=schedule.pk).update(name=f"hourly {number}")
    ready = threading.Barrier(SCHEDULERS)

    def tick():
        ready.wait()
        schedules.tick(now=NOON)
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(SCHEDULERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Job.objects.count() == ScheduleSlot.objects.count() == 20


def test_two_scheduler_processes_at_once_make_each_job_once(db):
    hourly(Schedule.CatchUp.EACH, due=database_now() - timedelta(hours=5, minutes=30))
    command = [sys.executable, "manage.py", "scheduler", "--once"]

    started = [subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in started]

    assert [process.returncode for process in started] == [0, 0]
    assert Job.objects.count() == 6
    assert sum(text.count("due: ") for text in said) == 6


def test_a_slot_that_somebody_took_is_not_taken_again_even_by_who_did_not_see_it(db):
    schedule = hourly(Schedule.CatchUp.EACH, due=NOON)
    schedules.tick(now=NOON)
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=NOON)  # as a scheduler without the lock would have it

    assert schedules.tick(now=NOON) == []
    assert Job.objects.count() == 1


def test_the_database_refuses_a_slot_twice(db):
    schedule = hourly(Schedule.CatchUp.EACH, due=NOON)
    ScheduleSlot.objects.create(schedule=schedule, due_at=NOON)

    with pytest.raises(IntegrityError, match="slot_once"), transaction.atomic():
        ScheduleSlot.objects.create(schedule=schedule, due_at=NOON)


def test_a_monthly_schedule_keeps_the_31st(db):
    schedule = schedules.add_schedule(
        name="month end",
        task="x.y",
        arguments={},
        cadence=Schedule.Cadence.MONTHLY,
        at_local_time=time(4),
        time_zone="Europe/London",
        catch_up=Schedule.CatchUp.EACH,
        after=date(2026, 1, 31),
    )

    schedules.tick(now=datetime(2026, 6, 1, tzinfo=UTC))

    assert schedule.next_due_at == datetime(2026, 2, 28, 4, tzinfo=UTC)
    assert [moment.day for moment in due_moments()] == [28, 31, 30, 31]


@pytest.mark.parametrize("cadence", Schedule.Cadence)
def test_a_new_schedule_is_due_in_the_future_at_its_local_time(db, cadence):
    schedule = schedules.add_schedule(
        name="new", task="x.y", arguments={}, cadence=cadence, at_local_time=time(23, 59), time_zone="Europe/London"
    )

    local = schedule.next_due_at.astimezone(schedule.zone)
    assert schedule.next_due_at > database_now()
    assert local.minute == 59
    assert (schedule.day_of_month is not None) == (cadence == Schedule.Cadence.MONTHLY)
