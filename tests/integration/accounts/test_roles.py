"""Each role × permission, against the bank's table as it was agreed; and how a role reaches units."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import services
from accounts.models import Account, RoleAssignment
from accounts.permissions import check_may, may, reaches, seen_units
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import MATRIX, SCOPES, Permission, Reach, Role
from audit.models import Entry
from proposals import services as proposals
from proposals.models import Proposal
from tests.cast import PASSWORD, end_role, give_role, two_administrators

# The agreed matrix, for what the portal does today: '-' not at all, own = own models, units, + assigned models, bank.
AGREED = """
                                       owner  developer  validator  officer  committee  auditor  administrator  service
    see models                         units  units      units+     bank     units+     bank     -              units
    see the whole trail                -      -          -          bank     -          bank     -              -
    register, edit and version models  own    own        -          bank     -          -        -              units
    define monitors and ask for runs   own    own        -          bank     -          -        -              units
    define fields of the record        -      -          -          bank     -          -        -              -
    rate models and propose tiers      own    own        -          bank     -          -        -              -
    confirm and challenge ratings      -      -          units+     bank     -          -        -              -
    decide on proposed tiers           -      -          -          bank     -          -        -              -
    draft and decide tiering schemes   -      -          -          bank     -          -        -              -
    keep assets that models share      -      -          -          bank     -          -        -              -
    see people, roles and tokens       -      -          -          -        -          bank     bank           -
    manage people, roles and tokens    -      -          -          -        -          -        bank           -
    begin an epoch of the log          -      -          -          -        -          -        bank           -
    see background work                -      -          -          bank     -          bank     bank           -
    try failed background work again   -      -          -          bank     -          -        bank           -
"""
REACH = {
    "own": Reach.OWN,
    "units": Reach.UNITS,
    "units+": Reach.UNITS | Reach.ASSIGNED,
    "bank": Reach.BANK,
    "-": None,
}
READ_ONLY = {
    Permission.SEE_MODELS,
    Permission.SEE_WHOLE_TRAIL,
    Permission.SEE_ADMINISTRATION,
    Permission.SEE_JOBS,
}


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
        reach = permitted.get(permission, Reach(0))
        covers = bool(reach & (Reach.UNITS | Reach.BANK))
        assert may(account, permission) == bool(reach), permission
        assert reaches(account, permission, unit=cast.retail) == covers, permission
        assert reaches(account, permission, unit=cast.retail, is_own=True) == bool(reach), permission
        assert reaches(account, permission, unit=cast.markets, is_own=True) == (reach is Reach.BANK), permission
        beyond = bool(reach & (Reach.ASSIGNED | Reach.BANK))
        assert reaches(account, permission, unit=cast.markets, is_assigned=True) == beyond, permission


def test_a_service_account_may_nothing_without_a_token(cast):
    assert not any(may(cast.pipeline, permission) for permission in Permission)
    assert not any(reaches(cast.pipeline, p, unit=cast.retail, is_own=True) for p in Permission)


def test_a_role_over_a_unit_covers_the_units_below_it_and_none_above(cast):
    below = services.add_unit(code="cards", name="Cards", parent=cast.retail, by=None)

    assert reaches(cast.validator, Permission.SEE_MODELS, unit=below)
    assert not reaches(cast.validator, Permission.SEE_MODELS, unit=cast.retail.parent)


def test_a_role_that_ended_permits_nothing_from_the_next_request_on(cast):
    role = cast.owner.person.roles.get()

    end_role(role, reason="Moved to another desk")

    again = Account.objects.get(pk=cast.owner.pk)
    assert not may(again, Permission.SEE_MODELS)
    assert seen_units(again, "path") is None
    with pytest.raises(NotPermitted):
        check_may(again, Permission.REGISTER)
    entry = Entry.objects.on_trail(f"accounts.person:{cast.owner.person_id}").get(event="accounts.role_ended")
    assert (entry.account, entry.data["reason"]) == ("bert", "Moved to another desk")
    assert (entry.data["hr_number"], entry.data["unit"]) == ("HR-olivia-owner", "retail")
    with pytest.raises(NotNow, match="ended already"):
        end_role(role)


def test_the_same_role_over_the_same_unit_is_granted_once(cast):
    with pytest.raises(NotNow, match="already"):
        give_role(cast.owner.person, Role.OWNER, cast.retail)

    assert RoleAssignment.objects.in_force().filter(person=cast.owner.person).count() == 1


@pytest.mark.parametrize("who", ["owner", "officer", "auditor", "validator"])
def test_people_roles_and_units_are_managed_by_administrators_alone(cast, who):
    account = getattr(cast, who)
    verbs = (
        lambda: services.add_unit(code="x", name="X", parent=None, by=account),
        lambda: services.add_person(hr_number="x", full_name="X", mail="", unit=cast.retail, by=account),
        lambda: services.add_account(person=cast.owner.person, username="x", password="x", kind="human", by=account),
        lambda: services.disable_person(person=cast.stranger.person, reason="x", by=account),
    )

    for verb in verbs:
        with pytest.raises(NotPermitted):
            verb()


@pytest.mark.parametrize("reason", ["", " \n"])
def test_nobody_is_disabled_without_a_reason(cast, reason):
    with pytest.raises(InvalidInput, match="Say why"):
        services.disable_person(person=cast.owner.person, reason=reason, by=cast.administrator)

    assert Account.objects.get(pk=cast.owner.pk).person.is_active


def test_a_new_person_and_account_are_on_the_trail_without_name_or_mail(cast):
    person = services.add_person(
        hr_number="HR-77", full_name="Nina Newcomer", mail="nina@bank.example", unit=cast.retail, by=cast.administrator
    )
    services.add_account(person=person, username="nnew", password=PASSWORD, kind="human", by=cast.administrator)

    trail = Entry.objects.on_trail(f"accounts.person:{person.pk}").newest_first()
    assert [entry.event for entry in trail] == ["accounts.account_added", "accounts.person_added"]
    assert not any(b"Nina" in bytes(entry.body) or b"nina@" in bytes(entry.body) for entry in trail)


def accepted(person, role: Role, unit=None, **changed) -> Proposal:
    """A proposal that Bert accepted and nobody put in force; it may be one that the role's own service refuses."""
    ada, bert = two_administrators()
    proposal = proposals.propose(
        kind=changed.pop("kind", services.ROLE),
        subject=person,
        trail=person,
        change={"role": role.value, "unit": unit.pk if unit else None} | changed,
        what="A role",
        reason="Hired",
        by=ada,
    )
    return proposals.decide(proposal=proposal, kind=proposal.kind, accept=True, reason="Agreed", by=bert)


