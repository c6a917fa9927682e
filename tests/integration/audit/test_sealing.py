"""One transaction, one sealed record: what was announced, what changed, and what nobody announced."""

import itertools
import json

import psycopg
import pytest
from django.db import connection, transaction

from accounts import services
from accounts.events import PERSON_DISABLED, UNIT_ADDED
from accounts.models import Person, Unit
from audit import verifier
from audit.models import Entry, RowHistory, SealedRecord, SubjectHead
from audit.services import record


@pytest.fixture
def unit(db):
    return services.add_unit(code="group", name="Group", parent=None, by=None)


def test_a_service_call_seals_one_record_with_its_entry_and_its_row(unit):
    record = SealedRecord.objects.get()

    parsed = verifier.parse_record(bytes(record.body))
    assert parsed["position"] == 0
    assert parsed["db_user"] == "app"
    assert parsed["entries"] == [bytes(Entry.objects.get().digest)]
    assert parsed["rows"] == [bytes(RowHistory.objects.get().digest)]
    assert bytes(record.leaf_hash) == verifier.leaf_hash(bytes(record.body))


def test_the_outsiders_functions_give_the_database_its_digests(unit):
    entry, row = Entry.objects.get(), RowHistory.objects.get()

    fields = ("event", "subject", "trails", "actor", "account", "through", "request")
    as_exported = {name: getattr(entry, name) for name in fields} | {"body": bytes(entry.body)}
    assert verifier.entry_digest(as_exported) == bytes(entry.digest)
    assert verifier.row_digest(
        {
            "table": row.table_name,
            "pk": row.pk_text,
            "op": row.op,
            "subject": row.subject,
            "trail": row.trail,
            "db_user": row.db_user,
            "body_sha256": bytes(row.body_sha256),
        }
    ) == bytes(row.digest)


@pytest.mark.outside_portal
def test_a_change_that_no_service_announced_is_sealed_as_outside_the_portal(unit):
    Unit.objects.filter(pk=unit.pk).update(name="Group, renamed")

    entry = Entry.objects.order_by("-id").first()
    assert entry.event == "audit.outside_portal"
    assert entry.subject == f"accounts.unit:{unit.pk}"
    assert entry.data == {"database_user": "app", "rows": 1, "tables": ["accounts_unit"]}
    assert RowHistory.objects.order_by("-id").first().row["name"] == "Group, renamed"


@pytest.mark.outside_portal
def test_an_unannounced_change_beside_an_announced_one_is_still_reported(unit):
    with transaction.atomic():
        services.add_unit(code="retail", name="Retail", parent=unit, by=None)
        Unit.objects.filter(pk=unit.pk).update(name="Smuggled")

    events = list(Entry.objects.order_by("id").values_list("event", flat=True))
    assert events == ["accounts.unit_added", "accounts.unit_added", "audit.outside_portal"]
    assert SealedRecord.objects.count() == 2


@pytest.mark.outside_portal
def test_a_raw_change_of_the_same_trail_beside_an_announced_one_is_reported(cast):
    role = cast.owner.person.roles.get()
    with transaction.atomic(), connection.cursor() as cursor:
        services.disable_person(person=cast.owner.person, reason="Left", by=cast.administrator)
        cursor.execute("update accounts_account set is_active = false where person_id = %s", [cast.owner.person_id])
        cursor.execute("update accounts_roleassignment set id = id where id = %s", [role.pk])

    outside = Entry.objects.order_by("-id").first()
    assert (outside.event, outside.subject) == ("audit.outside_portal", f"accounts.person:{cast.owner.person_id}")
    assert outside.data["rows"] == 3
    assert outside.data["tables"] == ["accounts_account", "accounts_roleassignment"]


@pytest.mark.outside_portal
def test_a_service_that_changes_a_second_row_without_naming_it_is_reported(cast):
    person = cast.owner.person
    first, second = person.accounts.order_by("pk")

    def shut(*, named):
        with transaction.atomic():
            person.accounts.update(is_active=False)
            data = {"hr_number": person.hr_number, "reason": "Left"}
            record(PERSON_DISABLED, subject=first, trails=[person], rows=named, by=None, data=data)

    shut(named=[second])
    assert not Entry.objects.filter(event="audit.outside_portal").exists()

    shut(named=[])

    outside = Entry.objects.order_by("-id").first()
    assert (outside.event, outside.data["rows"]) == ("audit.outside_portal", 1)
    assert outside.subject == f"accounts.person:{person.pk}"


