"""A schema migration: earlier bytes stay, later ones have the new columns, and a smuggled change stays visible."""

import pytest
from django.core.management import call_command
from django.db import connections

from accounts.models import Unit
from audit.models import Entry, RowHistory


@pytest.fixture
def migrate(log):
    """Run DDL as the migrator, then what follows every `migrate`."""

    def run(statement: str) -> None:
        with connections["migrator"].cursor() as cursor:
            cursor.execute(statement)
        call_command("migrate", verbosity=0)

    return run


def bodies(unit) -> list[bytes]:
    return [bytes(row.body) for row in RowHistory.objects.of_row("accounts_unit", unit.pk)]


@pytest.mark.outside_portal
def test_earlier_versions_are_rebuilt_byte_for_byte_after_a_column_was_added(log, migrate):
    unit, *_ = log.write(3)
    Unit.objects.filter(pk=unit.pk).update(name="Second name")
    before = bodies(unit)

    migrate("alter table accounts_unit add column region text not null default 'north'")

    rows = RowHistory.objects.of_row("accounts_unit", unit.pk)
    assert bodies(unit)[:2] == before
    assert "region" not in rows.as_at(3).last().row
    assert rows.last().row["region"] == "north"
    assert rows.last().row["name"] == "Second name"
    log.checkpoint()
    assert log.verify().defects == []
    assert log.verify_offline(log.export()).returncode == 0


def test_the_rows_are_captured_again_once_under_one_entry(log, migrate):
    log.write(3)
    migrate("alter table accounts_unit add column region text")
    count = RowHistory.objects.count()

    migrate("select 1")

    entry = Entry.objects.order_by("-id").first()
    assert (entry.event, entry.data) == ("audit.columns_changed", {"table": "accounts_unit", "rows": 3})
    assert RowHistory.objects.count() == count == 6
    assert not Entry.objects.filter(event="audit.outside_portal").exists()


@pytest.mark.parametrize("statement", ["drop column parent_id", "rename column name to title"])
def test_a_column_that_went_or_was_renamed_leaves_the_log_verifying(log, migrate, statement):
    unit, *_ = log.write(2)

    migrate(f"alter table accounts_unit {statement}")

    log.checkpoint()
    assert log.verify().defects == []
    assert b'"name": "unit 0"' in bodies(unit)[0]


def test_a_row_altered_behind_the_trail_is_not_whitewashed_by_a_migration(log, migrate, superuser):
    log.write(2)
    superuser.execute("alter table accounts_unit disable trigger audit_capture")
    superuser.execute("update accounts_unit set name = 'Smuggled' where id = 1")
    superuser.execute("alter table accounts_unit enable always trigger audit_capture")

    migrate("alter table accounts_unit add column region text")

    log.checkpoint()
    assert log.verify().defects == ["1 rows of accounts_unit are not as they were last captured"]


def test_a_state_never_leaves_for_null(log, superuser):
    superuser.execute("""
        create table public.things (id bigint primary key, state text);
        create trigger hold_state before update on public.things
        for each row execute function audit.hold_transitions('state', 'draft>live');
        insert into things values (1, 'draft')""")

    superuser.execute("update things set state = 'live'")
    for wrong in ("null", "'draft'"):
        with pytest.raises(Exception, match="cannot go from live"):
            superuser.execute(f"update things set state = {wrong}")
