"""Two administrators stay, whatever is done; and who was disabled is let in again by two of them."""

import threading

import pytest
from django.db import IntegrityError, connection, connections, transaction

from accounts import services
from accounts.models import Account, Person, RoleAssignment
from accounts.refusals import NotNow, NotPermitted, Refusal
from accounts.roles import Role
from audit.models import Entry
from proposals import services as proposals
from proposals.models import Proposal
from tests.cast import end_role, hire

LAST = "one of the last two administrators"


@pytest.fixture
def third(cast) -> Account:
    return hire(Role.ADMINISTRATOR, cast.retail.parent, "Cleo Administrator", bank_wide=True)


def administrators() -> int:
    return RoleAssignment.objects.of_administrators().count()


def disable(account: Account, by: Account) -> None:
    services.disable_person(person=account.person, reason="Left", by=by)


# ---- two stay ------------------------------------------------------------------------------------------------
def test_one_of_the_last_two_is_not_disabled_and_is_told_why(cast):
    with pytest.raises(NotNow, match=f"{LAST}.*Give the role to another person first"):
        disable(cast.second_administrator, cast.administrator)


def test_the_role_of_one_of_the_last_two_is_not_proposed_to_end(cast):
    with pytest.raises(NotNow, match=LAST):
        end_role(cast.administrator.person.roles.get())


def test_an_end_that_was_proposed_while_there_were_three_is_not_accepted_with_two(cast, third):
    role = cast.administrator.person.roles.get()
    proposal = proposals.propose_end_of_role(assignment=role, reason="Moved", by=third)
    disable(third, cast.administrator)

    with pytest.raises(NotNow, match=LAST):
        proposals.decide_end_of_role(proposal=proposal, accept=True, reason="Yes", by=cast.second_administrator)
    assert administrators() == 2


def test_of_three_one_may_go_and_who_is_disabled_does_not_count(cast, third):
    disable(third, cast.administrator)

    end_role(third.person.roles.get())

    assert administrators() == 2
    with pytest.raises(NotNow, match=LAST):
        disable(cast.administrator, cast.second_administrator)


@pytest.mark.parametrize(
    "statement",
    [
        "update accounts_person set is_active = false where id = %s",
        "update accounts_person set is_active = false",
    ],
)
def test_the_database_keeps_two_administrators(cast, statement):
    with pytest.raises(IntegrityError, match="fewer than two administrators would stay"), transaction.atomic():
        run(statement, cast.administrator.person_id)


def test_the_database_does_not_end_the_role_of_one_of_the_last_two(cast, third):
    role = cast.administrator.person.roles.get()
    proposal = proposals.propose_end_of_role(assignment=role, reason="Moved", by=third)
    disable(third, cast.administrator)
    proposals.decide(proposal=proposal, kind="end role", accept=True, reason="Yes", by=cast.second_administrator)

    with pytest.raises(IntegrityError, match="fewer than two administrators would stay"), transaction.atomic():
        run(
            "update accounts_roleassignment set ended_at = now(), ended_by_id = %s where id = %s",
            cast.second_administrator.person_id,
            role.pk,
        )


@pytest.mark.outside_portal
def test_twin_without_its_trigger_the_database_disables_everybody(cast, superuser):
    superuser.execute("alter table accounts_person disable trigger keep_administrators")

    run("update accounts_person set is_active = false")

    assert administrators() == 0


def at_once(*acts) -> list[str]:
    """What came of acts that begin together, each in a thread of its own: done, or the refusal's words."""
    ready, came = threading.Barrier(len(acts)), []

    def do(act):
        ready.wait()
        try:
            act()
            came.append("done")
        except Refusal as refusal:
            came.append(str(refusal))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def both_disabled(cast, third) -> list[str]:
    return at_once(
        lambda: disable(cast.second_administrator, cast.administrator), lambda: disable(third, cast.administrator)
    )


def test_of_two_that_are_disabled_at_once_one_stays(cast, third):
    came = both_disabled(cast, third)

    assert administrators() == 2
    assert sorted(LAST in words for words in came) == [False, True]


