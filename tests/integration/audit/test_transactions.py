"""What one transaction may do to the seal: savepoints, later triggers, isolation levels, ten thousand rows."""

import time

import psycopg
import pytest
from django.db import connection, transaction

from accounts import events, services
from accounts.models import Unit
from audit import verifier
from audit.models import Entry, RowHistory, SealedRecord
from audit.services import record


@pytest.fixture
def unit(db):
    return services.add_unit(code="group", name="Group", parent=None, by=None)


@pytest.fixture
def app(db, database_template):
    """A second connection as the portal's role."""
    server = psycopg.conninfo.conninfo_to_dict(database_template)
    with psycopg.connect(host=server["host"], port=server["port"], dbname=db, user="app", password="app") as second:
        yield second


def rows_of(position: int) -> list[str]:
    return [row.row["name"] for row in RowHistory.objects.filter(sealed_in=position).order_by("id")]


@pytest.mark.outside_portal
def test_what_a_savepoint_rolled_back_is_not_sealed(unit):
    with transaction.atomic():
        Unit.objects.filter(pk=unit.pk).update(name="before")
        with transaction.atomic():
            Unit.objects.filter(pk=unit.pk).update(name="inside")
            transaction.set_rollback(True)
        Unit.objects.filter(pk=unit.pk).update(name="after")

    assert rows_of(1) == ["before", "after"]


def test_a_transaction_whose_only_change_was_rolled_back_leaves_no_record(unit):
    with transaction.atomic():
        with transaction.atomic():
            Unit.objects.filter(pk=unit.pk).update(name="inside")
            transaction.set_rollback(True)
        Unit.objects.count()

    assert SealedRecord.objects.count() == 1


def test_a_change_by_a_later_deferred_trigger_is_sealed_too(unit, superuser):
    superuser.execute("""
        create function public.late() returns trigger language plpgsql as $$
        begin update accounts_unit set name = 'by a late trigger' where id = new.id; return null; end $$;
        create constraint trigger late after update on accounts_unit deferrable initially deferred
        for each row when (new.name = 'early') execute function public.late()""")

    with transaction.atomic():
        added = services.add_unit(code="late", name="On time", parent=unit, by=None)
        Unit.objects.filter(pk=added.pk).update(name="early")

    sealed = RowHistory.objects.of_row("accounts_unit", added.pk)
    assert [row.row["name"] for row in sealed] == ["On time", "early", "by a late trigger"]
    assert not sealed.filter(sealed_in=None).exists()
    assert [len(verifier.parse_record(bytes(r.body))["rows"]) for r in SealedRecord.objects.order_by("position")] == [
        1,
        2,
        1,
    ]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_writer_with_an_old_snapshot_fails_loudly_and_forks_nothing(unit, app, level):
    app.execute(f"set transaction isolation level {level}")
    app.execute("select count(*) from accounts_unit")
    services.add_unit(code="first", name="First", parent=unit, by=None)
    app.execute("insert into accounts_unit (code, name, path) values ('old', 'Old', '/old/')")

    with pytest.raises(psycopg.errors.SerializationFailure):
        app.commit()

    assert not Unit.objects.filter(code="old").exists()
    assert list(SealedRecord.objects.order_by("position").values_list("position", flat=True)) == [0, 1]


@pytest.mark.outside_portal
def test_the_lock_is_taken_at_the_commit_and_not_before(unit, app):
    app.execute("update accounts_unit set name = 'open' where id = %s", [unit.pk])

    services.add_unit(code="meanwhile", name="Meanwhile", parent=None, by=None)
    app.commit()

    assert rows_of(1) == ["Meanwhile"]
    assert rows_of(2) == ["open"]


@pytest.mark.outside_portal
def test_the_time_of_a_record_is_taken_under_the_lock(unit, app):
    app.execute("update accounts_unit set name = 'begun first' where id = %s", [unit.pk])
    services.add_unit(code="second", name="Second", parent=None, by=None)
    app.commit()

    times = list(SealedRecord.objects.order_by("position").values_list("sealed_at", flat=True))

    assert times == sorted(times)


@pytest.mark.outside_portal
def test_a_clock_that_goes_back_does_not_take_the_log_with_it(unit, superuser):
    superuser.execute("insert into audit.simulated_clock values (true, '2001-01-01Z')")

    Unit.objects.filter(pk=unit.pk).update(name="in the past")

    first, second = SealedRecord.objects.order_by("position")
    assert second.sealed_at == first.sealed_at


@pytest.mark.outside_portal
def test_ten_thousand_rows_are_one_record(db):
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into accounts_unit (code, name, path)"
            " select n, 'Unit ' || n, '/' || n from generate_series(1, 10000) n"
        )
    announced_by_nobody = time.monotonic() - started
    with transaction.atomic():
        started = time.monotonic()
        Unit.objects.update(name="Renamed")
        first, *others = Unit.objects.order_by("pk")
        record(events.UNIT_ADDED, subject=first, rows=others, by=None, data={"name": "All", "path": "/"})
    announced = time.monotonic() - started

    print(f"10,000 rows: {announced_by_nobody:.2f} s unannounced, {announced:.2f} s under one entry")
    sizes = [
        (len(parsed["entries"]), len(parsed["rows"]))
        for parsed in (verifier.parse_record(bytes(r.body)) for r in SealedRecord.objects.order_by("position"))
    ]
    assert sizes == [(10_000, 10_000), (1, 10_000)]


def test_sealing_does_not_read_the_whole_log(unit):
    """Each commit asks for its own transaction's entries: by an index, however long the log has grown."""
    with connection.cursor() as cursor:
        cursor.execute("set enable_seqscan = off")
        cursor.execute("explain select 1 from audit.entry e where e.txid = 7")
        plan = " ".join(line for (line,) in cursor.fetchall())
        cursor.execute("reset enable_seqscan")

    assert "entry_txid" in plan
    assert Entry.objects.count() == 1