@pytest.mark.outside_portal
def test_that_an_entry_shows_on_a_records_trail_announces_no_change_of_the_record(cast):
    person = cast.owner.person
    with transaction.atomic():
        Person.objects.filter(pk=person.pk).update(is_active=False)
        record(UNIT_ADDED, subject=cast.retail, trails=[person], by=None, data={"name": "Retail", "path": "/"})

    assert Entry.objects.order_by("-id").first().event == "audit.outside_portal"


@pytest.mark.outside_portal
@pytest.mark.parametrize("event", ["audit.columns_changed", "audit.table_governed", "accounts.unit_added"])
def test_the_portals_role_does_not_announce_every_row_of_a_kind(unit, event):
    with transaction.atomic(), connection.cursor() as cursor:
        Unit.objects.update(name="Smuggled")
        cursor.execute(f"select audit.record('{event}', 'accounts.unit', '{{}}', '', '', 'command', '', '{{}}')")

    assert Entry.objects.order_by("-id").first().event == "audit.outside_portal"


@pytest.mark.parametrize("named", ['"accounts.unit:1"', '["accounts.unit"]', "[7]", '[["accounts.unit:1"]]', "{}"])
def test_an_entry_that_names_its_rows_in_another_way_is_refused(db, named):
    body = f'{{"announces":{named}}}'
    call = "select audit.record('x.y', 'accounts.unit:1', '{}', '', '', 'page', '', %s)"

    with pytest.raises(Exception, match="names the rows that it announces"), connection.cursor() as cursor:
        cursor.execute(call, [body.encode()])


def test_a_rolled_back_transaction_leaves_no_gap(unit):
    with transaction.atomic():
        services.add_unit(code="lost", name="Lost", parent=unit, by=None)
        transaction.set_rollback(True)

    services.add_unit(code="kept", name="Kept", parent=unit, by=None)

    assert list(SealedRecord.objects.order_by("position").values_list("position", flat=True)) == [0, 1]


@pytest.mark.outside_portal
def test_constraints_set_immediate_half_way_leave_nothing_unsealed(unit):
    with transaction.atomic(), connection.cursor() as cursor:
        services.add_unit(code="first", name="First", parent=unit, by=None)
        cursor.execute("set constraints all immediate")
        services.add_unit(code="second", name="Second", parent=unit, by=None)

    assert not Entry.objects.filter(sealed_in=None).exists()
    assert not RowHistory.objects.filter(sealed_in=None).exists()
    assert RowHistory.objects.filter(sealed_in__isnull=False).count() == 3


@pytest.mark.outside_portal
def test_row_bytes_do_not_depend_on_the_sessions_settings(unit):
    with connection.cursor() as cursor:
        cursor.execute("set timezone = 'Asia/Tokyo'")
        cursor.execute("set datestyle = 'German'")
        cursor.execute("set extra_float_digits = -10")
        cursor.execute("update accounts_unit set name = name || '!' where id = %s", [unit.pk])

    body = bytes(RowHistory.objects.order_by("-id").first().body)
    assert json.loads(body)["name"] == "Group!"
    assert b"+09:00" not in body


MEASURED = """
    create table public.measured (
        id bigint primary key, at timestamptz, local_at timestamp, on_day date, value double precision, small real,
        lasts interval, raw bytea
    );
    grant insert on public.measured to app;
    create trigger audit_capture after insert on public.measured
        for each row execute function audit.capture('x.measured', '', '')
"""
ROW = (
    "insert into public.measured values (%s, '2026-03-04 05:06:07.000008+00', '2026-03-04 05:06:07', '2026-03-04',"
    " 0.1::float8 + 0.2::float8, 0.3, '400 days 01:02:03', decode('00ff', 'hex'))"
)
ODD = (
    "set timezone = 'Asia/Tokyo'",
    "set datestyle = 'German'",
    "set intervalstyle = 'sql_standard'",
    "set extra_float_digits = -10",
    "set bytea_output = 'escape'",
)