BANK_WIDE = ("officer", "auditor", "administrator")


def test_the_roles_whose_permissions_reach_the_whole_bank_are_these():
    assert {role for role in Role if any(Reach.BANK in reach for reach in MATRIX[role].values())} == set(BANK_WIDE)


@pytest.mark.parametrize("role", BANK_WIDE)
def test_a_role_that_reaches_the_whole_bank_is_not_given_over_a_unit(cast, role):
    with pytest.raises(InvalidInput, match="reaches the whole bank"):
        give_role(cast.stranger.person, Role(role), cast.retail)
    with pytest.raises(InvalidInput, match="reaches the whole bank"):
        services.grant_role(
            proposal=accepted(cast.stranger.person, Role(role), cast.retail), by=cast.second_administrator
        )

    give_role(cast.stranger.person, Role(role), None)
    assert cast.stranger.person.roles.in_force().filter(role=role, unit=None).exists()


@pytest.mark.parametrize("role", BANK_WIDE)
def test_the_database_refuses_a_bank_wide_role_over_a_unit(cast, role):
    accepted(cast.stranger.person, Role(role), cast.retail)

    with pytest.raises(IntegrityError, match="bank_wide_role_has_no_unit"):
        insert_role(cast.stranger.person, role, cast.retail, by=cast.second_administrator)


@pytest.mark.outside_portal
def test_twin_without_the_constraint_the_database_takes_a_bank_wide_role_over_a_unit(cast, superuser):
    superuser.execute("alter table accounts_roleassignment drop constraint bank_wide_role_has_no_unit")
    accepted(cast.stranger.person, Role.OFFICER, cast.retail)

    insert_role(cast.stranger.person, Role.OFFICER, cast.retail, by=cast.second_administrator)

    assert cast.stranger.person.roles.in_force().filter(role=Role.OFFICER, unit=cast.retail).exists()


def insert_role(person, role: str, unit, *, by: Account | None) -> None:
    """As whoever holds the portal's database role could."""
    RoleAssignment.objects.create(person=person, role=role, unit=unit, granted_by=by.person if by else None)


# ---- a role begins and ends with an accepted proposal -------------------------------------------------------
def test_a_role_is_not_granted_on_a_proposal_that_is_open_declined_or_of_another_kind(cast):
    person, bert = cast.stranger.person, cast.second_administrator
    ask = lambda: proposals.propose_role(  # noqa: E731
        person=person, role=Role.AUDITOR, unit=None, reason="x", by=cast.administrator
    )
    declined = proposals.decide_role(proposal=ask(), accept=False, reason="No", by=bert)

    for proposal in (ask(), declined, accepted(person, Role.AUDITOR, kind="end role")):
        with pytest.raises(NotPermitted, match="takes an accepted proposal"):
            services.grant_role(proposal=proposal, by=bert)
    assert not person.roles.filter(role=Role.AUDITOR).exists()


