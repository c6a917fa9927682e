"""A decision is on exactly what was asked: the kind that was permitted, the subject as it stood, put in force once."""

import threading

import psycopg
import pytest
from django.db import IntegrityError, connections, transaction

from accounts.models import AnsweredRequest
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.models import Entry
from audit.reading import head_digest
from inventory import services as inventory
from proposals import services
from proposals.models import Proposal
from tests.integration.audit.test_held_heads import SHORT, WITHOUT_THE_LOCK
from tests.integration.proposals.conftest import TIER, decide


@pytest.fixture
def another(db, database_template):
    """The portal's role on a second connection, which waits for no lock longer than a moment."""
    server = psycopg.conninfo.conninfo_to_dict(database_template)
    with psycopg.connect(host=server["host"], port=server["port"], dbname=db, user="app", password="app") as connection:
        connection.execute(SHORT)
        connection.commit()
        yield connection


def rename(connection, model) -> None:
    connection.execute("update inventory_model set name = 'Another model' where id = %s", [model.pk])
    connection.commit()


@pytest.mark.outside_portal
def test_what_is_accepted_cannot_move_before_the_decision_is_committed(cast, model, propose_tier, another):
    proposal = propose_tier()

    with transaction.atomic():
        decided = decide(proposal, cast.validator)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            rename(another, model)
        another.rollback()

    assert decided.state == Proposal.State.ACCEPTED
    assert head_digest(model) == decided.subject_digest
    rename(another, model)


@pytest.mark.outside_portal
def test_twin_without_the_lock_a_decision_is_accepted_on_what_has_moved(cast, model, propose_tier, another, superuser):
    superuser.execute(WITHOUT_THE_LOCK)
    proposal = propose_tier()

    with transaction.atomic():
        decided = decide(proposal, cast.validator)
        rename(another, model)

    assert decided.state == Proposal.State.ACCEPTED
    assert head_digest(model) != decided.subject_digest


def test_a_proposal_about_a_model_that_was_edited_since_is_overtaken(cast, model, propose_tier):
    proposal = propose_tier()
    inventory.edit_model(model=model, changes={"name": "Renamed"}, expected_digest=head_digest(model), by=cast.officer)

    assert decide(proposal, cast.validator).state == Proposal.State.OVERTAKEN


def test_whoever_was_permitted_one_kind_decides_no_other(cast, propose_tier):
    proposal = propose_tier()

    with pytest.raises(NotPermitted, match="of kind “tier override”"):
        services.decide_role(proposal=proposal, accept=True, reason="x", by=cast.administrator)
    with pytest.raises(NotPermitted, match="of kind “tier override”"):
        services.decide_end_of_role(proposal=proposal, accept=True, reason="x", by=cast.administrator)
    with pytest.raises(NotPermitted, match="cannot be decided as one of “threshold”"):
        decide(proposal, cast.validator, kind="threshold")

    assert Proposal.objects.get(pk=proposal.pk).state == Proposal.State.OPEN


def test_nothing_is_proposed_about_what_is_not_governed(cast):
    answered = AnsweredRequest.objects.create(account=cast.owner, key="k", fingerprint="f")
    before = Proposal.objects.count()

    with pytest.raises(InvalidInput, match="not governed"):
        services.propose(kind=TIER, subject=answered, trail=answered, change={}, what="x", reason="x", by=cast.officer)

    assert Proposal.objects.count() == before


def test_a_change_is_marked_as_put_in_force_once_and_only_where_it_was_accepted(cast, propose_tier):
    declined = decide(propose_tier(), cast.validator, accept=False)
    with transaction.atomic():
        accepted = decide(propose_tier(), cast.validator)
        services.mark_applied(proposal=accepted, by=cast.validator)

    for proposal in (declined, accepted, propose_tier()):
        with pytest.raises(NotNow, match="once"):
            services.mark_applied(proposal=proposal, by=cast.validator)
    assert Proposal.objects.get(pk=accepted.pk).applied_at is not None
    assert [p.applied_at for p in Proposal.objects.filter(kind=TIER).exclude(pk=accepted.pk)] == [None, None]
    assert Entry.objects.newest_first().filter(event="proposals.applied").first().account == "ingrid"


