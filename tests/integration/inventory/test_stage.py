"""A model's stages: the steps that exist, who may take them, and that a retired record stays as it ended."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connections

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.models import Entry, RowHistory, subject_name
from inventory import services
from inventory.models import Model
from inventory.refusals import ChangedSince
from tests.pages import browser_of

STAGE = Model.Stage


@pytest.fixture
def model(cast):
    model, _ = services.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        developer=cast.developer.person,
        by=cast.owner,
    )
    services.register_model(
        external_id="noise", name="Noise", kind="expert", unit=cast.retail, owner=cast.owner.person, by=cast.owner
    )
    return model


@pytest.fixture
def move(cast, model):
    """Move the model through stages, each by the officer where nobody else is named."""

    def move(*stages, by=None, reason="As agreed"):
        for stage in stages:
            services.move_stage(model=model, stage=stage, reason=reason, by=by or cast.officer)
        model.refresh_from_db()
        return model

    return move


def test_a_model_goes_from_development_into_use_and_each_step_is_on_its_trail(cast, model, move):
    move(STAGE.IN_VALIDATION, by=cast.developer)
    move(STAGE.APPROVED, STAGE.IN_USE, reason="Committee of 3 March")

    entries = Entry.objects.on_trail(subject_name(model)).filter(event="inventory.stage_moved").order_by("id")
    assert model.stage == STAGE.IN_USE
    assert [(e.data["from"], e.data["to"], e.data["reason"], e.account) for e in entries] == [
        ("In development", "In validation", "As agreed", "dan"),
        ("In validation", "Approved", "Committee of 3 March", "priya"),
        ("Approved", "In use", "Committee of 3 March", "priya"),
    ]


def test_a_step_that_does_not_exist_is_refused_with_those_that_do(cast, model, move):
    with pytest.raises(NotNow, match=r"is in development; it cannot become in use .* in validation, retired\."):
        move(STAGE.IN_USE)

    assert Model.objects.get(pk=model.pk).stage == STAGE.IN_DEVELOPMENT


def test_a_step_without_a_reason_is_refused(move):
    with pytest.raises(InvalidInput, match="Say why"):
        move(STAGE.IN_VALIDATION, reason=" ")


@pytest.mark.parametrize("who", ["owner", "developer"])
def test_nobody_lets_the_bank_rely_on_what_they_own_or_built(cast, model, move, who):
    own = getattr(cast, who)
    move(STAGE.IN_VALIDATION, by=own)

    with pytest.raises(NotPermitted, match="another person decides"):
        move(STAGE.APPROVED, by=own)


def test_an_officer_who_registered_a_version_is_in_conflict_too(cast, model, move):
    services.register_version(model=model, label="1", mlflow_uri="models:/card_pd/1", by=cast.officer)
    move(STAGE.IN_VALIDATION)

    with pytest.raises(NotPermitted, match="another person decides"):
        move(STAGE.APPROVED)


def test_who_owns_a_model_may_take_it_out_of_use_but_not_put_it_back(cast, model, move):
    move(STAGE.IN_VALIDATION, STAGE.APPROVED, STAGE.IN_USE)
    move(STAGE.RESTRICTED, STAGE.PAUSED, by=cast.owner)

    with pytest.raises(NotPermitted, match="another person decides"):
        move(STAGE.RESTRICTED, by=cast.owner)
    assert move(STAGE.RESTRICTED, STAGE.IN_USE).stage == STAGE.IN_USE


@pytest.mark.parametrize("who", ["validator", "auditor", "stranger", "administrator"])
def test_others_move_nothing(cast, model, move, who):
    with pytest.raises(NotPermitted):
        move(STAGE.IN_VALIDATION, by=getattr(cast, who))


def test_a_service_account_or_token_hands_on_and_approves_nothing(cast, model, move):
    cast.pipeline.token = type("Token", (), {"unit": cast.retail, "scopes": ["models:write"]})()
    cast.officer.token = type("Token", (), {"unit": cast.retail, "scopes": ["models:write"]})()
    move(STAGE.IN_VALIDATION, by=cast.pipeline)

    for account in (cast.pipeline, cast.officer):
        with pytest.raises(NotPermitted, match="a person signs in"):
            move(STAGE.APPROVED, by=account)


def test_a_model_that_changed_since_it_was_read_is_not_moved(cast, model):
    read = services.digest_of(model)
    services.edit_model(model=model, changes={"name": "Card PD 2"}, expected_digest=read, by=cast.owner)

    with pytest.raises(ChangedSince):
        services.move_stage(
            model=model, stage=STAGE.IN_VALIDATION, reason="Ready", expected_digest=read, by=cast.officer
        )


# ---- retired ----------------------------------------------------------------------------------------------
def test_a_retired_model_is_edited_versioned_and_moved_no_more(cast, model, move):
    move(STAGE.RETIRED, by=cast.owner, reason="Replaced")
    before = RowHistory.objects.count()

    for change in (
        lambda: services.edit_model(
            model=model, changes={"name": "x"}, expected_digest=services.digest_of(model), by=cast.owner
        ),
        lambda: services.register_version(model=model, label="9", mlflow_uri="models:/x/9", by=cast.owner),
        lambda: move(STAGE.IN_USE),
    ):
        with pytest.raises(NotNow, match="is retired: its record stays as it ended"):
            change()
    assert RowHistory.objects.count() == before


@pytest.mark.parametrize("change", [{"stage": "in_use"}, {"name": "x"}, {"tier": 1}, {"owner": 2}, {"unit": 1}])
def test_the_database_changes_nothing_of_a_retired_model(cast, model, move, change):
    move(STAGE.RETIRED)

    with pytest.raises(IntegrityError, match=r"is retired and read-only|cannot go from retired"):
        Model.objects.filter(pk=model.pk).update(**change)


@pytest.mark.outside_portal
def test_twin_without_the_guards_raw_sql_brings_a_retired_model_back(cast, model, move, superuser):
    move(STAGE.RETIRED)
    for trigger in ("hold_stage", "hold_stage_retired"):
        superuser.execute(f"alter table inventory_model disable trigger {trigger}")

    Model.objects.filter(pk=model.pk).update(stage="in_use", name="Back")

    assert Model.objects.get(pk=model.pk).stage == STAGE.IN_USE
    assert Entry.objects.newest_first().first().event == "audit.outside_portal"


def test_a_retired_model_is_captured_again_after_a_migration(cast, model, move):
    move(STAGE.RETIRED)
    with connections["migrator"].cursor() as cursor:
        cursor.execute("alter table inventory_model add column region text not null default 'north'")

    call_command("migrate", verbosity=0)

    assert RowHistory.objects.of_row("inventory_model", model.pk).last().row["region"] == "north"


# ---- REST -------------------------------------------------------------------------------------------------
def post(client, model, body: dict, etag: str | None = None):
    headers = {"If-Match": etag} if etag else {}
    return client.post(
        f"/api/v1/models/{model.ref}/stage/", data=body, content_type="application/json", headers=headers
    )


def test_a_signed_in_officer_moves_the_model_that_was_read(cast, model):
    client = browser_of(cast.officer)
    etag = client.get(f"/api/v1/models/{model.ref}/")["ETag"]

    answer = post(client, model, {"stage": "in_validation", "reason": "Ready"}, etag)

    assert (answer.status_code, answer.json()["stage"]) == (200, "in_validation")
    assert answer["ETag"] != etag
    assert Entry.objects.newest_first().first().through == "api"


@pytest.mark.parametrize(
    ("who", "body", "etag", "status"),
    [
        ("officer", {"stage": "in_validation", "reason": "Ready"}, None, 428),
        ("officer", {"stage": "in_validation", "reason": "Ready"}, '"stale"', 412),
        ("officer", {"stage": "in_use", "reason": "Ready"}, "read", 409),
        ("officer", {"stage": "live", "reason": "Ready"}, "read", 422),
        ("officer", {"stage": "in_validation"}, "read", 422),
        ("auditor", {"stage": "in_validation", "reason": "Ready"}, "read", 403),
        ("stranger", {"stage": "in_validation", "reason": "Ready"}, "read", 404),
    ],
)
def test_a_request_that_cannot_be_done_says_why(cast, model, who, body, etag, status):
    read = f'"{services.digest_of(model)}"' if etag == "read" else etag

    answer = post(browser_of(getattr(cast, who)), model, body, read)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert Model.objects.get(pk=model.pk).stage == STAGE.IN_DEVELOPMENT
