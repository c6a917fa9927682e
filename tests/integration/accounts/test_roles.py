"""Each role × permission, against the bank's table as it was agreed; and how a role reaches units."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import services
from accounts.models import Account, RoleAssignment
from accounts.permissions import check_may, may, reaches, seen_units
from accounts.refusals import NotNow, NotPermitted
from accounts.roles import MATRIX, SCOPES, Permission, Reach, Role
from audit.models import Entry

# The agreed matrix, for what the portal does today: '' not at all, own = own models, units, bank.
AGREED = """
                                       owner  developer  validator  officer  committee  auditor  administrator  service
    see models                         units  units      units      bank     units      bank     -              units
    register, edit and version models  own    own        -          bank     -          -        -              units
    define monitors and ask for runs   own    own        -          bank     -          -        -              units
    see people, roles and tokens       -      -          -          -        -          bank     bank           -
    manage people, roles and tokens    -      -          -          -        -          -        bank           -
    see background work                -      -          -          bank     -          bank     bank           -
    try failed background work again   -      -          -          bank     -          -        bank           -
"""
REACH = {"own": Reach.OWN, "units": Reach.UNITS, "bank": Reach.BANK, "-": None}
READ_ONLY = {Permission.SEE_MODELS, Permission.SEE_ADMINISTRATION, Permission.SEE_JOBS}


def agreed() -> dict[tuple[str, str], Reach | None]:
    head, *lines = [line for line in AGREED.splitlines() if line.strip()]
    roles = head.split()
    cells = {}
    for line in lines:
        words = line.split()
        permission, reach = " ".join(words[: -len(roles)]), words[-len(roles) :]
        cells |= {(role, permission): REACH[word] for role, word in zip(roles, reach, strict=True)}
    return cells


@pytest.mark.parametrize(("role", "permission"), [(role, permission) for role in Role for permission in Permission])
def test_a_role_permits_what_was_agreed_and_no_more(role, permission):
    assert MATRIX[role].get(permission) == agreed()[role.value, permission.value]


def test_the_agreed_table_names_every_role_and_every_permission():
    assert set(agreed()) == {(role.value, permission.value) for role in Role for permission in Permission}


def test_an_auditor_changes_nothing_and_an_administrator_decides_nothing_about_models():
    assert set(MATRIX[Role.AUDITOR]) <= READ_ONLY
    assert not {Permission.REGISTER, Permission.MONITOR, Permission.SEE_MODELS} & set(MATRIX[Role.ADMINISTRATOR])


def test_no_scope_of_a_token_manages_people():
    assert not any(Permission.MANAGE_PEOPLE in permissions for permissions in SCOPES.values())


WHO = ("owner", "developer", "validator", "officer", "member", "auditor", "administrator")


@pytest.mark.parametrize("who", WHO)
def test_a_person_may_what_the_role_permits_in_the_unit_it_covers(cast, who):
    account = getattr(cast, who)
    permitted = MATRIX[Role(account.person.roles.get().role)]

    for permission in Permission:
        reach = permitted.get(permission)
        assert may(account, permission) == (reach is not None), permission
        assert reaches(account, permission, unit=cast.retail) == (reach in (Reach.UNITS, Reach.BANK)), permission
        assert reaches(account, permission, unit=cast.retail, is_own=True) == (reach is not None), permission
        assert reaches(account, permission, unit=cast.markets, is_own=True) == (reach is Reach.BANK), permission


def test_a_service_account_may_nothing_without_a_token(cast):
    assert not any(may(cast.pipeline, permission) for permission in Permission)
    assert not any(reaches(cast.pipeline, p, unit=cast.retail, is_own=True) for p in Permission)


def test_a_role_over_a_unit_covers_the_units_below_it_and_none_above(cast):
    below = services.add_unit(code="cards", name="Cards", parent=cast.retail, by=None)

    assert reaches(cast.validator, Permission.SEE_MODELS, unit=below)
    assert not reaches(cast.validator, Permission.SEE_MODELS, unit=cast.retail.parent)


def test_a_role_that_ended_permits_nothing_from_the_next_request_on(cast):
    role = cast.owner.person.roles.get()

    services.end_role(assignment=role, reason="Moved to another desk", by=cast.administrator)

    again = Account.objects.get(pk=cast.owner.pk)
    assert not may(again, Permission.SEE_MODELS)
    assert seen_units(again, "path") is None
    with pytest.raises(NotPermitted):
        check_may(again, Permission.REGISTER)
    entry = Entry.objects.on_trail(f"accounts.person:{cast.owner.person_id}").newest_first().first()
    assert (entry.event, entry.data["reason"]) == ("accounts.role_ended", "Moved to another desk")
    with pytest.raises(NotNow):
        services.end_role(assignment=role, reason="Again", by=cast.administrator)


def test_the_same_role_over_the_same_unit_is_granted_once(cast):
    with pytest.raises(NotNow):
        services.grant_role(
            person=cast.owner.person, role=Role.OWNER, unit=cast.retail, granted_by=cast.officer.person, by=None
        )

    assert RoleAssignment.objects.in_force().filter(person=cast.owner.person).count() == 1


@pytest.mark.parametrize("who", ["owner", "officer", "auditor", "validator"])
def test_people_roles_and_units_are_managed_by_administrators_alone(cast, who):
    account = getattr(cast, who)
    verbs = (
        lambda: services.add_unit(code="x", name="X", parent=None, by=account),
        lambda: services.add_person(hr_number="x", full_name="X", mail="", unit=cast.retail, by=account),
        lambda: services.add_account(person=cast.owner.person, username="x", password="x", kind="human", by=account),
        lambda: services.disable_person(person=cast.stranger.person, reason="x", by=account),
        lambda: services.end_role(assignment=cast.stranger.person.roles.get(), reason="x", by=account),
    )

    for verb in verbs:
        with pytest.raises(NotPermitted):
            verb()


def test_a_new_person_and_account_are_on_the_trail_without_name_or_mail(cast):
    person = services.add_person(
        hr_number="HR-77", full_name="Nina Newcomer", mail="nina@bank.example", unit=cast.retail, by=cast.administrator
    )
    services.add_account(person=person, username="nnew", password="x", kind="human", by=cast.administrator)

    trail = Entry.objects.on_trail(f"accounts.person:{person.pk}").newest_first()
    assert [entry.event for entry in trail] == ["accounts.account_added", "accounts.person_added"]
    assert not any(b"Nina" in bytes(entry.body) or b"nina@" in bytes(entry.body) for entry in trail)


@pytest.mark.parametrize(
    "statement",
    [
        "update accounts_roleassignment set granted_by_id = person_id",
        "update accounts_roleassignment set ended_at = now()",
        "update accounts_roleassignment set ended_by_id = person_id",
    ],
)
def test_the_database_refuses_a_role_granted_to_oneself_or_ended_by_nobody(cast, db, statement):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert RoleAssignment.objects.filter(ended_at=None, ended_by=None).count() == RoleAssignment.objects.count()