@pytest.mark.parametrize("column", ["decided_at", "applied_at"])
def test_the_database_refuses_to_date_a_decision_anew(cast, propose_tier, column):
    proposal = decide(propose_tier(), cast.validator)
    services.mark_applied(proposal=proposal, by=cast.validator)

    with pytest.raises(IntegrityError, match="never changes"):
        Proposal.objects.filter(pk=proposal.pk).update(**{column: proposal.asked_at})


@pytest.mark.parametrize("change", [{"decided_in": "approvals.case:1"}, {"decision_reason": "Other"}])
def test_the_database_refuses_to_reword_a_decision(cast, propose_tier, change):
    proposal = decide(propose_tier(), cast.validator)

    with pytest.raises(IntegrityError, match="never changes"):
        Proposal.objects.filter(pk=proposal.pk).update(**change)


HELD = {
    "kind": "role",
    "subject": "inventory.model:99",
    "trail": "",
    "subject_digest": "0" * 64,
    "change": {"tier": 4},
    "reason": "Another",
    "asked_at": "2020-01-01T00:00:00Z",
    "expires_on": "2040-01-01",
}


@pytest.mark.parametrize("column", HELD)
def test_the_database_refuses_to_reword_what_was_asked(propose_tier, column):
    proposal = propose_tier()

    with pytest.raises(IntegrityError, match=f"{column} of proposals_proposal {proposal.pk} never changes"):
        Proposal.objects.filter(pk=proposal.pk).update(**{column: HELD[column]})


@pytest.mark.outside_portal
def test_twin_without_its_triggers_a_proposal_is_reworded_and_decided_anew(cast, propose_tier, superuser):
    proposal = decide(propose_tier(), cast.validator)
    for trigger in ("hold_columns", "hold_the_decision"):
        superuser.execute(f"alter table proposals_proposal disable trigger {trigger}")

    Proposal.objects.filter(pk=proposal.pk).update(
        **HELD | {"decision_reason": "Other", "decided_at": "2021-01-01T00:00:00Z"}
    )

    proposal.refresh_from_db()
    assert (proposal.change, proposal.decision_reason, proposal.decided_at.year) == ({"tier": 4}, "Other", 2021)


def decided_at_once(propose_tier, *deciders) -> list[str]:
    """What came of declining one proposal by several people who begin together."""
    proposal, ready, came = propose_tier(), threading.Barrier(len(deciders)), []

    def do(by):
        ready.wait()
        try:
            decide(proposal, by, accept=False)
            came.append("decided")
        except (NotNow, IntegrityError) as refusal:
            came.append(type(refusal).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=[by]) for by in deciders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(came)


def declined() -> int:
    return Entry.objects.filter(event="proposals.declined").count()


def test_of_two_who_decide_at_once_one_does(cast, propose_tier):
    assert decided_at_once(propose_tier, cast.validator, cast.auditor) == ["NotNow", "decided"]
    assert declined() == 1


@pytest.fixture
def without_the_row_lock(monkeypatch):
    """Both read an open proposal before either decides."""
    meet, check = threading.Barrier(2), services.policies.check_transition
    monkeypatch.setattr(Proposal.objects, "select_for_update", Proposal.objects.all)
    monkeypatch.setattr(services.policies, "check_transition", lambda *given: (meet.wait(), check(*given)))


def test_without_the_row_lock_the_database_still_takes_one_decision(cast, propose_tier, without_the_row_lock):
    assert decided_at_once(propose_tier, cast.validator, cast.auditor) == ["IntegrityError", "decided"]
    assert declined() == 1


def test_twin_without_lock_and_trigger_two_decide_and_the_later_overwrites(
    cast, propose_tier, without_the_row_lock, superuser
):
    superuser.execute("alter table proposals_proposal disable trigger hold_the_decision")

    assert decided_at_once(propose_tier, cast.validator, cast.auditor) == ["decided", "decided"]
    assert declined() == 2


def test_the_case_in_which_it_was_decided_is_kept_and_has_it_on_its_trail(cast, propose_tier):
    proposal = decide(propose_tier(), cast.validator, decided_in="approvals.case:7")

    assert Proposal.objects.get(pk=proposal.pk).decided_in == "approvals.case:7"
    assert [entry.event for entry in Entry.objects.on_trail("approvals.case:7")] == ["proposals.accepted"]
    assert decide(propose_tier(), cast.validator).decided_in == ""