def test_a_role_is_not_ended_on_a_proposal_to_begin_one(cast):
    with pytest.raises(NotPermitted, match="takes an accepted proposal"):
        services.end_role(proposal=accepted(cast.owner.person, Role.OWNER), by=cast.second_administrator)


@pytest.mark.parametrize("who", ["owner", "officer", "auditor", "validator"])
def test_roles_are_put_in_force_by_administrators_alone(cast, who):
    account, proposal = getattr(cast, who), accepted(cast.stranger.person, Role.AUDITOR)
    proposal_to_end = proposals.propose_end_of_role(
        assignment=cast.stranger.person.roles.get(), reason="x", by=cast.administrator
    )

    with pytest.raises(NotPermitted, match="Your roles do not permit"):
        services.grant_role(proposal=proposal, by=account)
    with pytest.raises(NotPermitted, match="Your roles do not permit"):
        services.end_role(proposal=proposal_to_end, by=account)


def test_an_accepted_proposal_is_put_in_force_once(cast):
    proposal = proposals.propose_role(
        person=cast.stranger.person, role=Role.AUDITOR, unit=None, reason="x", by=cast.administrator
    )
    decided = proposals.decide_role(proposal=proposal, accept=True, reason="Yes", by=cast.second_administrator)
    end_role(cast.stranger.person.roles.get(role=Role.AUDITOR))

    with pytest.raises(NotNow, match="put in force already"):
        services.grant_role(proposal=decided, by=cast.second_administrator)


def test_a_proposal_made_up_in_memory_grants_nothing(cast):
    made_up = accepted(cast.stranger.person, Role.AUDITOR)
    made_up.change = {"role": "administrator", "unit": None}

    with pytest.raises(IntegrityError, match="no accepted proposal says"):
        services.grant_role(proposal=made_up, by=cast.second_administrator)


@pytest.mark.parametrize(
    "change",
    [
        {"role": Role.ADMINISTRATOR},
        {"unit": "markets"},
        {"by": "administrator"},
        {"by": None},
        {"person": "developer"},
    ],
)
def test_the_database_refuses_a_role_that_no_accepted_proposal_asks_for(cast, change):
    accepted(cast.stranger.person, Role.VALIDATOR, cast.retail)
    unit = getattr(cast, change.get("unit", "retail"))
    person = getattr(cast, change.get("person", "stranger")).person
    by = getattr(cast, change["by"] or "", None) if "by" in change else cast.second_administrator

    with pytest.raises(IntegrityError, match="no accepted proposal says"):
        insert_role(person, change.get("role", Role.VALIDATOR), None if "role" in change else unit, by=by)


@pytest.mark.outside_portal
def test_the_database_takes_the_role_that_an_accepted_proposal_asks_for(cast):
    accepted(cast.stranger.person, Role.VALIDATOR, cast.retail)

    insert_role(cast.stranger.person, Role.VALIDATOR, cast.retail, by=cast.second_administrator)

    assert cast.stranger.person.roles.in_force().filter(role=Role.VALIDATOR).exists()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update accounts_roleassignment set granted_by_id = person_id", "never changes"),
        ("update accounts_roleassignment set role = 'administrator' where role = 'auditor'", "never changes"),
        ("update accounts_roleassignment set unit_id = null where role = 'owner'", "never changes"),
        ("update accounts_roleassignment set ended_at = now()", "no accepted proposal says"),
        ("update accounts_roleassignment set ended_by_id = person_id", "no accepted proposal says|is set once"),
        (
            "update accounts_roleassignment set ended_at = now(), ended_by_id = granted_by_id",
            "no accepted proposal says",
        ),
    ],
)
def test_the_database_refuses_to_turn_a_role_into_another_or_to_end_it_by_itself(cast, statement, words):
    with pytest.raises(IntegrityError, match=words), transaction.atomic():
        run(statement)
    assert RoleAssignment.objects.filter(ended_at=None, ended_by=None).count() == RoleAssignment.objects.count()


def test_the_database_does_not_let_an_ended_role_begin_again(cast):
    role = cast.stranger.person.roles.get()
    end_role(role)

    with pytest.raises(IntegrityError, match=r"ended_at of accounts_roleassignment .* is set once"):
        RoleAssignment.objects.filter(pk=role.pk).update(ended_at=None, ended_by=None)


@pytest.mark.outside_portal
def test_twin_without_its_trigger_the_database_takes_any_role(cast, superuser):
    superuser.execute("alter table accounts_roleassignment disable trigger hold_role")

    insert_role(cast.stranger.person, Role.ADMINISTRATOR, None, by=cast.administrator)

    assert cast.stranger.person.roles.in_force().filter(role=Role.ADMINISTRATOR).exists()


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
