"""Ask, decide, withdraw, let expire. The kind's own service checks permission, then decides and applies in one
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import models, transaction
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account, ApiToken, Person, RoleAssignment, Unit
from accounts.permissions import check_may
from accounts.policies import check_password_again, check_reason
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import Permission, Role
from accounts.services import ENABLE, END_ROLE, ROLE, SERVICE_TOKEN, code_of
from audit import epochs
from audit.events import Event
from audit.reading import head_digest, key_of, subject_name
from audit.services import record_about
from audit.signed_note import Signer
from jobs.models import Job
from jobs.services import effects_of, finish
from proposals import events, policies
from proposals.models import Conflict, Proposal

EPOCH = "epoch of the log"
EXPIRE_OVERDUE = "proposals.expire_overdue"
ADMINISTRATORS_KINDS = (ROLE, END_ROLE, ENABLE, SERVICE_TOKEN)  # what administrators ask for and decide


@transaction.atomic
def propose(
    *,
    kind: str,
    subject: models.Model,
    trail: models.Model,
    change: dict,
    what: str,
    on_trail: str = "",
    reason: str,
    conflicts: Iterable[tuple[Person | None, Conflict.Why]] = (),
    expires_on: date | None = None,
    by: Account,
) -> Proposal:
    """Ask for a change that another person decides, bound to the subject as it stands now.

    what        the change in words, as pages say it
    on_trail    the same as entries say it, where that differs: there people go by HR number, units by code
    conflicts   who, beside the one who asks, may not decide it, and why; a person who is None is left out
    expires_on  last day on which it can be decided
    """
    _check_human(by)
    check_reason(reason)
    name = subject_name(subject)
    proposal = Proposal.objects.create(
        kind=kind,
        subject=name,
        trail=subject_name(trail),
        subject_digest=_digest_of(name),
        change=change | {"what": what} | ({"on_trail": on_trail} if on_trail else {}),
        reason=reason,
        expires_on=expires_on,
        asked_by=by.person,
    )
    if Proposal.objects.overdue().filter(pk=proposal.pk).exists():
        raise InvalidInput({"expires_on": f"The last day to decide must be ahead, got {expires_on:%d %b %Y}."})
    noted = [
        Conflict.objects.create(proposal=proposal, person=person, why=why, trail=proposal.trail)
        for person, why in [(by.person, Conflict.Why.ASKED), *conflicts]
        if person
    ]
    _announce(events.PROPOSED, proposal, reason, by, rows=noted)
    return proposal


@transaction.atomic
def decide(*, proposal: Proposal, kind: str, accept: bool, reason: str, decided_in: str = "", by: Account) -> Proposal:
    """Accept or decline, by a person without conflict. Where the subject moved since, it is overtaken instead.

    kind        what the caller checked permission for
    decided_in  the case in which it was decided, by its name on the trail
    An accepted one's change is put in force, and `mark_applied` called, by the caller, who locks beforehand the rows
    that it is going to change.
    """
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    policies.check_kind(proposal, kind)
    _check_human(by)
    policies.check_second_person(proposal, by.person)
    state = Proposal.State.ACCEPTED if accept else Proposal.State.DECLINED
    policies.check_transition(proposal, state)
    policies.check_in_time(proposal)
    check_reason(reason)
    if accept and policies.has_moved(proposal):
        state = Proposal.State.OVERTAKEN
    proposal.decided_in = decided_in
    _settle(proposal, state, reason, by)
    return proposal


@transaction.atomic
def mark_applied(*, proposal: Proposal, by: Account | None) -> None:
    """Note that the accepted change is in force, in the transaction that put it there."""
    if proposal.state != Proposal.State.ACCEPTED or proposal.applied_at:
        raise NotNow("Only an accepted proposal is put in force, and once.")
    proposal.applied_at = timezone.now()
    proposal.save(update_fields=["applied_at"])
    _announce(events.APPLIED, proposal, "", by)


@transaction.atomic
def withdraw(*, proposal: Proposal, reason: str, by: Account) -> Proposal:
    """Take one's own proposal back; the record stays."""
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    _check_human(by)
    if proposal.asked_by_id != by.person_id:
        raise NotPermitted("Only who asked for it can withdraw a proposal.")
    policies.check_transition(proposal, Proposal.State.WITHDRAWN)
    check_reason(reason)
    _settle(proposal, Proposal.State.WITHDRAWN, reason, by)
    return proposal


