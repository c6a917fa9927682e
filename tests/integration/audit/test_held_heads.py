"""Heads that are held: nobody moves what a transaction has read until it commits, and nobody waits without need."""

import threading

import psycopg
import pytest
from django.db import connection, transaction

from accounts import services
from accounts.models import Unit
from audit.reading import head_digest, subject_name
from audit.services import hold_heads

SHORT = "set lock_timeout = '300ms'"
WITHOUT_THE_LOCK = """
    create or replace function audit.hold_subjects(subjects text[]) returns table (subject text, digest bytea)
    language sql volatile security definer set search_path = pg_catalog, pg_temp
    begin atomic select h.subject, h.digest from audit.subject_head h where h.subject = any (subjects); end
"""


@pytest.fixture
def units(db) -> list[Unit]:
    return [services.add_unit(code=code, name=code, parent=None, by=None) for code in ("a", "b", "c")]


@pytest.fixture
def another(db, database_template):
    """The portal's role on a second connection."""
    server = psycopg.conninfo.conninfo_to_dict(database_template)
    with psycopg.connect(host=server["host"], port=server["port"], dbname=db, user="app", password="app") as connection:
        yield connection


def rename(connection, unit: Unit) -> None:
    connection.execute("update accounts_unit set name = 'Renamed' where id = %s", [unit.pk])


def test_held_heads_are_what_the_readers_see_and_an_unknown_one_is_left_out(units):
    names = [subject_name(unit) for unit in units]

    with transaction.atomic():
        held = hold_heads([*reversed(names), "accounts.unit:999"])

    assert held == {name: head_digest(name) for name in names}
    assert list(held) == sorted(names)


@pytest.mark.outside_portal
def test_a_held_head_does_not_move_before_the_end_of_the_transaction(units, another):
    with transaction.atomic():
        hold_heads([subject_name(units[0])])
        another.execute(SHORT)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            rename(another, units[0])
        another.rollback()

    rename(another, units[0])
    another.commit()
    units[0].refresh_from_db()
    assert units[0].name == "Renamed"


def test_other_heads_move_meanwhile_and_two_may_hold_the_same(units, another):
    with transaction.atomic():
        hold_heads([subject_name(units[0])])
        another.execute(SHORT)
        another.execute("select * from audit.hold_subjects(%s)", [[subject_name(unit) for unit in units[:1]]])
        rename(another, units[1])
        another.rollback()


@pytest.mark.outside_portal
def test_who_waited_for_a_head_gets_it_as_it_is_then(units, another):
    name, held = subject_name(units[0]), {}
    rename(another, units[0])
    waiting = threading.Thread(target=hold_in_thread, args=[name, held])
    waiting.start()
    waiting.join(0.3)
    is_waiting = waiting.is_alive()

    another.commit()

    waiting.join(10)
    assert is_waiting
    assert held == {name: head_digest(name)}


def hold_in_thread(name: str, held: dict) -> None:
    with transaction.atomic():
        held |= hold_heads([name])
    connection.close()


@pytest.mark.outside_portal
def test_twin_without_the_lock_a_head_moves_under_who_read_it(units, another, superuser):
    superuser.execute(WITHOUT_THE_LOCK)

    with transaction.atomic():
        held = hold_heads([subject_name(units[0])])
        another.execute(SHORT)
        rename(another, units[0])
        another.commit()

    assert held != {subject_name(units[0]): head_digest(units[0])}
