"""A proposal has a last day: after it nobody decides, and a daily job says so without naming a person."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.refusals import InvalidInput, NotNow
from audit.models import Entry
from jobs import services as jobs
from jobs.models import Job, Schedule
from jobs.schedules import tick
from proposals import services
from proposals.models import Proposal
from tests.integration.proposals.conftest import decide
from worker.running import run_claimed
from worker.schedule import EXPIRY, add_standing_schedules
from worker.tasks.proposals import expire_overdue

FARTHEST_WEST, FARTHEST_EAST = "Etc/GMT+12", "Etc/GMT-14"


@pytest.fixture(autouse=True)
def noon(monkeypatch) -> None:
    """The bank lies where it is about noon, so that no day ends in the middle of a test."""
    lie_in(monkeypatch, f"Etc/GMT{datetime.now(UTC).hour - 12:+d}")


def lie_in(monkeypatch, zone: str) -> None:
    monkeypatch.setattr(settings, "BANK_TIME_ZONE", zone)


def day(offset: int):
    return (datetime.now(ZoneInfo(settings.BANK_TIME_ZONE)) + timedelta(days=offset)).date()


@pytest.fixture
def overdue(propose_tier, superuser) -> Proposal:
    """One whose last day was yesterday: time has passed, which only somebody without triggers can feign."""
    proposal = propose_tier(expires_on=day(1))
    superuser.execute("set session_replication_role = replica")
    superuser.execute("alter table proposals_proposal disable trigger hold_columns")
    superuser.execute("update proposals_proposal set expires_on = %s where id = %s", [day(-1), proposal.pk])
    superuser.execute("alter table proposals_proposal enable always trigger hold_columns")
    proposal.refresh_from_db()
    return proposal


def run_job() -> Job:
    job = jobs.enqueue(task=services.EXPIRE_OVERDUE, arguments={}, by=None)
    run_claimed(jobs.claim(job_id=job.pk), expire_overdue)
    job.refresh_from_db()
    return job


def state_of(proposal) -> str:
    return Proposal.objects.get(pk=proposal.pk).state


@pytest.mark.outside_portal
def test_what_nobody_decided_in_time_expires_without_a_person(cast, propose_tier, overdue):
    in_time, without_a_day = propose_tier(expires_on=day(0)), propose_tier()

    job = run_job()

    assert (job.state, job.message) == (Job.State.DONE, "1 expired")
    assert [state_of(p) for p in (overdue, in_time, without_a_day)] == ["expired", "open", "open"]
    expired = Proposal.objects.get(pk=overdue.pk)
    assert (expired.decided_by, expired.decided_at) == (None, None)
    entry = Entry.objects.on_trail(overdue.subject).newest_first().first()
    assert (entry.event, entry.actor, entry.data["kind"]) == ("proposals.expired", "", "tier override")


@pytest.mark.outside_portal
@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.outside_portal
def test_what_is_overdue_is_not_decided_even_before_the_job_has_run(cast, overdue, accept):
    with pytest.raises(NotNow, match="could be decided until"):
        decide(overdue, cast.validator, accept=accept)

    run_job()
    with pytest.raises(NotNow, match="is expired"):
        decide(overdue, cast.validator, accept=accept)


def test_on_its_last_day_a_proposal_is_still_decided(cast, propose_tier):
    decided = decide(propose_tier(expires_on=day(0)), cast.validator)

    run_job()

    assert state_of(decided) == "accepted"


def test_the_day_ends_when_it_ends_at_the_bank(cast, propose_tier, monkeypatch):
    lie_in(monkeypatch, FARTHEST_WEST)
    proposal = propose_tier(expires_on=day(0))
    before = Proposal.objects.overdue().filter(pk=proposal.pk).exists()

    lie_in(monkeypatch, FARTHEST_EAST)

    assert not before
    assert Proposal.objects.overdue().get() == proposal


def test_a_last_day_that_is_over_is_refused(cast, propose_tier):
    with pytest.raises(InvalidInput, match="must be ahead"):
        propose_tier(expires_on=day(-1))


@pytest.mark.outside_portal
def test_the_job_does_not_overtake_a_decision_that_is_under_way(cast, propose_tier, overdue, superuser):
    """The decision was let through just before midnight; the job, just after, waits for it."""
    superuser.execute("begin")
    superuser.execute("select from proposals_proposal where id = %s for update", [overdue.pk])
    superuser.execute("set local session_replication_role = origin")
    superuser.execute(
        "update proposals_proposal set state = 'declined', decided_at = now(), decided_by_id = %s where id = %s",
        [cast.validator.person_id, overdue.pk],
    )
    done = []
    working = threading.Thread(target=run_in_thread, args=[done])
    working.start()
    working.join(0.5)
    is_waiting = working.is_alive()

    superuser.execute("commit")

    working.join(20)
    assert is_waiting
    assert (state_of(overdue), done) == ("declined", ["0 expired"])


def run_in_thread(done: list) -> None:
    done.append(run_job().message)
    connection.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "expired", "expires_on": None}, "expired_proposal_had_a_last_day"),
        ({"state": "expired", "decided_at": timezone.now()}, "proposal_decision_has_who_and_when"),
        ({"state": "accepted"}, "proposal_decision_has_who_and_when"),
    ],
)
def test_the_database_takes_no_expiry_by_a_person_and_no_decision_by_nobody(cast, change, words):
    asked = {"kind": "x", "subject": "x", "change": {}, "asked_by": cast.owner.person, "expires_on": day(1)}

    with pytest.raises(IntegrityError, match=words):
        Proposal.objects.create(**asked | change)


@pytest.mark.outside_portal
def test_a_worker_that_starts_adds_the_daily_schedule_once(cast, overdue):
    add_standing_schedules()
    add_standing_schedules()

    schedule = Schedule.objects.get(name=EXPIRY)
    [job] = tick(now=schedule.next_due_at)
    run_claimed(jobs.claim(job_id=job.pk), expire_overdue)
    assert schedule.next_due_at > timezone.now()
    assert state_of(overdue) == "expired"


def test_workers_that_start_at_once_add_one_schedule(db):
    starting = [threading.Thread(target=add_standing_schedules) for _ in range(4)]
    for worker in starting:
        worker.start()
    for worker in starting:
        worker.join()

    assert Schedule.objects.filter(name=EXPIRY).count() == 1
