"""`manage.py start_bank`: an empty portal gets its first unit and two administrators, once, and the trail says so."""

import getpass
import io
import re
import threading

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import RequestFactory

from accounts import services
from accounts.models import Account, Person, RoleAssignment, Unit
from accounts.refusals import InvalidInput, NotNow
from accounts.roles import Role
from audit.models import Entry
from tests.cast import give_role, hire, start_bank

UNIT = ("--unit", "harbour", "Harbour Bank")
ADA = ("--administrator", "HB-1", "ada", "Ada Administrator", "ada@bank.example")
BERT = ("--administrator", "HB-2", "bert", "Bert Administrator", "")
GOOD = "correct horse battery staple"


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command("start_bank", *arguments, stdout=said)
    return said.getvalue()


def newcomer(number: int, **changed) -> services.Newcomer:
    known = {"hr_number": f"HB-{number}", "full_name": f"Person {number}", "mail": "", "username": f"p{number}"}
    return services.Newcomer(**known | {"password": GOOD} | changed)


def start(*administrators: services.Newcomer) -> list[Account]:
    return services.start_bank(code="harbour", name="Harbour Bank", administrators=administrators, by=None)


@pytest.fixture
def typed(monkeypatch):
    """What is typed where the command asks, answer by answer."""

    def typed(*answers: str) -> None:
        waiting = iter(answers)
        monkeypatch.setattr(getpass, "getpass", lambda prompt: next(waiting))

    return typed


def signs_in(username: str, password: str) -> bool:
    return authenticate(RequestFactory().post("/sign-in/"), username=username, password=password) is not None


def test_random_passwords_are_printed_once_and_let_both_administrators_in(db):
    said = run(*UNIT, *ADA, *BERT, "--random-passwords")

    passwords = dict(re.findall(r"^  (\w+)  (\S{24,})$", said, re.MULTILINE))
    assert {name: signs_in(name, password) for name, password in passwords.items()} == {"ada": True, "bert": True}
    roles = RoleAssignment.objects.in_force().values_list("person__hr_number", "role", "unit", "granted_by")
    assert set(roles) == {(number, "administrator", None, None) for number in ("HB-1", "HB-2")}
    assert Unit.objects.get().path == "/harbour/"


def test_passwords_are_asked_for_twice_each(db, typed):
    typed(GOOD, GOOD, f"{GOOD} 2", f"{GOOD} 2")

    said = run(*UNIT, *ADA, *BERT)

    assert GOOD not in said
    assert signs_in("ada", GOOD)
    assert signs_in("bert", f"{GOOD} 2")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((GOOD, "something else"), "passwords of ada differ"),
        (("short", "short", GOOD, GOOD), "at least 12 characters"),
    ],
)
def test_passwords_that_differ_or_are_weak_make_nothing(db, typed, answers, words):
    typed(*answers)

    with pytest.raises(CommandError, match=words):
        run(*UNIT, *ADA, *BERT)

    assert not Person.objects.exists()
    assert not Unit.objects.exists()


def test_the_start_stands_on_the_trail_and_names_no_name(db):
    start(newcomer(1), newcomer(2))

    entry = Entry.objects.get(event="accounts.bank_started")
    assert (entry.subject, entry.actor, entry.through) == (f"accounts.unit:{Unit.objects.get().pk}", "", "command")
    assert entry.data == {"name": "Harbour Bank", "administrators": "HB-1 and HB-2"}
    assert entry.sealed_in.entries.count() == 8
    assert not any(b"Person 1" in bytes(entry.body) for entry in Entry.objects.all())


def test_a_bank_starts_once(db):
    start(newcomer(1), newcomer(2))

    with pytest.raises(NotNow, match="knows people already"):
        start(newcomer(3), newcomer(4))
    with pytest.raises(CommandError, match="knows people already"):
        run(*UNIT, *ADA, *BERT, "--random-passwords")
    assert Person.objects.count() == 2


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_bank_starts_with_two_administrators(db, count):
    with pytest.raises(InvalidInput, match="starts with two"):
        start(*map(newcomer, range(count)))


@pytest.mark.parametrize("same", [{"hr_number": "HB-1"}, {"username": "P1"}])
def test_one_person_is_not_both_of_them(db, same):
    with pytest.raises(InvalidInput, match=r"already|is taken"):
        start(newcomer(1), newcomer(2, **same))

    assert not Person.objects.exists()


def test_two_starts_at_once_are_one_bank(db):
    outcomes, together = [], threading.Barrier(2)

    def start_together(number: int) -> None:
        together.wait()
        try:
            services.start_bank(
                code=f"bank-{number}",
                name="Bank",
                administrators=[newcomer(number), newcomer(number + 1)],
                by=None,
            )
            outcomes.append("started")
        except NotNow:
            outcomes.append("refused")
        finally:
            connection.close()

    starting = [threading.Thread(target=start_together, args=[number]) for number in (10, 20)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()

    assert sorted(outcomes) == ["refused", "started"]
    assert (Person.objects.count(), Unit.objects.count()) == (2, 1)


def test_the_two_bring_in_everybody_else(db):
    unit = start_bank()

    third = hire(Role.ADMINISTRATOR, unit, "Cleo Administrator", bank_wide=True)
    give_role(third.person, Role.AUDITOR, None)

    assert set(third.person.roles.in_force().values_list("role", flat=True)) == {"administrator", "auditor"}


def test_the_database_lets_no_third_administrator_begin_without_a_proposal(db):
    first, _ = start(newcomer(1), newcomer(2))

    with pytest.raises(IntegrityError, match="no accepted proposal says"):
        RoleAssignment.objects.create(person=first.person, role=Role.OWNER, unit=first.person.unit)
    with pytest.raises(IntegrityError, match="no accepted proposal says"):
        RoleAssignment.objects.create(
            person=services.add_person(hr_number="3", full_name="3", mail="", unit=first.person.unit, by=None),
            role=Role.ADMINISTRATOR,
        )
