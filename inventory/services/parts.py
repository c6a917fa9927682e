"""Verbs on the records below a model's: add one, edit it, have it approved by another person, close it."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.policies import check_reason
from accounts.refusals import InvalidInput
from audit.reading import head_digest, key_of, subject_name
from audit.services import record
from inventory import events, permissions, policies
from inventory.models import NOUNS, ApprovedPart, Model, Noun, Overlay, Part, noun_of
from inventory.refusals import ChangedSince
from inventory.services.overlays import carry_on
from inventory.services.records import in_words
from proposals.models import Conflict, Proposal
from proposals.services import decide, mark_applied, propose

APPROVAL = "inventory.approval"


@transaction.atomic
def add_part(*, model: Model, noun: Noun, values: dict, by: Account) -> Part:
    """Add a use, an assumption, a limitation … to a model's record; it has the next number of its kind."""
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    permissions.check_can_edit(by, model)
    policies.check_not_retired(model)
    _check_known(noun.fields, values)
    last = noun.part.objects.filter(model=model).order_by("-number").values_list("number", flat=True).first()
    part = noun.part(model=model, number=(last or 0) + 1, added_by=by.person, **values)
    _check(part)
    part.save()
    record(
        events.PART_ADDED,
        subject=part,
        trails=[model],
        by=by,
        data={"noun": noun.one, "ref": part.ref, "words": part.words_on_trail},
    )
    if isinstance(part, Overlay):
        carry_on(overlay=part, by=by)
    return part


@transaction.atomic
def edit_part(*, part: Part, changes: dict, expected_digest: str, by: Account) -> Part:
    """Change what a part says. Where it was approved, what the approval is bound to takes a new one.

    expected_digest  digest of the part as the editor read it; raises ChangedSince where it moved
    """
    part, noun = _locked(part), noun_of(part)
    _check_can_change(by, part)
    if part_digest(part) != expected_digest:
        raise ChangedSince(f"{part.ref} was changed since you read it. Read it again, then repeat your change.")
    _check_known(noun.editable, changes)
    moved = {name: (getattr(part, name), value) for name, value in changes.items() if getattr(part, name) != value}
    if not moved:
        return part
    for name, (_, after) in moved.items():
        setattr(part, name, after)
    _check(part)
    lapses = bool(set(moved) - set(noun.free)) and isinstance(part, ApprovedPart) and part.approved_at is not None
    if lapses:
        part.approved_at = part.approved_by = None
    part.save()
    words = [f"{label_of(part, name)}: {in_words(b)} → {in_words(a)}" for name, (b, a) in moved.items()]
    if lapses:
        words.append("its approval does not hold any more")
    record(
        events.PART_EDITED,
        subject=part,
        trails=[part.model],
        by=by,
        data={"noun": noun.one, "ref": part.ref, "changes": "; ".join(words)},
    )
    return part


@transaction.atomic
def close_part(*, part: Part, reason: str, by: Account) -> Part:
    """End a part from now on; it stays on record."""
    part, noun = _locked(part), noun_of(part)
    _check_can_change(by, part)
    check_reason(reason)
    part.closed_at, part.closed_by, part.closing_reason = timezone.now(), by.person, reason
    part.save(update_fields=["closed_at", "closed_by", "closing_reason"])
    record(
        events.PART_CLOSED,
        subject=part,
        trails=[part.model],
        by=by,
        data={"noun": noun.one, "ref": part.ref, "reason": reason},
    )
    return part


@transaction.atomic
def ask_for_approval(*, part: ApprovedPart, reason: str, by: Account) -> Proposal:
    """Ask that another person approve a use or an exception, as it stands now."""
    part, noun = _locked(part), noun_of(part)
    _check_can_change(by, part)
    policies.check_not_approved(part)
    policies.check_nothing_waits(part, waiting_approval(part))
    model = part.model
    return propose(
        kind=APPROVAL,
        subject=part,
        trail=model,
        change={"noun": noun.key, "number": part.number},
        what=f"Approve {noun.one} {part.ref}",
        reason=reason,
        conflicts=[(model.owner, Conflict.Why.OWNS), (model.developer, Conflict.Why.BUILT)],
        by=by,
    )


@transaction.atomic
def decide_approval(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Approve a part or decline it, by a person who neither asked nor built the model; another text is overtaken."""
    noun = NOUNS[proposal.change["noun"]]
    part = _locked(noun.part.objects.get(pk=key_of(proposal.subject)))
    permissions.check_can_judge(by, part.model, f"whether {part.ref} is approved")
    _check_can_change(by, part)
    proposal = decide(proposal=proposal, kind=APPROVAL, accept=accept, reason=reason, by=by)
    if proposal.state == Proposal.State.ACCEPTED:
        _approve(part, noun, reason, by)
        mark_applied(proposal=proposal, by=by)
    return proposal


def _approve(part: ApprovedPart, noun: Noun, reason: str, by: Account) -> None:
    part.approved_at, part.approved_by = timezone.now(), by.person
    part.save(update_fields=["approved_at", "approved_by"])
    record(
        events.PART_APPROVED,
        subject=part,
        trails=[part.model],
        by=by,
        data={"noun": noun.one, "ref": part.ref, "reason": reason},
    )


def waiting_approval(part: Part) -> Proposal | None:
    """The open proposal to approve it."""
    return Proposal.objects.open().filter(kind=APPROVAL, subject=subject_name(part)).first()


def part_digest(part: Part) -> str:
    """Digest of a part as it stands now, in hex: its ETag."""
    return head_digest(part)


def label_of(part: Part, name: str) -> str:
    words = str(part._meta.get_field(name).verbose_name)
    return f"{words[:1].upper()}{words[1:]}"


def _locked(part: Part) -> Part:
    """The part as it stands, its model locked before it, as whoever adds one does."""
    model = (
        Model.objects.select_for_update(of=("self",)).select_related("unit", "owner", "developer").get(pk=part.model_id)
    )
    part = type(part).objects.select_for_update(of=("self",)).get(pk=part.pk)
    part.model = model
    return part


def _check_can_change(by: Account, part: Part) -> None:
    permissions.check_can_edit(by, part.model)
    policies.check_not_retired(part.model)
    policies.check_not_closed(part)


def _check_known(known: tuple[str, ...], values: dict) -> None:
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidInput(dict.fromkeys(unknown, "This field cannot be changed here."))


def _check(part: Part) -> None:
    """Raises InvalidInput with a sentence for each field that cannot be stored."""
    try:
        part.full_clean(exclude=["model", "number", "added_by"], validate_unique=False)
    except ValidationError as faults:
        raise InvalidInput({name: " ".join(words) for name, words in faults.message_dict.items()}) from faults
    caused_by = part.limitation if isinstance(part, Overlay) else None
    if caused_by and caused_by.model_id != part.model_id:
        raise InvalidInput({"limitation": "It must be a limitation of the same model."})
