"""What must hold for a proposal to be decided now, and by this person."""

from accounts.models import Person
from accounts.refusals import NotNow, NotPermitted
from audit.services import hold_heads
from proposals.models import TRANSITIONS, Conflict, Proposal

_SENTENCES = {
    Conflict.Why.ASKED: "You asked for this yourself",
    Conflict.Why.ABOUT: "This proposal is about you",
    Conflict.Why.OWNS: "You own what this proposal is about",
    Conflict.Why.BUILT: "You built what this proposal is about",
}


def check_kind(proposal: Proposal, kind: str) -> None:
    """Whoever decides was permitted to decide one kind; no other may come in its place."""
    if proposal.kind != kind:
        raise NotPermitted(f"This is a proposal of kind “{proposal.kind}”; it cannot be decided as one of “{kind}”.")


def check_transition(proposal: Proposal, state: str) -> None:
    if state not in TRANSITIONS[Proposal.State(proposal.state)]:
        raise NotNow(f"This proposal is {proposal.get_state_display().lower()}; it cannot become {state} any more.")


def check_in_time(proposal: Proposal) -> None:
    if Proposal.objects.overdue().filter(pk=proposal.pk).exists():
        raise NotNow(f"This could be decided until {proposal.expires_on:%d %b %Y}; ask for it again.")


def check_second_person(proposal: Proposal, person: Person) -> None:
    """Nobody decides what they asked for, what is about themselves, or what they own or built."""
    if not proposal.conflicts.all():
        raise NotNow("Nobody noted who may not decide this; it has to be withdrawn and asked again.")
    if why := conflict_of(proposal, person):
        raise NotPermitted(f"{why}; another person decides it.")


def conflict_of(proposal: Proposal, person: Person) -> str:
    """Why the person may not decide the proposal, in words; empty where nothing was noted."""
    found = (conflict for conflict in proposal.conflicts.all() if conflict.person_id == person.pk)
    return next((_SENTENCES[Conflict.Why(conflict.why)] for conflict in found), "")


def has_moved(proposal: Proposal) -> bool:
    """Whether what the proposal is about changed since it was asked; if not, it cannot until the transaction ends."""
    return hold_heads([proposal.subject]).get(proposal.subject) != proposal.subject_digest
