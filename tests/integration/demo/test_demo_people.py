"""The demonstration starts as any bank does: two administrators, and every further role proposed and decided."""

import pytest
from django.core.management import CommandError, call_command

from accounts import services
from accounts.models import Account, Person, RoleAssignment, Unit
from accounts.roles import Role
from audit.models import Entry, RowHistory
from demo.people import PEOPLE, UNITS, passwords_in
from proposals.models import Proposal
from tests.integration.accounts.test_start_bank import signs_in

PROPOSED = len(PEOPLE) - 2


@pytest.fixture
def passwords(tmp_path):
    return tmp_path / "people.txt"


def test_everybody_is_there_with_unit_role_and_password(db, passwords):
    call_command("demo_people", passwords)

    held = RoleAssignment.objects.in_force().values_list("person__hr_number", "role", "unit__code")
    assert set(held) == {(colleague.hr_number, colleague.role, colleague.over) for colleague in PEOPLE}
    known = passwords_in(passwords)
    assert all(signs_in(colleague.username, known[colleague.username]) for colleague in PEOPLE)
    assert {unit.code for unit in UNITS} == set(Unit.objects.values_list("code", flat=True))
    assert Account.objects.filter(kind=Account.Kind.SERVICE).count() == 1


def test_one_administrator_proposed_every_further_role_and_the_other_accepted(db, passwords):
    call_command("demo_people", passwords)

    decided = Proposal.objects.values_list("state", "asked_by__hr_number", "decided_by__hr_number")
    assert list(decided) == [("accepted", "HB-4001", "HB-4002")] * PROPOSED
    assert Entry.objects.filter(event="proposals.applied").count() == PROPOSED


def test_nothing_is_done_outside_the_portal(db, passwords):
    call_command("demo_people", passwords)

    assert not Entry.objects.filter(through="outside").exists()
    assert Entry.objects.get(event="accounts.bank_started").data["name"] == "Harbour Bank"


def test_a_second_start_changes_nothing(db, passwords):
    call_command("demo_people", passwords)
    before = Entry.objects.count(), RowHistory.objects.count()

    call_command("demo_people", passwords)

    assert (Entry.objects.count(), RowHistory.objects.count()) == before


def test_who_joined_the_demonstration_since_is_added_with_a_password(db, passwords, monkeypatch):
    monkeypatch.setattr("demo.people.PEOPLE", PEOPLE[:-1])
    monkeypatch.setattr("demo.management.commands.demo_people.PEOPLE", PEOPLE[:-1])
    call_command("demo_people", passwords)
    before = passwords.read_text()
    monkeypatch.undo()

    call_command("demo_people", passwords)

    assert set(before.splitlines()) < set(passwords.read_text().splitlines())
    assert Person.objects.filter(hr_number=PEOPLE[-1].hr_number, roles__role=Role.OWNER).exists()


def test_a_demonstration_with_one_administrator_is_told_to_start_anew(db, passwords):
    unit = services.add_unit(code="harbour", name="Harbour Bank", parent=None, by=None)
    services.add_person(hr_number="HB-4001", full_name="Ruth Callaghan", mail="", unit=unit, by=None)

    with pytest.raises(CommandError, match="start it anew"):
        call_command("demo_people", passwords)
