"""Whoever holds the portal's own database role: what it can call, and what it still cannot do to the log."""

import psycopg
import pytest

from audit import signed_note
from audit.models import Checkpoint, Entry, SealedRecord


@pytest.fixture
def app(log, db, database_template):
    """The portal's role on a connection of its own, with nothing of the portal's code in between."""
    log.write(5)
    log.checkpoint()
    server = psycopg.conninfo.conninfo_to_dict(database_template)
    with psycopg.connect(
        host=server["host"], port=server["port"], dbname=db, user="app", password="app", autocommit=True
    ) as connection:
        yield connection


REFUSED = {
    "announce over its own hand": "insert into audit.entry (txid, event) values (1, 'x')",
    "say in which record a row is": "update audit.row_history set sealed_in = 1",
    "queue a seal": "insert into audit.tx values (7)",
    "move the head": "update audit.head set size = 0",
    "lock the head": "select * from audit.head for update",
    "set the clock": "insert into audit.simulated_clock values (true, now())",
    "take a table off the list": "delete from audit.governed",
    "put a table on the list": "select audit.register_governed('x', 'x', '', '', '{}')",
    "hold a subject head by hand": "select * from audit.subject_head for share",
    "move a subject head": "update audit.subject_head set digest = ''",
    "call the capture by hand": "select audit.capture()",
    "call the seal by hand": "select audit.seal()",
    "read a root that it names": "select audit.stored_root(1)",
    "disable a guard": "alter table accounts_unit disable trigger audit_capture",
    "drop a guard": "drop trigger audit_capture on accounts_unit",
    "be a replica": "set session_replication_role = replica",
    "be the owner": "set role audit_owner",
    "be the migrator": "set role migrator",
    "be somebody else": "set session authorization migrator",
    "make a table in public": "create table public.mine (id int)",
    "make a function in public": (
        "create function public.sha256(bytea) returns bytea language sql as 'select null::bytea'"
    ),
    "make a table in audit": "create table audit.mine (id int)",
    "make a schema": "create schema mine",
    "hang the capture on a table of its own": (
        "create temp table accounts_unit (id int); create trigger c after insert on accounts_unit"
        " for each row execute function audit.capture('accounts.unit', '', '')"
    ),
    "truncate a governed table": "truncate accounts_unit cascade",
    "delete a governed row": "delete from accounts_unit",
    "lock out the builders": "begin; lock table audit.node in share mode",
}


def test_each_of_these_is_refused(app):
    answers = {}
    for what, statement in REFUSED.items():
        try:
            app.execute(statement)
            answers[what] = "done"
        except psycopg.Error as problem:
            answers[what] = problem.sqlstate
        app.execute("rollback")

    # insufficient_privilege; feature_not_supported and invalid_object_definition for a trigger called by hand
    assert {what: answer for what, answer in answers.items() if answer not in {"42501", "0A000", "42P17"}} == {}


def checkpoint_of(app, size: int, root: bytes | None = None, note: str | None = None) -> None:
    honest = app.execute("select root, triggers, note from audit.checkpoint order by id desc limit 1").fetchone()
    root = honest[0] if root is None else root
    note = signed_note.checkpoint_text("x", size, bytes(root)) + "\n— x AAAA\n" if note is None else note
    app.execute("select audit.file_checkpoint(%s, %s, %s, %s)", [size, root, honest[1], note])


def test_a_checkpoint_that_is_not_of_this_log_is_refused_and_blocks_nothing(app, log):
    for size, root, note, sentence in (
        (2**62, None, None, "the log does not have them"),
        (6, None, None, "the log does not have them"),
        (4, None, None, "smaller than the last one"),
        (0, None, None, "smaller than the last one"),
        (5, b"\x00" * 32, None, "not that of the stored tree"),
        (5, None, "words", "does not say what is filed"),
        (5, None, "x\n6\nAAAA\n\n— x AAAA\n", "does not say what is filed"),
        (5, None, "", "does not say what is filed"),
    ):
        with pytest.raises(psycopg.errors.RaiseException, match=sentence):
            checkpoint_of(app, size, root, note)

    log.write(1, prefix="later")
    assert log.checkpoint().size == 6


