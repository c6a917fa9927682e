"""What a record's docstring calls unchangeable the database holds, against the portal's own role too."""

from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import services as accounts
from audit.models import Artefact
from inventory import services as inventory
from inventory.models import ModelVersion

HELD = {
    "audit_artefact": {
        "sha256": "'" + "f" * 64 + "'",
        "size": "1",
        "media_type": "'text/html'",
        "retention": "'sample'",
        "trail": "'accounts.unit:9'",
        "filed_at": "now() - interval '1 day'",
    },
    "audit_attachment": {
        "artefact_id": "artefact_id + 1",
        "subject": "'accounts.unit:9'",
        "trail": "'accounts.unit:9'",
        "role": "'another'",
        "name": "'another'",
        "inputs": '\'{"x": "y"}\'',
        "code_version": "'another'",
        "how_to_repeat": "'another'",
        "filed_at": "now() - interval '1 day'",
    },
    "accounts_account": {"person_id": "person_id + 1", "kind": "'service'"},
    "accounts_roleassignment": {
        "person_id": "person_id + 1",
        "role": "'auditor'",
        "unit_id": "1",
        "granted_at": "now() - interval '1 day'",
        "granted_by_id": "coalesce(granted_by_id, 0) + 1",
    },
    "accounts_apitoken": {
        "person_id": "person_id + 1",
        "account_id": "account_id + 1",
        "name": "'another'",
        "start": "'another'",
        "sha256": "'" + "f" * 64 + "'",
        "scopes": "'{models:write}'",
        "unit_id": "1",
        "made_at": "now() - interval '1 day'",
        "made_by_id": "made_by_id + 1",
        "expires_at": "expires_at + interval '1 day'",
    },
    "inventory_model": {
        "ref": "'MDL-X'",
        "external_id": "'x'",
        "registered_at": "now() - interval '1 day'",
        "registered_by_id": "registered_by_id + 1",
    },
    "inventory_modelversion": {
        "model_id": "model_id + 1",
        "label": "'9'",
        "mlflow_uri": "'models:/other/1'",
        "claimed_digest": "'" + "f" * 64 + "'",
        "training_data_digest": "'another'",
        "notes": "'another'",
        "registered_at": "now() - interval '1 day'",
        "registered_by_id": "registered_by_id + 1",
    },
}
# Set once: (first, where it is empty), its companions, and values.
ONCE = {
    "accounts_apitoken": {"revoked_at": "now()", "revoked_by_id": "1"},
    "inventory_modelversion": {
        "digest": "'" + "e" * 64 + "'",
        "flavour": "'xgboost'",
        "signature": "'{}'",
        "artefact_bytes": "7",
        "is_loaded_by_code": "true",
    },
}
OTHERS = {**ONCE["inventory_modelversion"], "digest": "'" + "d" * 64 + "'", "is_loaded_by_code": "false"}
OTHERS |= {"flavour": "'sklearn'", "signature": "'{\"a\": 1}'", "artefact_bytes": "8"}
OTHERS |= dict.fromkeys(("ended_at", "revoked_at"), "now() + interval '1 hour'")
OTHERS |= dict.fromkeys(("ended_by_id", "revoked_by_id"), "2")


@pytest.fixture
def rows(cast, log):
    """A row of each table."""
    log.file(b"report", cast.retail)
    accounts.make_token(
        account=cast.owner,
        name="t",
        scopes=["models:read"],
        unit=cast.retail,
        expires_at=timezone.now() + timedelta(days=1),
        by=cast.owner,
    )
    model, _ = inventory.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        by=cast.owner,
    )
    inventory.register_version(model=model, label="1", mlflow_uri="models:/card_pd/1", by=cast.owner)


def update(table: str, values: dict[str, str]) -> None:
    """As the portal's role, the table's newest row, past every service."""
    pairs = ", ".join(f"{column} = {value}" for column, value in values.items())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"update {table} set {pairs} where id = (select max(id) from {table})")
        assert cursor.rowcount == 1


