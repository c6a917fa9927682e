"""The same key twice: one effect, and an answer for nobody who would be refused by now."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services as accounts
from accounts.models import AnsweredRequest
from audit.models import Entry
from inventory.models import Model
from jobs import services as jobs
from jobs.models import Job, Schedule
from tests.cast import end_role, token_of_service
from worker.running import run_claimed
from worker.schedule import FORGETTING, add_standing_schedules
from worker.tasks.accounts import forget_answers

MODELS = "/api/v1/models/"
ONCE = {"Idempotency-Key": "k1"}
SCOPES = ["models:write", "monitoring:write"]


def own_token(account, *, scopes, unit):
    ends = timezone.now() + timedelta(days=1)
    return accounts.make_token(account=account, name="t", scopes=scopes, unit=unit, expires_at=ends, by=account)


@pytest.fixture
def client_of(cast):
    def client(account=cast.owner, scopes=SCOPES, unit=cast.retail):
        make = token_of_service if account.is_service else own_token
        _, secret = make(account, scopes=scopes, unit=unit)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return client


@pytest.fixture
def body(cast):
    return {
        "external_id": "cards/pd",
        "name": "Card PD",
        "kind": "statistical",
        "unit": "retail",
        "owner": cast.owner.person.hr_number,
    }


# ---- an answer is given again to who may still have it ----------------------------------------------------------
def test_who_may_still_do_it_gets_the_first_answer(client_of, body):
    first = client_of().post(MODELS, body, headers=ONCE)

    again = client_of().post(MODELS, body, headers=ONCE)  # another token of the same account

    assert (again.status_code, again.json()) == (201, first.json())
    assert (again["Idempotent-Replay"], again["ETag"]) == ("true", first["ETag"])


def test_an_account_whose_role_ended_gets_no_answer_again(cast, client_of, body):
    client = client_of()
    client.post(MODELS, body, headers=ONCE)
    end_role(cast.owner.person.roles.in_force().get())

    assert client.post(MODELS, body, headers=ONCE).status_code in (403, 404)


@pytest.mark.parametrize(("scopes", "status"), [(["models:read"], 403), (["monitoring:write"], 403)])
def test_a_token_that_may_do_less_gets_no_answer_of_one_that_could(client_of, body, scopes, status):
    client_of().post(MODELS, body, headers=ONCE)

    answer = client_of(scopes=scopes).post(MODELS, body, headers=ONCE)

    assert answer.status_code == status
    assert "This token's scopes" in answer.json()["detail"]


def test_an_object_that_is_not_seen_any_more_is_answered_as_one_that_does_not_exist(cast, client_of, body):
    pipeline = client_of(account=cast.pipeline)
    pipeline.post(MODELS, body, headers=ONCE)

    elsewhere = client_of(account=cast.pipeline, unit=cast.markets)

    assert elsewhere.post(MODELS, body, headers=ONCE).status_code == 404


def test_who_gave_a_model_away_cannot_read_by_an_old_key_what_it_was(cast, client_of, body):
    client = client_of()
    etag = client_of(account=cast.officer).post(MODELS, body)["ETag"]
    sent = {"owner": cast.developer.person.hr_number}
    given = client.patch(f"{MODELS}cards/pd/", sent, headers=ONCE | {"If-Match": etag})

    again = client.patch(f"{MODELS}cards/pd/", sent, headers=ONCE | {"If-Match": etag})

    assert (given.status_code, again.status_code) == (200, 403)


def test_a_revoked_token_gets_nothing(cast, client_of, body):
    client = client_of()
    client.post(MODELS, body, headers=ONCE)
    accounts.revoke_token(token=cast.owner.tokens.get(), by=cast.owner)

    assert client.post(MODELS, body, headers=ONCE).status_code == 401


@pytest.mark.parametrize("key", ["k" * 201, "a\0b"])
def test_a_key_that_cannot_be_kept_is_refused(client_of, body, key):
    answer = client_of().post(MODELS, body, headers={"Idempotency-Key": key})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/Idempotency-Key"


# ---- two at once --------------------------------------------------------------------------------------------------
@pytest.fixture
def held_up(superuser):
    """Every registration waits until `commit`, so that two are under way at once."""
    superuser.execute("begin")
    superuser.execute("lock table inventory_model in exclusive mode")
    return superuser


def send_two_at_once(clients, body, headers, held_up) -> list:
    answers = []
    sending = [
        threading.Thread(target=_send, args=(client, body, sent, answers))
        for client, sent in zip(clients, headers, strict=True)
    ]
    for thread in sending:
        thread.start()
    _wait_for_waiting(held_up, 2)
    held_up.execute("commit")
    for thread in sending:
        thread.join(30)
    return answers


def _send(client, body, headers, answers: list) -> None:
    answers.append(client.post(MODELS, body, headers=headers))
    connection.close()


def _wait_for_waiting(superuser, count: int) -> None:
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    until = time.monotonic() + 20
    while superuser.execute(waiting).fetchone()[0] < count:
        assert time.monotonic() < until, "the two requests were never under way at once"
        superuser.execute("select pg_stat_clear_snapshot()")  # else a transaction sees what it first saw
        time.sleep(0.05)


def test_two_requests_at_once_with_one_key_have_one_effect_and_one_answer(client_of, body, held_up):
    answers = send_two_at_once([client_of(), client_of()], body, [ONCE, ONCE], held_up)

    assert [answer.status_code for answer in answers] == [201, 201]
    assert sorted("Idempotent-Replay" in answer for answer in answers) == [False, True]
    assert answers[0].json() == answers[1].json()
    assert (Model.objects.count(), AnsweredRequest.objects.count()) == (1, 1)
    assert Entry.objects.filter(event="inventory.model_registered").count() == 1


def test_twin_two_requests_at_once_without_a_common_key_are_both_carried_out(client_of, body, held_up):
    keys = [{"Idempotency-Key": "k1"}, {"Idempotency-Key": "k2"}]

    answers = send_two_at_once([client_of(), client_of()], body, keys, held_up)

    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert not any("Idempotent-Replay" in answer for answer in answers)


# ---- for a while ----------------------------------------------------------------------------------------------------
def forget() -> Job:
    job = jobs.enqueue(task=accounts.FORGET_ANSWERS, arguments={}, by=None)
    run_claimed(jobs.claim(job_id=job.pk), forget_answers)
    job.refresh_from_db()
    return job


def test_answers_are_forgotten_after_their_time_and_not_before(client_of, body):
    client = client_of()
    for number in (1, 2):
        client.post(MODELS, body, headers={"Idempotency-Key": f"k{number}"})
    past = timezone.now() - accounts.ANSWERS_KEPT
    AnsweredRequest.objects.filter(key="k1").update(answered_at=past - timedelta(seconds=1))
    AnsweredRequest.objects.filter(key="k2").update(answered_at=past + timedelta(hours=1))

    job = forget()

    assert (job.state, job.message) == (Job.State.DONE, "1 forgotten")
    assert [answered.key for answered in AnsweredRequest.objects.all()] == ["k2"]


def test_a_key_whose_answer_was_forgotten_is_a_new_one(client_of, body):
    client = client_of()
    client.post(MODELS, body, headers=ONCE)
    AnsweredRequest.objects.update(answered_at=timezone.now() - accounts.ANSWERS_KEPT - timedelta(seconds=1))
    forget()

    again = client.post(MODELS, body, headers=ONCE)

    assert (again.status_code, "Idempotent-Replay" in again) == (200, False)


def test_it_is_done_every_night_without_being_asked(db):
    add_standing_schedules()

    schedule = Schedule.objects.get(name=FORGETTING)
    assert (schedule.task, schedule.cadence) == (accounts.FORGET_ANSWERS, Schedule.Cadence.DAILY)