def test_twin_without_lock_and_trigger_both_of_two_are_disabled_at_once(cast, third, superuser, monkeypatch):
    superuser.execute("alter table accounts_person disable trigger keep_administrators")
    meet = threading.Barrier(2)
    monkeypatch.setattr(services, "lock_administrators", lambda: None)
    check = services.check_administrators_stay
    monkeypatch.setattr(services, "check_administrators_stay", lambda person: (check(person), meet.wait()))

    assert both_disabled(cast, third) == ["done", "done"]
    assert administrators() == 1


# ---- enabled again -------------------------------------------------------------------------------------------
@pytest.fixture
def disabled(cast) -> Person:
    disable(cast.owner, cast.administrator)
    return Person.objects.get(pk=cast.owner.person_id)


@pytest.fixture
def proposal(cast, disabled) -> Proposal:
    return proposals.propose_enabling(person=disabled, reason="Came back", by=cast.administrator)


def decide(proposal: Proposal, by: Account, *, accept: bool = True) -> Proposal:
    return proposals.decide_enabling(proposal=proposal, accept=accept, reason="Agreed", by=by)


def test_two_administrators_enable_a_person_and_the_trail_names_the_person_by_number(cast, disabled, proposal):
    decided = decide(proposal, cast.second_administrator)

    disabled.refresh_from_db()
    assert disabled.is_active
    assert Proposal.objects.get(pk=decided.pk).applied_at
    entry = Entry.objects.get(event="accounts.person_enabled")
    assert (entry.account, entry.data) == ("bert", {"hr_number": "HR-olivia-owner", "reason": "Came back"})
    asked = Entry.objects.filter(event="proposals.proposed").last()
    assert asked.data["what"] == "Enabling again, for HR-olivia-owner"


def test_who_asked_does_not_enable_and_one_that_is_declined_enables_nobody(cast, disabled, proposal):
    with pytest.raises(NotPermitted, match="asked for this yourself"):
        decide(proposal, cast.administrator)
    decide(proposal, cast.second_administrator, accept=False)

    disabled.refresh_from_db()
    assert not disabled.is_active


def test_nobody_is_enabled_who_is_not_disabled(cast, disabled, proposal):
    with pytest.raises(NotNow, match="is not disabled"):
        proposals.propose_enabling(person=cast.developer.person, reason="x", by=cast.administrator)
    decided = decide(proposal, cast.second_administrator)
    with pytest.raises(NotNow, match="put in force already"):
        services.enable_person(proposal=Proposal.objects.get(pk=decided.pk), by=cast.second_administrator)


@pytest.mark.parametrize("who", ["officer", "auditor", "stranger"])
def test_only_an_administrator_asks_that_somebody_be_enabled_or_decides(cast, disabled, proposal, who):
    account = getattr(cast, who)

    with pytest.raises(NotPermitted):
        proposals.propose_enabling(person=disabled, reason="x", by=account)
    with pytest.raises(NotPermitted):
        decide(proposal, account)
    with pytest.raises(NotPermitted):
        services.enable_person(proposal=proposal, by=account)


def test_the_database_enables_nobody_without_an_accepted_proposal(cast, disabled, proposal):
    enable = "update accounts_person set is_active = true where id = %s"

    with pytest.raises(IntegrityError, match="no accepted proposal says"), transaction.atomic():
        run(enable, disabled.pk)
    decide(proposal, cast.second_administrator)
    disable(cast.owner, cast.administrator)

    with pytest.raises(IntegrityError, match="no accepted proposal says"), transaction.atomic():
        run(enable, disabled.pk)


@pytest.mark.outside_portal
def test_twin_without_its_trigger_the_database_enables_anybody(cast, disabled, superuser):
    superuser.execute("alter table accounts_person disable trigger hold_enabling")

    run("update accounts_person set is_active = true where id = %s", disabled.pk)

    assert Person.objects.get(pk=disabled.pk).is_active


def run(statement: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values if "%s" in statement else None)