def test_a_cosignature_that_is_none_is_refused(app):
    for line in ("", "words", "— w.example AAAA", "— w.example AAAA\n\n— x AAAA\n", "— other AAAA\n"):
        with pytest.raises(psycopg.errors.RaiseException, match="one line"):
            app.execute("select audit.file_cosignature(1, 'w.example', %s)", [line])


def test_nodes_are_built_over_what_is_there(app):
    for size in (-1, 6, 2**62):
        with pytest.raises(psycopg.errors.RaiseException, match="there are no"):
            app.execute("select audit.build_nodes(%s)", [size])


def test_an_advisory_lock_does_not_stop_the_checkpointer(app, log):
    app.execute("select pg_advisory_lock(hashtext('audit.build_nodes'))")
    app.execute("begin; lock table audit.node in access share mode")
    log.write(1, prefix="later")

    assert log.checkpoint().size == 6


@pytest.mark.outside_portal
def test_temporary_tables_and_types_do_not_stand_in_for_the_catalogues(app, log, superuser):
    superuser.execute(f'grant temporary on database "{superuser.info.dbname}" to app')
    honest = app.execute("select audit.trigger_digest()").fetchone()
    for name in ("pg_trigger", "pg_class", "pg_namespace"):
        app.execute(f"create temp table {name} as select * from pg_catalog.{name} where false")
    app.execute("create domain pg_temp.text as int; create domain pg_temp.timestamptz as int")
    app.execute("set search_path = pg_temp, public, audit")

    app.execute("update public.accounts_unit set name = 'Seen all the same' where id = 1")

    assert app.execute("select audit.trigger_digest()").fetchone() == honest
    assert app.execute("select count(*) from audit.unguarded()").fetchone() == (0,)
    assert Entry.objects.order_by("-id").first().data["database_user"] == "app"
    log.checkpoint()
    assert log.verify().defects == []


def test_what_it_announces_falsely_is_sealed_under_its_database_user(app, log):
    app.execute(
        "select audit.record('accounts.role_granted', 'accounts.person:1', '{}', 'accounts.person:9', '', 'page', '',"
        " '{}')"
    )

    assert SealedRecord.objects.order_by("-position").first().db_user == "app"
    log.checkpoint()
    assert log.verify().holds


def test_a_vacant_announcement_is_refused(app):
    for broken in ("'', 'x'", "'x', ''", "null, 'x'"):
        with pytest.raises(psycopg.errors.IntegrityError):
            app.execute(f"select audit.record({broken}, '{{}}', '', '', '', '', '{{}}')")


@pytest.mark.parametrize(
    ("actor", "body", "says"),
    [
        ("bob", "{}", "names its actor as accounts.person:7"),
        ("accounts.person:x", "{}", "names its actor as accounts.person:7"),
        ("", "[1]", "is a JSON object"),
        ("", "not json", "invalid input syntax for type json"),
    ],
)
def test_an_entry_that_no_page_could_show_is_refused(app, actor, body, says):
    """What is once sealed stays, and would spoil every page that lists it."""
    call = "select audit.record('x.y', 'inventory.model:2', '{inventory.model:2}', %s, '', 'page', '', %s)"

    with pytest.raises(psycopg.Error, match=says):
        app.execute(call, [actor, body.encode()])


def test_it_can_hold_up_the_log_but_not_bend_it(app, log, superuser):
    """What remains: an open transaction that sealed early keeps every other writer waiting, until it ends."""
    app.execute("begin; set constraints all immediate")
    app.execute("update accounts_unit set name = 'held' where id = 1")

    superuser.execute("set lock_timeout = '200ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        superuser.execute("update accounts_unit set name = 'waits' where id = 2")

    app.execute("rollback")
    log.write(1, prefix="afterwards")
    log.checkpoint()
    assert log.verify().defects == []
    assert Checkpoint.objects.order_by("-id").first().size == log.size == 6
