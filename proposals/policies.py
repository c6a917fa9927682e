"""What must hold for a proposal to be decided now, and by this person."""

from accounts.models import Person
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit import epochs, verifier
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


def check_new_key(new_key: str, old_key: str) -> None:
    try:
        name = verifier.parse_key(new_key)[0]
    except verifier.Defect as defect:
        raise InvalidInput({"new_key": f"No key that could sign: {defect}."}) from defect
    if new_key == old_key or name != verifier.parse_key(old_key)[0]:
        raise InvalidInput({"new_key": "A new key of this log is wanted: the same name, another key."})


def epoch_change(ending: epochs.Ending, new_key: str) -> dict:
    """What is asked for with an epoch. How far a rotation goes is seen when it begins: it keeps everything."""
    change = {"epoch": ending.number, "of": ending.reason, "old_key": ending.old_key, "new_key": new_key}
    if ending.reason == epochs.RESTORE:
        change |= {"old_size": ending.old[0], "old_root": ending.old[1].hex()}
        change |= {"kept_size": ending.kept[0], "kept_root": ending.kept[1].hex()}
    return change


def check_epoch_as_accepted(proposal: Proposal, ending: epochs.Ending, new_key: str) -> None:
    """What two persons agreed to is what begins: the same keys, and of a restore the same loss."""
    if proposal.state != Proposal.State.ACCEPTED or proposal.applied_at:
        raise NotNow("Only an accepted epoch begins, and once.")
    wanted, agreed = epoch_change(ending, new_key), proposal.change
    if moved := [name.replace("_", " ") for name, value in wanted.items() if agreed.get(name) != value]:
        raise NotNow(f"This is not what was accepted, by {', '.join(moved)}: propose the epoch again.")
