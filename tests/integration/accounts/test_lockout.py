"""Guessing a password locks sign-in for a while, for that name from that place alone."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tests.cast import PASSWORD
from tests.pages import browser_of, text_of


def attempt(username: str, password: str, *, address: str = "192.0.2.1"):
    return Client().post("/sign-in/", {"username": username, "password": password}, REMOTE_ADDR=address)


def guess(times: int) -> list:
    return [attempt("olivia", f"guess {number}") for number in range(times)]


@pytest.fixture
def locked(cast):
    return guess(settings.AXES_FAILURE_LIMIT)[-1]


def test_the_last_wrong_attempt_locks_and_says_for_how_long(locked):
    assert locked.status_code == 429
    assert "olivia cannot sign in from here for 15 min" in text_of(locked).replace("<b>", "").replace("</b>", "")
    assert "8 attempts in a row" in text_of(locked)


def test_the_right_password_does_not_help_while_it_is_locked(locked):
    assert attempt("olivia", PASSWORD).status_code == 429


def test_one_attempt_fewer_locks_nobody_out(cast):
    guess(settings.AXES_FAILURE_LIMIT - 1)

    assert attempt("olivia", PASSWORD).status_code == 302


def test_others_and_other_places_are_not_locked(locked):
    assert attempt("dan", PASSWORD).status_code == 302
    assert attempt("olivia", PASSWORD, address="192.0.2.2").status_code == 302


def test_who_is_signed_in_already_goes_on_with_every_page(cast, locked):
    client = browser_of(cast.owner)

    assert [client.get(page, REMOTE_ADDR="192.0.2.1").status_code for page in ("/", "/models/", "/tokens/")] == [
        200
    ] * 3


def test_it_is_over_by_itself_after_its_time(locked):
    past = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME, seconds=5)
    AccessAttempt.objects.update(attempt_time=past)

    assert attempt("olivia", PASSWORD).status_code == 302


@pytest.mark.parametrize("length", [81, 5000])
def test_a_name_that_no_account_can_have_is_a_wrong_name_like_any_other(db, length):
    answer = attempt("x" * length, PASSWORD)

    assert answer.status_code == 200
    assert "This name and password do not belong together" in text_of(answer)
