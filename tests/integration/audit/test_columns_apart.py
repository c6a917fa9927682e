"""A governed table with columns that never enter the trail: accounts, whose passwords do not."""

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry, RowHistory, SubjectHead, subject_name
from tests.integration.accounts.test_sessions import is_signed_in, sign_in


def history_of(account) -> list[dict]:
    return [row.row for row in RowHistory.objects.of_row("accounts_account", account.pk)]


def test_an_account_is_captured_on_its_persons_trail_without_its_secrets(cast):
    captured = RowHistory.objects.of_row("accounts_account", cast.owner.pk).get()

    assert captured.trail == subject_name(cast.owner.person)
    assert captured.row == {
        "id": cast.owner.pk,
        "username": "olivia",
        "person_id": cast.owner.person_id,
        "kind": "human",
        "is_active": True,
    }
    assert cast.owner.password.encode() not in bytes(captured.body)


def test_signing_in_and_a_new_password_leave_no_row(cast):
    before = RowHistory.objects.count(), Entry.objects.count()
    head = SubjectHead.objects.get(subject=subject_name(cast.owner)).digest

    assert is_signed_in(sign_in("olivia"))
    cast.owner.set_password("another correct horse")
    cast.owner.save(update_fields=["password"])
    Account.objects.filter(pk=cast.owner.pk).update(last_login=timezone.now(), password="!")

    assert (RowHistory.objects.count(), Entry.objects.count()) == before
    assert SubjectHead.objects.get(subject=subject_name(cast.owner)).digest == head


@pytest.mark.outside_portal
def test_what_moves_beside_a_password_is_captured_and_told(cast):
    Account.objects.filter(pk=cast.owner.pk).update(password="!", is_active=False)

    assert [row["is_active"] for row in history_of(cast.owner)] == [True, False]
    assert Entry.objects.newest_first().first().event == "audit.outside_portal"


@pytest.mark.parametrize("column", ["person_id", "kind"])
def test_whose_an_account_is_and_of_what_kind_never_changes(cast, column):
    value = {"person_id": cast.stranger.person_id, "kind": "service"}[column]

    with pytest.raises(Exception, match=f"{column} of accounts_account {cast.owner.pk} never changes"):
        Account.objects.filter(pk=cast.owner.pk).update(**{column: value})


@pytest.mark.outside_portal
def test_twin_without_the_guard_an_account_goes_to_another_person_and_the_trail_has_it(cast, superuser):
    superuser.execute("alter table accounts_account disable trigger hold_columns")

    Account.objects.filter(pk=cast.owner.pk).update(person=cast.stranger.person)

    moved = RowHistory.objects.of_row("accounts_account", cast.owner.pk).last()
    assert moved.row["person_id"] == cast.stranger.person_id
    assert Entry.objects.newest_first().first().event == "audit.outside_portal"


# ---- verifying ------------------------------------------------------------------------------------------
def test_accounts_as_they_stand_verify_whatever_their_passwords_are(cast, log, superuser):
    sign_in("olivia")
    log.checkpoint()

    assert log.verify().defects == []
    assert log.verify_offline(log.export()).returncode == 0


def test_an_account_altered_behind_the_trail_is_reported(cast, log, superuser):
    superuser.execute("alter table accounts_account disable trigger user")
    superuser.execute("update accounts_account set is_active = false where username = 'olivia'")
    superuser.execute("alter table accounts_account enable trigger user")
    for name in ("audit_capture", "audit_no_truncate", "hold_columns"):
        superuser.execute(f"alter table accounts_account enable always trigger {name}")
    log.checkpoint()

    assert log.verify().defects == ["1 rows of accounts_account are not as they were last captured"]


def test_a_list_of_columns_apart_that_was_widened_in_the_database_is_reported(cast, log, superuser):
    """Whoever owns the tables could take a column out of the capture; the code says what belongs out."""
    superuser.execute(
        "create or replace trigger audit_capture after insert or update or delete on accounts_account"
        " for each row execute function"
        " audit.capture('accounts.account', 'person_id', 'accounts.person', 'password', 'last_login', 'is_active')"
    )
    superuser.execute("alter table accounts_account enable always trigger audit_capture")
    log.checkpoint()
    by_arguments = log.verify().defects
    superuser.execute(
        "update audit.governed set without = array_append(without, 'is_active') where table_name = 'accounts_account'"
    )
    log.checkpoint()

    assert by_arguments == [
        "table accounts_account is not guarded: its trigger audit_capture is missing, disabled or not what it was"
    ]
    assert log.verify().defects == [
        "table accounts_account is listed as governed in another way than the portal governs it"
    ]


# ---- migrations ------------------------------------------------------------------------------------------
def migrate(statement: str) -> None:
    with connections["migrator"].cursor() as cursor:
        cursor.execute(statement)
    call_command("migrate", verbosity=0)


def test_a_new_column_is_captured_again_still_without_the_secrets(cast, log):
    migrate("alter table accounts_account add column region text not null default 'north'")

    first, last = history_of(cast.owner)
    assert last == first | {"region": "north"}
    assert Entry.objects.newest_first().first().data == {"table": "accounts_account", "rows": Account.objects.count()}
    log.checkpoint()
    assert log.verify().defects == []


def test_rows_of_a_table_that_becomes_governed_are_captured_under_one_entry(cast, log, superuser):
    """A portal that was upgraded: its accounts were there before they were governed."""
    for table in ("row_history", "subject_head"):
        superuser.execute(f"alter table audit.{table} disable trigger user")
    superuser.execute("delete from audit.row_history where table_name = 'accounts_account'")
    superuser.execute("delete from audit.subject_head where subject like 'accounts.account:%'")
    superuser.execute("delete from audit.governed where table_name = 'accounts_account'")

    migrate("select 1")
    again = Entry.objects.count()
    migrate("select 1")

    entry = Entry.objects.newest_first().first()
    assert (entry.event, entry.subject) == ("audit.table_governed", "accounts.account")
    assert entry.data == {"table": "accounts_account", "rows": Account.objects.count()}
    assert Entry.objects.count() == again
    assert history_of(cast.owner)[0]["username"] == "olivia"
    assert not [defect for defect in log.verify().defects if "accounts_account" in defect]


def test_a_row_that_was_smuggled_in_is_not_captured_by_listing_its_table_anew(cast, log, superuser):
    superuser.execute("alter table accounts_account disable trigger audit_capture")
    superuser.execute("update accounts_account set is_active = false where username = 'olivia'")
    superuser.execute("alter table accounts_account enable always trigger audit_capture")
    superuser.execute("delete from audit.governed where table_name = 'accounts_account'")

    migrate("select 1")

    log.checkpoint()
    assert "1 rows of accounts_account are not as they were last captured" in log.verify().defects


def test_the_portals_role_does_not_delete_an_account(cast, superuser):
    with pytest.raises(Exception, match="permission denied"):
        Account.objects.filter(pk=cast.stranger.pk)._raw_delete("default")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute("set role app; truncate accounts_account cascade")