@pytest.mark.outside_portal
def test_bytes_of_times_floats_and_the_like_do_not_depend_on_the_sessions_settings(db, superuser):
    superuser.execute(MEASURED)

    with connection.cursor() as cursor:
        cursor.execute(ROW, [1])
        for setting in ODD:
            cursor.execute(setting)
        cursor.execute(ROW, [2])

    usual, odd = RowHistory.objects.filter(table_name="measured").order_by("id")
    assert bytes(odd.body) == bytes(usual.body).replace(b'"id": 1', b'"id": 2')
    assert odd.row["at"] == "2026-03-04T05:06:07.000008+00:00"
    assert odd.row["value"] == 0.1 + 0.2
    assert (odd.row["lasts"], odd.row["raw"]) == ("400 days 01:02:03", "\\x00ff")


@pytest.mark.outside_portal
@pytest.mark.parametrize("setting", [setting for setting in ODD if "datestyle" not in setting])  # jsonb is ISO anyway
def test_twin_without_its_own_settings_the_bytes_are_those_of_the_session(db, superuser, setting):
    superuser.execute(MEASURED)
    name = setting.split()[1]
    superuser.execute(f"alter function audit.capture() reset {name}")

    with connection.cursor() as cursor:
        cursor.execute(ROW, [1])
        cursor.execute(setting)
        cursor.execute(ROW, [2])

    usual, odd = RowHistory.objects.filter(table_name="measured").order_by("id")
    assert bytes(odd.body) != bytes(usual.body).replace(b'"id": 1', b'"id": 2')


@pytest.mark.outside_portal
def test_any_past_version_of_a_row_can_be_rebuilt(unit):
    Unit.objects.filter(pk=unit.pk).update(name="Second name")
    Unit.objects.filter(pk=unit.pk).update(name="Third name")

    def name_as_at(position):
        return RowHistory.objects.of_row("accounts_unit", unit.pk).as_at(position).last().row["name"]

    assert [name_as_at(0), name_as_at(1), name_as_at(2)] == ["Group", "Second name", "Third name"]


@pytest.mark.outside_portal
def test_subject_head_moves_with_the_row(unit):
    before = bytes(SubjectHead.objects.get(subject=f"accounts.unit:{unit.pk}").digest)

    Unit.objects.filter(pk=unit.pk).update(name="Other")
    moved = bytes(SubjectHead.objects.get(subject=f"accounts.unit:{unit.pk}").digest)
    Unit.objects.filter(pk=unit.pk).update(name="Group")

    assert moved != before
    assert bytes(SubjectHead.objects.get(subject=f"accounts.unit:{unit.pk}").digest) == before


def test_the_portals_role_cannot_write_the_trail(db):
    tables = (
        "entry",
        "row_history",
        "sealed_record",
        "node",
        "checkpoint",
        "cosignature",
        "head",
        "tx",
        "subject_head",
    )
    statements = ("delete from audit.{}", "truncate audit.{} cascade", "insert into audit.{} default values")

    for table, statement in itertools.product(tables, statements):
        with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(statement.format(table))


@pytest.mark.parametrize("mode", ["origin", "replica"])
def test_triggers_refuse_even_a_superuser_who_does_not_disable_them(unit, superuser, mode):
    superuser.execute(f"set session_replication_role = {mode}")

    for statement in (
        "update audit.entry set event = 'x'",
        "update audit.entry set sealed_in = 7",
        "update audit.entry set sealed_in = null",
        "delete from audit.row_history",
        "update audit.sealed_record set sealed_at = now()",
        "truncate audit.sealed_record cascade",
        "truncate audit.entry",
        "update audit.head set size = 0",
        "update audit.head set sealed_at = '2001-01-01Z', size = size + 1",
        "delete from audit.head",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"append-only|only moves forward"):
            superuser.execute(statement)


def test_the_portals_role_cannot_delete_a_governed_row(unit):
    with pytest.raises(Exception, match="permission denied"):
        Unit.objects.filter(pk=unit.pk)._raw_delete("default")


@pytest.mark.outside_portal
def test_a_change_under_replica_mode_is_captured_all_the_same(unit, superuser):
    superuser.execute("set session_replication_role = replica")
    superuser.execute("update accounts_unit set name = 'By replica'")

    assert Entry.objects.order_by("-id").first().data["database_user"] == "postgres"


def test_if_sealing_fails_the_change_does_not_happen(unit, superuser):
    superuser.execute("alter table audit.head add constraint full_up check (size <= 2)")
    services.add_unit(code="fits", name="Fits", parent=unit, by=None)

    with pytest.raises(Exception, match="full_up"):
        services.add_unit(code="lost", name="Lost", parent=unit, by=None)

    assert not Unit.objects.filter(code="lost").exists()
