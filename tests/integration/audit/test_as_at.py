"""As at a day: the position that ends it, the rows as they were there, and what was not recorded yet."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connections

from accounts import services as accounts
from accounts.models import Person, PersonDetails, Unit
from audit.models import RowHistory
from audit.reading import NOT_RECORDED, Difference, differences, position_at, row_as_at, rows_as_at
from inventory.models import Model


@pytest.fixture
def clock(superuser):
    """Set what the log's clock reads, as audit_owner may."""

    def reads(moment: str) -> None:
        superuser.execute("delete from audit.simulated_clock")
        superuser.execute("insert into audit.simulated_clock values (true, %s)", [moment])

    return reads


def unit_at(clock, moment: str, code: str) -> Unit:
    clock(moment)
    return accounts.add_unit(code=code, name=code.title(), parent=None, by=None)


# ---- the position that ends a day --------------------------------------------------------------------------
def test_a_day_ends_with_its_last_record_and_a_day_without_one_with_the_one_before(db, clock):
    for moment in ("2026-03-02 09:00Z", "2026-03-02 17:00Z", "2026-03-05 10:00Z"):
        unit_at(clock, moment, f"u{moment[8:10]}{moment[11:13]}")

    days = [date(2026, 3, day) for day in (1, 2, 3, 4, 5, 6)]
    assert [position_at(day) for day in days] == [None, 1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("zone", "last_of_day", "first_of_next"),
    [
        ("UTC", "2026-07-01 23:59:59.999999Z", "2026-07-02 00:00Z"),
        ("Europe/London", "2026-07-01 22:59:59.999999Z", "2026-07-01 23:00Z"),  # summer time: an hour ahead
        ("Asia/Tokyo", "2026-07-01 14:59:59.999999Z", "2026-07-01 15:00Z"),
        ("America/New_York", "2026-07-02 03:59:59.999999Z", "2026-07-02 04:00Z"),
    ],
)
def test_a_day_is_the_banks_own(db, clock, settings, zone, last_of_day, first_of_next):
    settings.BANK_TIME_ZONE = zone
    unit_at(clock, last_of_day, "within")
    unit_at(clock, first_of_next, "behind")

    assert position_at(date(2026, 7, 1)) == 0
    assert position_at(date(2026, 7, 2)) == 1


def test_the_days_on_which_the_clocks_change_have_23_and_25_hours(db, clock, settings):
    settings.BANK_TIME_ZONE = "Europe/London"
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    for number, moment in enumerate(
        ("2026-03-29 22:59Z", "2026-03-29 23:00Z", "2026-10-25 23:59Z", "2026-10-26 00:00Z")
    ):
        unit_at(clock, moment, f"u{number}")

    assert (position_at(spring), position_at(autumn)) == (0, 2)


def test_today_ends_with_the_last_record_there_is(log):
    log.write(3)

    assert position_at(datetime.now(UTC).date() + timedelta(days=1)) == 2


# ---- the rows ------------------------------------------------------------------------------------------------
@pytest.fixture
def units(log):
    """Three units, the second renamed twice and the third gone: positions 0 to 5."""
    first, second, third = log.write(3)
    Unit.objects.filter(pk=second.pk).update(name="Second name")
    with connections["migrator"].cursor() as cursor:
        cursor.execute("delete from accounts_unit where id = %s", [third.pk])
    Unit.objects.filter(pk=second.pk).update(name="Third name")
    return first, second, third


def names(rows: list[dict]) -> list[str]:
    return [row["name"] for row in rows]


@pytest.mark.outside_portal
def test_each_row_is_given_as_it_was_last_captured_and_the_deleted_are_left_out(units):
    found = [names(rows_as_at(Unit, position)) for position in (None, 0, 2, 3, 4, 5, 99)]

    assert found == [
        [],
        ["unit 0"],
        ["unit 0", "unit 1", "unit 2"],
        ["unit 0", "Second name", "unit 2"],
        ["unit 0", "Second name"],
        ["unit 0", "Third name"],
        ["unit 0", "Third name"],
    ]


@pytest.mark.outside_portal
def test_rows_as_at_the_tip_are_the_rows_that_stand(units):
    columns = [field.column for field in Unit._meta.concrete_fields]

    stand = [dict(zip(columns, row, strict=True)) for row in Unit.objects.order_by("pk").values_list(*columns)]
    assert rows_as_at("accounts_unit", 5) == stand


