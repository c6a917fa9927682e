"""Ask, decide, withdraw. The kind's own service applies an accepted proposal in the same transaction."""

from __future__ import annotations

from datetime import date

from django.db import models, transaction
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account, Person, Unit
from accounts.permissions import check_may
from accounts.refusals import InvalidInput, NotPermitted
from accounts.roles import Permission, Role
from audit.reading import head_digest, key_of, subject_name
from audit.services import record_about
from proposals import events, policies
from proposals.models import Proposal

ROLE = "role"


@transaction.atomic
def propose(
    *,
    kind: str,
    subject: models.Model,
    trail: models.Model,
    change: dict,
    what: str,
    reason: str,
    expires_on: date | None = None,
    by: Account,
) -> Proposal:
    """Ask for a change that another person decides, bound to the subject as it stands now."""
    _check_reason(reason)
    _check_human(by)
    name = subject_name(subject)
    proposal = Proposal.objects.create(
        kind=kind,
        subject=name,
        trail=subject_name(trail),
        subject_digest=head_digest(name),
        change=change | {"what": what},
        reason=reason,
        expires_on=expires_on,
        asked_by=by.person,
    )
    _announce(events.PROPOSED, proposal, reason, by)
    return proposal


@transaction.atomic
def decide(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Accept or decline, by a person who did not ask. Where the subject moved since, it is overtaken instead."""
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    _check_human(by)
    policies.check_second_person(proposal, by.person)
    state = Proposal.State.ACCEPTED if accept else Proposal.State.DECLINED
    policies.check_transition(proposal, state)
    _check_reason(reason)
    if accept and policies.has_moved(proposal):
        state = Proposal.State.OVERTAKEN
    _settle(proposal, state, reason, by)
    return proposal


@transaction.atomic
def withdraw(*, proposal: Proposal, reason: str, by: Account) -> Proposal:
    """Take one's own proposal back; the record stays."""
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    if proposal.asked_by_id != by.person_id:
        raise NotPermitted("Only who asked for it can withdraw a proposal.")
    policies.check_transition(proposal, Proposal.State.WITHDRAWN)
    _check_reason(reason)
    _settle(proposal, Proposal.State.WITHDRAWN, reason, by)
    return proposal


@transaction.atomic
def propose_role(*, person: Person, role: Role, unit: Unit | None, reason: str, by: Account) -> Proposal:
    """Ask that a person be given a role; a second administrator decides."""
    check_may(by, Permission.MANAGE_PEOPLE)
    if role == Role.SERVICE:
        raise InvalidInput({"role": "A service account has this role by itself; choose another."})
    return propose(
        kind=ROLE,
        subject=person,
        trail=person,
        change={"role": role.value, "unit": unit.pk if unit else None},
        what=f"{role.label}, {unit or 'whole bank'}",
        reason=reason,
        by=by,
    )


@transaction.atomic
def decide_role(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Decide on a role; an accepted one is in force when the transaction commits."""
    check_may(by, Permission.MANAGE_PEOPLE)
    proposal = decide(proposal=proposal, accept=accept, reason=reason, by=by)
    if proposal.state == Proposal.State.ACCEPTED:
        unit_id = proposal.change["unit"]
        accounts.grant_role(
            person=Person.objects.get(pk=key_of(proposal.subject)),
            role=Role(proposal.change["role"]),
            unit=Unit.objects.get(pk=unit_id) if unit_id else None,
            granted_by=by.person,
            by=by,
        )
    return proposal


_EVENTS = {
    Proposal.State.ACCEPTED: events.ACCEPTED,
    Proposal.State.DECLINED: events.DECLINED,
    Proposal.State.WITHDRAWN: events.WITHDRAWN,
    Proposal.State.OVERTAKEN: events.OVERTAKEN,
}


def _settle(proposal: Proposal, state: Proposal.State, reason: str, by: Account) -> None:
    proposal.state = state
    proposal.decided_by, proposal.decided_at = by.person, timezone.now()
    proposal.decision_reason = reason
    proposal.save(update_fields=["state", "decided_by", "decided_at", "decision_reason"])
    _announce(_EVENTS[state], proposal, reason, by)


def _announce(event, proposal: Proposal, reason: str, by: Account) -> None:
    record_about(
        event,
        subject=subject_name(proposal),
        trails=[proposal.subject, proposal.trail],
        by=by,
        data={"kind": proposal.kind, "what": proposal.change["what"], "reason": reason},
    )


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; the reason is part of the record."})


def _check_human(by: Account) -> None:
    if by.is_service or by.token:
        raise NotPermitted(
            "A service account or token cannot ask for or decide a proposal; a person signs in and does."
        )