@pytest.mark.parametrize(("table", "column"), [(table, column) for table in HELD for column in HELD[table]])
@pytest.mark.outside_portal
def test_what_never_changes_is_refused(rows, table, column):
    with pytest.raises(IntegrityError, match=f"{column} of {table} \\d+ never changes"):
        update(table, {column: HELD[table][column]})


@pytest.mark.parametrize("table", ONCE)
@pytest.mark.outside_portal
def test_what_is_set_once_is_set_together_and_never_again(rows, table):
    for column, value in list(ONCE[table].items())[1:]:
        with pytest.raises(IntegrityError, match=f"{column} of {table} \\d+ is set once"):
            update(table, {column: value})

    update(table, ONCE[table])

    for column in ONCE[table]:
        with pytest.raises(IntegrityError, match=f"{column} of {table} \\d+ is set once"):
            update(table, {column: OTHERS[column]})
        with pytest.raises(IntegrityError, match=f"{column} of {table} \\d+ is set once"):
            update(table, {column: "default" if column == "is_loaded_by_code" else "null"})


@pytest.mark.outside_portal
def test_a_verified_version_keeps_its_digest_and_what_was_read_with_it(rows):
    update("inventory_modelversion", ONCE["inventory_modelversion"] | {"digest_state": "'verified'"})

    for column in ONCE["inventory_modelversion"]:
        with pytest.raises(IntegrityError, match="is set once"):
            update("inventory_modelversion", {column: OTHERS[column]})


@pytest.mark.outside_portal
def test_a_failed_version_is_tried_again_and_settled(rows):
    update("inventory_modelversion", {"digest_state": "'failed'", "digest_note": "'gone'"})
    update("inventory_modelversion", {"digest_state": "'pending'", "digest_note": "''"})

    update("inventory_modelversion", ONCE["inventory_modelversion"] | {"digest_state": "'verified'"})

    assert ModelVersion.objects.get().digest == "e" * 64


@pytest.mark.outside_portal
def test_twin_without_the_guards_the_portals_role_changes_all_of_it(rows, superuser):
    for table in HELD:
        superuser.execute(f"alter table {table} disable trigger hold_columns")
    superuser.execute("alter table inventory_modelversion disable trigger hold_digest_once")

    update("audit_artefact", {"sha256": HELD["audit_artefact"]["sha256"]})
    update("inventory_modelversion", {"is_loaded_by_code": "true", "training_data_digest": "'another'"})

    assert Artefact.objects.get().sha256 == "f" * 64
    assert ModelVersion.objects.get().is_loaded_by_code


# ---- the functions, on a table of the test's own ---------------------------------------------------------
@pytest.fixture
def things(db, superuser):
    superuser.execute("""
        create table public.things (id bigint primary key, state text, first text, second integer);
        create trigger hold_first_once before update on public.things
        for each row execute function audit.hold_once_set('first', 'second');
        create trigger hold_state_over before update on public.things
        for each row execute function audit.hold_rows('state', 'over');
        insert into things values (1, 'open', '', null), (2, 'over', 'a', 1), (3, null, null, null)""")
    return superuser


def test_empty_is_null_or_no_characters_and_neither_becomes_the_other(things):
    for statement in ("first = null", "first = ''", "second = 1"):
        with pytest.raises(psycopg.errors.CheckViolation, match="is set once"):
            things.execute(f"update things set {statement} where id = {3 if 'null' not in statement else 1}")

    things.execute("update things set first = 'x' where id = 1")
    things.execute("update things set first = 'x', second = 2 where id = 3")

    with pytest.raises(psycopg.errors.CheckViolation, match="second of things 1 is set once, together with first"):
        things.execute("update things set second = 2 where id = 1")


def test_a_row_in_its_last_state_is_read_only_but_can_be_captured_again(things):
    for statement in ("state = 'open'", "first = 'b'", "state = null"):
        with pytest.raises(psycopg.errors.CheckViolation):
            things.execute(f"update things set {statement} where id = 2")

    things.execute("update things set id = id")
    things.execute("update things set state = 'over' where id = 1")

    with pytest.raises(psycopg.errors.CheckViolation, match="things 1 is over and read-only"):
        things.execute("update things set first = 'late' where id = 1")
