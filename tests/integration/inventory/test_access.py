"""A single model of another unit: given to whom it is assigned, seen in every place, and gone when it ends."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services as accounts
from accounts.permissions import reaches
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import Permission, Role
from audit.models import Entry, RowHistory
from inventory import permissions, services
from inventory.models import Access, Model
from tests.cast import give_role, hire
from tests.pages import browser_of, queries_of, text_of

LONG_AGO, FAR_OFF = date(2000, 1, 1), date(2999, 12, 31)


@pytest.fixture
def register(cast):
    """Register a model of Markets, which Stan owns and the people of Retail do not see."""

    def register(name: str) -> Model:
        model, _ = services.register_model(
            external_id=name.lower().replace(" ", "-"),
            name=name,
            kind="statistical",
            unit=cast.markets,
            owner=cast.stranger.person,
            by=cast.stranger,
        )
        return model

    return register


@pytest.fixture
def model(register) -> Model:
    register("Quokka noise")
    return register("Market VaR")


@pytest.fixture
def give(cast, model):
    def give(account=cast.validator, **changed) -> Access:
        wanted = {"model": model, "person": account.person, "why": "VAL-2026-0007", "by": cast.officer}
        return services.give_access(**wanted | changed)

    return give


def token_client(account, unit) -> APIClient:
    _, secret = accounts.make_token(
        account=account,
        name="reads",
        scopes=["models:read"],
        unit=unit,
        expires_at=timezone.now() + timedelta(days=1),
        by=account,
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def refs_seen(account) -> set[str]:
    return set(Model.objects.visible_to(account).values_list("name", flat=True))


PLACES = ("/models/{ref}/", "/models/{ref}/versions/", "/models/{ref}/monitoring/", "/models/{ref}/trail/")


@pytest.mark.parametrize("place", PLACES)
def test_a_validator_finds_the_assigned_model_and_no_other_of_its_unit(cast, model, give, place):
    client, other = browser_of(cast.validator), Model.objects.get(name="Quokka noise")
    before = client.get(place.format(ref=model.ref)).status_code

    give()

    assert before == 404
    assert client.get(place.format(ref=model.ref)).status_code == 200
    assert client.get(place.format(ref=other.ref)).status_code == 404


def test_it_is_listed_and_counted_and_stands_on_the_trail_that_one_sees(cast, model, give):
    client = browser_of(cast.validator)
    before = text_of(client.get("/models/")), text_of(client.get("/audit/"))

    give()

    listed, trail = text_of(client.get("/models/")), text_of(client.get("/audit/"))
    assert not any("Market VaR" in page for page in before)
    assert "Market VaR" in listed
    assert "1 in the inventory" in listed
    assert "Market VaR" in trail
    assert "Quokka" not in listed + trail


def test_it_is_read_by_the_api_with_a_token_that_covers_its_unit(cast, model, give):
    give()
    wide, narrow = (token_client(cast.validator, unit) for unit in (cast.retail.parent, cast.retail))

    assert wide.get(f"/api/v1/models/{model.ref}/").status_code == 200
    assert [found["ref"] for found in wide.get("/api/v1/models/").json()["models"]] == [model.ref]
    assert narrow.get(f"/api/v1/models/{model.ref}/").status_code == 404
    assert wide.get("/api/v1/models/quokka-noise/").status_code == 404


def test_it_is_seen_and_not_changed(cast, model, give):
    give()

    assert permissions.can_see(cast.validator, model)
    assert not permissions.can_edit(cast.validator, model)
    assert not permissions.can_monitor(cast.validator, model)
    assert reaches(cast.validator, Permission.SEE_MODELS, unit=model.unit, is_assigned=True)


def test_a_member_of_a_committee_sees_what_was_assigned_too(cast, give):
    give(cast.member)

    assert refs_seen(cast.member) == {"Market VaR"}


@pytest.mark.parametrize("who", ["owner", "developer", "administrator"])
def test_a_role_that_does_not_reach_assigned_models_shows_nothing_more(cast, give, who):
    account = getattr(cast, who)

    give(account)

    assert refs_seen(account) == set()


def test_who_covers_the_whole_bank_is_not_narrowed_to_what_was_assigned(cast, give):
    give_role(cast.member.person, Role.COMMITTEE, None)

    give(cast.member)

    assert refs_seen(cast.member) == {"Market VaR", "Quokka noise"}


def test_an_access_that_ended_is_over_on_the_next_request(cast, model, give):
    access, client = give(), browser_of(cast.validator)
    before = client.get(f"/models/{model.ref}/").status_code

    services.end_access(access=access, reason="Concluded", by=cast.officer)

    assert before == 200
    assert client.get(f"/models/{model.ref}/").status_code == 404
    with pytest.raises(NotNow, match="ended already"):
        services.end_access(access=access, reason="Again", by=cast.officer)


@pytest.mark.outside_portal
def test_an_access_ends_by_itself_after_its_last_day_at_the_bank(cast, model, give, monkeypatch):
    monkeypatch.setattr("django.conf.settings.BANK_TIME_ZONE", f"Etc/GMT{datetime.now(UTC).hour - 12:+d}")
    today = datetime.now(UTC) + timedelta(hours=12 - datetime.now(UTC).hour)
    dated = {"model": model, "person": cast.validator.person, "granted_by": cast.officer.person}

    for days, is_seen in ((-1, False), (0, True)):
        Access.objects.create(why=f"{days}", until=today.date() + timedelta(days=days), **dated)
        assert (refs_seen(cast.validator) == {"Market VaR"}) is is_seen


def test_giving_and_ending_stand_on_the_trails_of_model_and_person(cast, model, give):
    services.end_access(access=give(until=FAR_OFF), reason="Concluded", by=cast.officer)

    for trail in (f"inventory.model:{model.pk}", f"accounts.person:{cast.validator.person_id}"):
        ended, given = Entry.objects.on_trail(trail).newest_first()[:2]
        assert (ended.event, ended.data["reason"]) == ("inventory.access_ended", "Concluded")
        assert (given.event, given.data["until"]) == ("inventory.access_given", "2999-12-31")
    assert RowHistory.objects.of_row("inventory_access", Access.objects.get().pk).count() == 2


@pytest.mark.parametrize(
    ("who", "by", "sentence"),
    [
        ("officer", "officer", "Nobody gives access to themselves"),
        ("validator", "owner", "do not show you"),
        ("validator", "member", "do not show you"),
    ],
)
def test_access_is_given_by_another_person_who_sees_the_model(cast, give, who, by, sentence):
    with pytest.raises(NotPermitted, match=sentence):
        give(getattr(cast, who), by=getattr(cast, by))

    assert not Access.objects.exists()


def test_only_who_sees_the_model_ends_an_access_and_says_why(cast, give):
    access = give()

    with pytest.raises(NotPermitted, match="do not show you"):
        services.end_access(access=access, reason="x", by=cast.owner)
    with pytest.raises(InvalidInput, match="Say why"):
        services.end_access(access=access, reason=" ", by=cast.officer)
    assert Access.objects.in_force().get() == access


def test_the_same_access_is_given_once_and_never_for_the_past(cast, give):
    give()

    with pytest.raises(NotNow, match="already"):
        give()
    with pytest.raises(InvalidInput, match="must be ahead"):
        give(why="Another reason", until=LONG_AGO)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"person": "stranger"}, "never changes"),
        ({"until": FAR_OFF}, "never changes"),
        ({"ended_at": timezone.now()}, "access_ended_at_has_ended_by"),
    ],
)
def test_the_database_refuses_to_turn_an_access_into_another_or_to_end_it_by_nobody(cast, give, change, words):
    access = give()
    changed = change | ({"person": cast.stranger.person} if "person" in change else {})

    with pytest.raises(IntegrityError, match=words):
        Access.objects.filter(pk=access.pk).update(**changed)


def test_the_database_refuses_an_access_that_one_gave_oneself(cast, model):
    person = cast.validator.person

    with pytest.raises(IntegrityError, match="access_not_given_to_oneself"):
        Access.objects.create(model=model, person=person, why="x", granted_by=person)


def test_twin_without_an_access_in_force_the_same_validator_finds_nothing(cast, model, give):
    give(hire(Role.VALIDATOR, cast.retail, "Vera Validator"))

    assert refs_seen(cast.validator) == set()
    assert browser_of(cast.validator).get(f"/models/{model.ref}/").status_code == 404


def test_the_list_takes_as_many_queries_with_thirty_assigned_models_as_with_one(cast, register, give):
    client = browser_of(cast.validator)
    give()
    few = queries_of(client, "/models/")

    for number in range(30):
        give(model=register(f"Market model {number}"))

    assert queries_of(client, "/models/") == few
    assert len(refs_seen(cast.validator)) == 31