@pytest.mark.outside_portal
def test_one_row_is_found_by_record_and_by_name(units):
    first, second, third = units

    assert row_as_at(second, 3)["name"] == "Second name"
    assert row_as_at(f"accounts.unit:{second.pk}", 5)["name"] == "Third name"
    assert row_as_at(second, 0) is None
    assert row_as_at(f"accounts.unit:{third.pk}", 3)["name"] == "unit 2"
    assert row_as_at(f"accounts.unit:{third.pk}", 4) is None
    assert row_as_at(first, None) is None


def test_rows_are_chosen_by_key_and_come_in_the_order_of_their_keys(log):
    made = log.write(12)

    chosen = rows_as_at(Unit, 99, pks=[made[10].pk, made[1].pk, 777])

    assert [row["id"] for row in chosen] == [made[1].pk, made[10].pk]
    assert rows_as_at(Unit, 99, pks=[]) == []
    assert [row["id"] for row in rows_as_at(Unit, 99)] == [unit.pk for unit in made]


@pytest.mark.outside_portal
def test_rows_of_a_trail_are_those_that_hung_on_it_then(cast, superuser):
    """A role that is moved to another person by hand hangs on the first one's trail before, on the other's after."""
    own, other = cast.owner.person, cast.stranger.person
    role = own.roles.get()
    before = RowHistory.objects.order_by("-id").first().sealed_in_id
    superuser.execute("alter table accounts_roleassignment disable trigger hold_columns")
    superuser.execute("update accounts_roleassignment set person_id = %s where id = %s", [other.pk, role.pk])

    def held(person, position):
        return {row["id"] for row in rows_as_at("accounts_roleassignment", position, trail=person)}

    assert held(own, before) == {role.pk}
    assert held(own, before + 1) == set()
    assert held(other, before + 1) == held(other, before) | {role.pk}
    assert held(f"accounts.person:{own.pk}", before) == {role.pk}
    assert rows_as_at("accounts_roleassignment", before + 1, trail=own, pks=[role.pk]) == []


def test_a_table_that_is_not_governed_has_no_past_and_says_so(db):
    for table in (PersonDetails, "accounts_persondetails", "no such table"):
        with pytest.raises(LookupError, match="is not governed"):
            rows_as_at(table, 1)
    with pytest.raises(LookupError, match="is not governed"):
        row_as_at("accounts.persondetails:1", 1)


def test_a_change_that_is_not_sealed_yet_is_of_no_position(log, superuser):
    unit, *_ = log.write(1)
    superuser.execute("alter table audit.tx disable trigger seal")
    Unit.objects.filter(pk=unit.pk).update(name="Unsealed")

    assert row_as_at(unit, 99)["name"] == "unit 0"


# ---- across migrations ------------------------------------------------------------------------------------
def migrate(statement: str) -> None:
    with connections["migrator"].cursor() as cursor:
        cursor.execute(statement)
    call_command("migrate", verbosity=0)


def test_a_column_that_a_migration_added_is_no_key_before_it(log):
    unit, *_ = log.write(2)

    migrate("alter table accounts_unit add column region text default 'north'")

    before, after = row_as_at(unit, 1), row_as_at(unit, 2)
    assert "region" not in before
    assert after["region"] == "north"
    assert differences(before, after) == [Difference("region", NOT_RECORDED, "north")]


def test_a_column_that_a_migration_renamed_has_its_old_name_before_it(log):
    unit, *_ = log.write(2)

    migrate("alter table accounts_unit rename column name to title")

    assert row_as_at(unit, 1)["name"] == row_as_at(unit, 2)["title"] == "unit 0"
    assert "title" not in row_as_at(unit, 1)
    assert differences(row_as_at(unit, 1), row_as_at(unit, 2)) == [
        Difference("title", NOT_RECORDED, "unit 0"),
        Difference("name", "unit 0", NOT_RECORDED),
    ]


# ---- what differs -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, []),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("b", 2, 3)]),
        ({"a": None}, {"a": ""}, [("a", None, "")]),
        ({"a": [1]}, {"a": [1, 2]}, [("a", [1], [1, 2])]),
        ({"a": None}, {}, [("a", None, NOT_RECORDED)]),
        (None, {"a": None}, [("a", NOT_RECORDED, None)]),
        ({"a": 1}, None, [("a", 1, NOT_RECORDED)]),
        (None, None, []),
    ],
)
def test_two_versions_differ_field_by_field(before, after, found):
    assert differences(before, after) == [Difference(*pair) for pair in found]


def test_what_was_not_recorded_reads_so():
    assert str(NOT_RECORDED) == "not recorded"


def test_one_query_however_many_rows(cast, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(rows_as_at(Person, 99)) > 5
    with django_assert_num_queries(1):
        rows_as_at(Model, 99, trail="inventory.model:1")
