"""Signing in, and being put out: what is taken away acts on the very next request."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.models import Account, PersonDetails
from audit.models import Entry
from tests.cast import PASSWORD, end_role


def sign_in(username: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post(reverse("sign-in"), {"username": username, "password": password})
    return client


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("tokens")).status_code == 200


def test_a_person_signs_in_with_the_password_and_not_without(cast):
    assert is_signed_in(sign_in("olivia"))
    assert not is_signed_in(sign_in("olivia", "wrong"))
    assert not is_signed_in(sign_in("nobody"))


def test_a_wrong_password_says_what_to_check_and_when_it_locks(db):
    page = Client().post(reverse("sign-in"), {"username": "olivia", "password": "wrong"}).content.decode()

    assert "This name and password do not belong together. Check Caps Lock; after 8 wrong attempts" in page
    assert "sign-in locks for 15\u00a0min." in page
    assert "service desk" in page


def test_an_address_of_mail_is_not_asked_for_since_it_signs_nobody_in(cast):
    PersonDetails.objects.filter(full_name="Olivia Owner").update(mail="olivia@bank.example")

    assert not is_signed_in(sign_in("olivia@bank.example"))
    assert "mail" not in Client().get(reverse("sign-in")).content.decode()


def test_a_disabled_person_is_out_in_the_middle_of_the_session_on_every_device_and_token(cast):
    devices = [sign_in("olivia"), sign_in("olivia")]
    _, secret = services.make_token(
        account=cast.owner,
        name="t",
        scopes=["models:read"],
        unit=cast.retail,
        expires_at=timezone.now() + timedelta(days=1),
        by=cast.owner,
    )
    by_token = {"authorization": f"Bearer {secret}"}
    before = [is_signed_in(device) for device in devices]
    api_before = Client().get("/api/v1/models/", headers=by_token).status_code

    services.disable_person(person=cast.owner.person, reason="Left the bank", by=cast.administrator)

    assert (before, api_before) == ([True, True], 200)
    assert [is_signed_in(device) for device in devices] == [False, False]
    assert Client().get("/api/v1/models/", headers=by_token).status_code == 401
    assert not is_signed_in(sign_in("olivia"))
    assert Entry.objects.newest_first().filter(event="accounts.person_disabled").exists()


@pytest.mark.outside_portal
def test_a_disabled_account_is_out_while_the_persons_other_account_is_not(cast):
    services.add_account(
        person=cast.owner.person, username="olivia2", password=PASSWORD, kind="human", by=cast.administrator
    )
    first, second = sign_in("olivia"), sign_in("olivia2")

    Account.objects.filter(username="olivia").update(is_active=False)

    assert (is_signed_in(first), is_signed_in(second)) == (False, True)


def test_a_role_that_ended_closes_its_pages_in_the_middle_of_the_session(cast):
    client = sign_in("agnes")
    before = client.get(reverse("administration")).status_code

    end_role(cast.auditor.person.roles.get(), reason="Rotated")

    assert before == 200
    assert client.get(reverse("administration")).status_code == 403


def test_a_service_account_has_no_way_to_sign_in(cast):
    assert not cast.pipeline.has_usable_password()
    cast.pipeline.set_password(PASSWORD)
    cast.pipeline.save(update_fields=["password"])

    assert not is_signed_in(sign_in("ci-pipeline"))


@pytest.mark.parametrize("name", ["sessionid", "csrftoken"])
def test_cookies_are_for_this_site_alone(cast, name):
    client = sign_in("olivia")
    client.get(reverse("tokens"))

    cookie = client.cookies.get(name)
    assert cookie is not None
    assert cookie["samesite"] == "Lax"
