"""What must hold for a proposal to be decided now, and by this person."""

from accounts.models import Person
from accounts.refusals import NotNow, NotPermitted
from audit.reading import head_digest, subject_name
from proposals.models import TRANSITIONS, Proposal


def check_transition(proposal: Proposal, state: str) -> None:
    if state not in TRANSITIONS[Proposal.State(proposal.state)]:
        raise NotNow(f"This proposal is {proposal.get_state_display().lower()}; it cannot become {state} any more.")


def check_second_person(proposal: Proposal, person: Person) -> None:
    """Nobody decides what they asked for, nor what is about themselves."""
    if proposal.asked_by_id == person.pk:
        raise NotPermitted("You asked for this yourself; another person decides it.")
    if proposal.subject == subject_name(person):
        raise NotPermitted("This proposal is about you; another person decides it.")


def has_moved(proposal: Proposal) -> bool:
    """Whether what the proposal is about changed since it was asked."""
    return head_digest(proposal.subject) != proposal.subject_digest