def expire_overdue(*, job: Job) -> int:
    """End what nobody decided in time; return how many. Whoever still decides one goes first or not at all."""
    with effects_of(job):
        overdue = list(Proposal.objects.overdue().select_for_update().order_by("pk"))
        for proposal in overdue:
            proposal.state = Proposal.State.EXPIRED
            proposal.save(update_fields=["state"])
            _announce(events.EXPIRED, proposal, f"Nobody decided until {proposal.expires_on:%d %b %Y}", None)
        finish(job=job, message=f"{len(overdue)} expired")
    return len(overdue)


# ---- roles ------------------------------------------------------------------------------------------------
@transaction.atomic
def propose_role(*, person: Person, role: Role, unit: Unit | None, reason: str, by: Account) -> Proposal:
    """Ask that a person be given a role; a second administrator decides."""
    check_may(by, Permission.MANAGE_PEOPLE)
    accounts.check_can_be_held(role, unit)
    return propose(
        kind=ROLE,
        subject=person,
        trail=person,
        change={"role": role.value, "unit": unit.pk if unit else None},
        what=f"{role.label}, {unit or 'whole bank'}",
        on_trail=f"{role.label}, {code_of(unit)}, for {person.hr_number}",
        reason=reason,
        conflicts=[(person, Conflict.Why.ABOUT)],
        by=by,
    )


@transaction.atomic
def propose_end_of_role(*, assignment: RoleAssignment, reason: str, by: Account) -> Proposal:
    """Ask that a role end; a second administrator decides."""
    check_may(by, Permission.MANAGE_PEOPLE)
    assignment = RoleAssignment.objects.select_related("person", "unit").get(pk=assignment.pk)
    accounts.check_can_end(assignment)
    return propose(
        kind=END_ROLE,
        subject=assignment,
        trail=assignment.person,
        change={"role": assignment.role, "unit": assignment.unit_id},
        what=f"End of {assignment}",
        on_trail=(
            f"End of {assignment.get_role_display()}, {code_of(assignment.unit)}, for {assignment.person.hr_number}"
        ),
        reason=reason,
        conflicts=[(assignment.person, Conflict.Why.ABOUT)],
        by=by,
    )


