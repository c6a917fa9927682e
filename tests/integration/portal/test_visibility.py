"""Which trails an account may see: its models', by one table of kinds, the same for pages, files and home."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Person
from audit.models import subject_name
from audit.services import record
from inventory import events, services
from inventory.models import Model
from portal import visibility
from portal.visibility import entries_seen_by, may_see, seen_among
from tests.cast import token_of_service
from tests.pages import browser_of, text_of


@pytest.fixture
def register(cast):
    """Register a model; keyword arguments override."""

    def register(name="Card PD", **changes) -> Model:
        wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer}
        model, _ = services.register_model(external_id=name.replace(" ", "-"), name=name, **(wanted | changes))
        return model

    return register


@pytest.fixture
def elsewhere(register, cast):
    return register("Market VaR", unit=cast.markets, owner=cast.stranger.person)


@pytest.fixture
def both(register, elsewhere):
    """Models of two units that one transaction changed under one entry; its words are about the first alone."""
    own = register()
    with transaction.atomic():
        for model in (own, elsewhere):
            Model.objects.filter(pk=model.pk).update(purpose=f"Purpose of {model.name}")
        data = {"changes": "purpose", "fields": []}
        record(events.MODEL_EDITED, subject=own, trails=[elsewhere], rows=[elsewhere], by=None, data=data)
    return own, elsewhere


def named(entries) -> set[str]:
    return {name for entry in entries for name in (entry.subject, *entry.trails) if name.startswith("inventory.model:")}


def test_a_trail_is_seen_by_who_sees_its_record(cast, register, elsewhere):
    own = register()

    assert may_see(cast.validator, subject_name(own))
    assert not may_see(cast.validator, subject_name(elsewhere))
    assert may_see(cast.stranger, subject_name(elsewhere))
    assert not may_see(cast.administrator, subject_name(own))
    assert seen_among(cast.owner, [subject_name(own), subject_name(elsewhere)]) == {subject_name(own)}


@pytest.mark.parametrize("trail", ["accounts.person:1", "inventory.modelversion:1", "inventory.model", "", "case:1"])
def test_a_trail_of_an_unknown_kind_is_seen_by_who_sees_the_whole_log_alone(cast, register, trail):
    register()

    assert may_see(cast.auditor, trail)
    assert not may_see(cast.owner, trail)
    assert not may_see(cast.administrator, trail)


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("who", ["owner", "stranger", "administrator", "pipeline"])
def test_the_entries_are_those_of_the_visible_trails_both_ways(cast, register, elsewhere, monkeypatch, few, who):
    monkeypatch.setattr(visibility, "FEW", few)
    account = with_token(cast, getattr(cast, who)) if who == "pipeline" else getattr(cast, who)
    for number in range(3):
        model = register(f"Model {number}")
        services.register_version(model=model, label="1.0", mlflow_uri="models:/m/1", by=cast.owner)

    entries = list(entries_seen_by(account))

    visible = {subject_name(model) for model in Model.objects.visible_to(account)}
    assert named(entries) == visible
    assert len(entries) == {"owner": 6, "pipeline": 6, "stranger": 1, "administrator": 0}[who]
    assert [entry.pk for entry in entries] == sorted((entry.pk for entry in entries), reverse=True)


def with_token(cast, account):
    account.token, _ = token_of_service(account, scopes=["models:read"], unit=cast.retail)
    return account


def test_many_visible_models_make_no_longer_a_query(cast, register, monkeypatch):
    monkeypatch.setattr(visibility, "FEW", 2)
    lengths = []
    for count in (3, 20):
        for number in range(count):
            register(f"Model {count} {number}")
        with CaptureQueriesContext(connection) as captured:
            assert len(entries_seen_by(cast.owner)) >= count
        lengths.append(max(len(query["sql"]) for query in captured))

    assert lengths[0] == lengths[1]


def test_a_kind_is_added_in_one_line(cast, elsewhere, monkeypatch):
    assert not may_see(cast.owner, subject_name(cast.owner.person))

    monkeypatch.setitem(visibility.KINDS, Person, lambda account: Person.objects.filter(pk=account.person_id))

    assert may_see(cast.owner, subject_name(cast.owner.person))
    assert not may_see(cast.owner, subject_name(cast.stranger.person))
    for few in (0, 1000):
        monkeypatch.setattr(visibility, "FEW", few)
        seen = {entry.event for entry in entries_seen_by(cast.owner)}
        of_a_role = {"proposals.proposed", "proposals.accepted", "proposals.applied", "accounts.role_granted"}
        assert seen == {"accounts.person_added", "accounts.account_added"} | of_a_role


def test_of_an_entry_on_two_trails_only_ones_own_rows_are_shown(cast, both):
    own, _ = both
    changed = entries_seen_by(cast.owner).first()

    page = text_of(browser_of(cast.owner).get(f"/models/{own.ref}/trail/?entry={changed.pk}"))
    whole = text_of(browser_of(cast.auditor).get(f"/audit/?entry={changed.pk}"))

    assert "Purpose of Card PD" in page
    assert "Purpose of Market VaR" not in page
    assert "Purpose of Market VaR" in whole


def test_home_names_the_model_that_one_may_see_of_an_entry_on_two_trails(cast, both):
    own, other = both

    assert browser_of(cast.owner).get("/").context["changed"][0]["line"].model == own
    assert browser_of(cast.stranger).get("/").context["changed"][0]["line"].model == other
