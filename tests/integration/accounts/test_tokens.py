"""Bearer tokens: kept as a hash, shown once, narrow in scope and unit, ending by themselves."""

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from accounts import services
from accounts.models import ApiToken
from accounts.permissions import may, reaches, seen_units
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import SCOPES, Permission
from audit.models import Entry, RowHistory

TABLES = "select table_schema, table_name from information_schema.tables where table_schema in ('public', 'audit')"


def make(account, *, by=None, unit, scopes=("models:read",), days=1, name="pipeline"):
    return services.make_token(
        account=account,
        name=name,
        scopes=list(scopes),
        unit=unit,
        expires_at=timezone.now() + timedelta(days=days),
        by=by or account,
    )


def with_token(account, token):
    """The account as a request with this token has it."""
    account.token = token
    return account


def test_the_secret_is_nowhere_in_the_database(cast, superuser, db):
    token, secret = make(cast.owner, unit=cast.retail)

    assert token.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert secret.startswith("assay_")
    assert len(secret) >= 40
    for schema, table in superuser.execute(TABLES).fetchall():
        rows = superuser.execute(f'select t::text from "{schema}"."{table}" t').fetchall()
        assert not [row for (row,) in rows if secret in row or secret.encode().hex() in row], f"{schema}.{table}"


def test_only_the_hash_is_looked_up(cast):
    _, secret = make(cast.owner, unit=cast.retail)

    assert ApiToken.objects.usable().filter(sha256=services.hash_of(secret)).exists()
    assert not ApiToken.objects.usable().filter(sha256=secret[:64]).exists()


def test_making_and_revoking_stand_on_the_persons_trail(cast):
    token, _ = make(cast.owner, unit=cast.retail)
    services.revoke_token(token=token, by=cast.administrator)

    trail = Entry.objects.on_trail(f"accounts.person:{cast.owner.person_id}").newest_first()
    assert [entry.event for entry in trail[:2]] == ["accounts.token_revoked", "accounts.token_made"]
    assert [entry.account for entry in trail[:2]] == ["ada", "olivia"]
    assert RowHistory.objects.of_row("accounts_apitoken", token.pk).count() == 2
    revoked, made = (entry.data for entry in trail[:2])
    assert made | {"expires_at": ""} == {
        "name": "pipeline",
        "username": "olivia",
        "hr_number": "HR-olivia-owner",
        "scopes": "models:read",
        "unit": "retail",
        "expires_at": "",
    }
    assert revoked == {"name": "pipeline", "username": "olivia", "hr_number": "HR-olivia-owner"}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_permits_its_scopes_and_nothing_else(cast, scope):
    token, _ = make(cast.owner, unit=cast.retail, scopes=[scope])
    account = with_token(cast.owner, token)

    assert {permission for permission in Permission if may(account, permission)} == SCOPES[scope]


def test_a_scope_gives_nothing_that_the_role_does_not(cast):
    token, _ = make(cast.validator, unit=cast.retail, scopes=list(SCOPES))

    assert not may(with_token(cast.validator, token), Permission.REGISTER)


def test_the_unit_of_a_token_narrows_what_its_account_reaches(cast):
    group = cast.retail.parent
    narrow, wide = make(cast.officer, unit=cast.retail)[0], make(cast.officer, unit=group)[0]

    with_token(cast.officer, narrow)
    assert reaches(cast.officer, Permission.SEE_MODELS, unit=cast.retail)
    assert not reaches(cast.officer, Permission.SEE_MODELS, unit=cast.markets)
    assert "/group/retail/" in str(seen_units(cast.officer, "path"))
    with_token(cast.officer, wide)
    assert reaches(cast.officer, Permission.SEE_MODELS, unit=cast.markets)


def test_a_token_for_another_unit_than_ones_own_reaches_nothing(cast):
    token, _ = make(cast.owner, unit=cast.markets)

    account = with_token(cast.owner, token)
    assert not reaches(account, Permission.SEE_MODELS, unit=cast.markets)
    assert not reaches(account, Permission.SEE_MODELS, unit=cast.retail)


def test_a_unit_whose_code_begins_the_same_is_another_unit(cast):
    lookalike = services.add_unit(code="retail-2", name="Retail two", parent=cast.retail.parent, by=None)

    assert not reaches(cast.owner, Permission.SEE_MODELS, unit=lookalike)


@pytest.mark.outside_portal
def test_a_token_that_ended_was_revoked_or_lost_its_owner_is_not_usable(cast):
    revoked, orphan = (make(cast.owner, unit=cast.retail, name=name)[0] for name in ("revoked", "kept"))
    ApiToken.objects.create(  # the service refuses one that has ended, and no token that is there can be made to end
        person=cast.owner.person,
        account=cast.owner,
        name="expired",
        sha256="0" * 64,
        scopes=["models:read"],
        unit=cast.retail,
        made_by=cast.owner.person,
        made_at=timezone.now() - timedelta(days=2),
        expires_at=timezone.now() - timedelta(seconds=1),
    )
    services.revoke_token(token=revoked, by=cast.owner)

    assert list(ApiToken.objects.usable()) == [orphan]
    services.disable_person(person=cast.owner.person, reason="Left", by=cast.administrator)
    assert list(ApiToken.objects.usable()) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({"scopes": []}, "scopes"), ({"scopes": ["models:admin"]}, "scopes"), ({"days": -1}, "expires_at")],
)
def test_a_token_without_scope_with_an_unknown_one_or_ended_before_it_begins_is_refused(cast, change, field):
    with pytest.raises(InvalidInput) as refusal:
        make(cast.owner, unit=cast.retail, **change)

    assert list(refusal.value.problems) == [field]


def test_nobody_makes_a_token_for_another_person(cast):
    with pytest.raises(NotPermitted):
        make(cast.owner, by=cast.administrator, unit=cast.retail)
    for by in (cast.stranger, cast.administrator, cast.owner):
        with pytest.raises(NotPermitted, match="proposed by one administrator and accepted by another"):
            make(cast.pipeline, by=by, unit=cast.retail)


def test_a_token_is_revoked_by_its_person_or_an_administrator_once(cast):
    token, _ = make(cast.owner, unit=cast.retail)

    with pytest.raises(NotPermitted):
        services.revoke_token(token=token, by=cast.stranger)
    services.revoke_token(token=token, by=cast.owner)
    with pytest.raises(NotNow):
        services.revoke_token(token=token, by=cast.owner)


@pytest.mark.parametrize(
    "statement",
    [
        "update accounts_apitoken set revoked_at = now()",
        "update accounts_apitoken set expires_at = made_at",
        "delete from accounts_apitoken",
    ],
)
def test_the_database_refuses_a_token_without_its_who_or_its_end(cast, db, statement):
    make(cast.owner, unit=cast.retail)

    with (
        pytest.raises((IntegrityError, ProgrammingError)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert ApiToken.objects.get().revoked_at is None