@transaction.atomic
def decide_role(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Decide on a role; an accepted one is in force when the transaction commits."""
    check_may(by, Permission.MANAGE_PEOPLE)
    Person.objects.select_for_update(no_key=True).filter(pk=key_of(proposal.subject)).first()
    proposal = decide(proposal=proposal, kind=ROLE, accept=accept, reason=reason, by=by)
    if proposal.state == Proposal.State.ACCEPTED:
        accounts.grant_role(proposal=proposal, by=by)
        mark_applied(proposal=proposal, by=by)
    return proposal


@transaction.atomic
def decide_end_of_role(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Decide on the end of a role; an accepted one has ended when the transaction commits."""
    check_may(by, Permission.MANAGE_PEOPLE)
    accounts.lock_administrators()
    RoleAssignment.objects.select_for_update(no_key=True).filter(pk=key_of(proposal.subject)).first()
    proposal = decide(proposal=proposal, kind=END_ROLE, accept=accept, reason=reason, by=by)
    if proposal.state == Proposal.State.ACCEPTED:
        accounts.end_role(proposal=proposal, by=by)
        mark_applied(proposal=proposal, by=by)
    return proposal


# ---- epochs of the log --------------------------------------------------------------------------------------
@transaction.atomic
def propose_epoch(*, ending: epochs.Ending, new_key: str, reason: str, password: str, by: Account) -> Proposal:
    """Ask that the log go on under another key, from what is left of it; a second administrator decides.

    It hangs on the bank's first unit: the log is of the whole bank.
    """
    check_may(by, Permission.KEEP_LOG)
    check_password_again(by, password)
    policies.check_new_key(new_key, ending.old_key)
    bank = Unit.objects.order_by("pk").first()
    return propose(
        kind=EPOCH,
        subject=bank,
        trail=bank,
        change=policies.epoch_change(ending, new_key),
        what=f"Epoch {ending.number} of the log: {ending.words}",
        reason=reason,
        by=by,
    )


@transaction.atomic
def decide_epoch(*, proposal: Proposal, accept: bool, reason: str, password: str, by: Account) -> Proposal:
    """Decide on an epoch; an accepted one begins when whoever keeps the signing key begins it."""
    check_may(by, Permission.KEEP_LOG)
    check_password_again(by, password)
    return decide(proposal=proposal, kind=EPOCH, accept=accept, reason=reason, by=by)


@transaction.atomic
def begin_epoch(
    *, proposal: Proposal, ending: epochs.Ending, new: Signer, old: Signer | None, by: Account | None
) -> Proposal:
    """Put an accepted epoch in force: for the machine where the keys lie.

    old  the key before it, which signs the epoch's note too; None where it is lost
    Raises NotNow where the log would end in another way than was accepted.
    """
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    policies.check_kind(proposal, EPOCH)
    policies.check_epoch_as_accepted(proposal, ending, new.verifier_key)
    epochs.begin_epoch(
        found=ending,
        new=new,
        old=old,
        asked_by=subject_name(proposal.asked_by),
        accepted_by=subject_name(proposal.decided_by),
        by=by,
    )
    mark_applied(proposal=proposal, by=by)
    return proposal


# ---- people -----------------------------------------------------------------------------------------------
@transaction.atomic
def propose_enabling(*, person: Person, reason: str, by: Account) -> Proposal:
    """Ask that a disabled person be let in again; a second administrator decides."""
    check_may(by, Permission.MANAGE_PEOPLE)
    person = Person.objects.get(pk=person.pk)
    accounts.check_is_disabled(person)
    return propose(
        kind=ENABLE,
        subject=person,
        trail=person,
        change={"is_active": True},
        what="Enabling again",
        on_trail=f"Enabling again, for {person.hr_number}",
        reason=reason,
        conflicts=[(person, Conflict.Why.ABOUT)],
        by=by,
    )


@transaction.atomic
def decide_enabling(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Decide on letting a person in again; an accepted one signs in when the transaction commits."""
    check_may(by, Permission.MANAGE_PEOPLE)
    Person.objects.select_for_update(no_key=True).filter(pk=key_of(proposal.subject)).first()
    proposal = decide(proposal=proposal, kind=ENABLE, accept=accept, reason=reason, by=by)
    if proposal.state == Proposal.State.ACCEPTED:
        accounts.enable_person(proposal=proposal, by=by)
        mark_applied(proposal=proposal, by=by)
    return proposal


# ---- tokens of service accounts ---------------------------------------------------------------------------
@transaction.atomic
def propose_token(
    *, account: Account, name: str, scopes: list[str], unit: Unit, expires_at: datetime, reason: str, by: Account
) -> Proposal:
    """Ask for a token of a service account; a second administrator decides, other than who answers for the account."""
    check_may(by, Permission.MANAGE_PEOPLE)
    if not account.is_service:
        raise InvalidInput({"account": f"{account} is a person's account: that person makes the token."})
    accounts.check_token(scopes=scopes, expires_at=expires_at)
    scopes = sorted(scopes)
    reach = f"{', '.join(scopes)}, in {unit.code}, until {expires_at:%d %b %Y}"
    return propose(
        kind=SERVICE_TOKEN,
        subject=account,
        trail=account.person,
        change={"name": name, "scopes": scopes, "unit": unit.pk, "expires_at": expires_at.isoformat()},
        what=f"Token “{name}” of {account.username}: {reach}",
        on_trail=f"Token “{name}” of {account.username} ({account.person.hr_number}): {reach}",
        reason=reason,
        conflicts=[(account.person, Conflict.Why.ABOUT)],
        by=by,
    )


@transaction.atomic
def decide_token(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Decide on a service account's token; an accepted one is made by who answers for the account."""
    check_may(by, Permission.MANAGE_PEOPLE)
    return decide(proposal=proposal, kind=SERVICE_TOKEN, accept=accept, reason=reason, by=by)


@transaction.atomic
def collect_token(*, proposal: Proposal, by: Account) -> tuple[ApiToken, str]:
    """Make the token that was accepted, once; return it with its secret, for who answers for the account to see."""
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    made, secret = accounts.make_service_token(proposal=proposal, by=by)
    mark_applied(proposal=proposal, by=by)
    return made, secret


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
    proposal.save(update_fields=["state", "decided_by", "decided_at", "decided_in", "decision_reason"])
    _announce(_EVENTS[state], proposal, reason, by)


def _announce(
    event: Event, proposal: Proposal, reason: str, by: Account | None, *, rows: Iterable[models.Model] = ()
) -> None:
    record_about(
        event,
        subject=subject_name(proposal),
        trails=[name for name in (proposal.subject, proposal.trail, proposal.decided_in) if name],
        rows=rows,
        by=by,
        data={
            "kind": proposal.kind,
            "what": proposal.change.get("on_trail") or proposal.change["what"],
            "reason": reason,
        },
    )


def _digest_of(subject: str) -> str:
    digest = head_digest(subject)
    if not digest:
        raise InvalidInput({"subject": f"{subject} is not governed: a decision could not be bound to what it is."})
    return digest


def _check_human(by: Account) -> None:
    if by.is_service or by.token:
        raise NotPermitted(
            "A service account or token cannot ask for or decide a proposal; a person signs in and does."
        )
