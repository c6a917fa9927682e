"""Verbs on tiering schemes: draft one, and put it in force in two persons, with the whole book rated anew at once."""

from __future__ import annotations

from pathlib import Path

import yaml
from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Account
from accounts.permissions import check_may
from accounts.policies import check_reason
from accounts.refusals import InvalidInput
from accounts.roles import Permission
from audit.reading import key_of
from audit.services import record
from inventory import events, policies
from inventory.measures.scheme import Scheme, SchemeFaulty, read_scheme
from inventory.models import Assessment, Model, ReviewMark, Standing, TieringScheme, TierOverride
from inventory.models.standing import PARTS
from inventory.services.book import BookEffect, Line, effect_on_book
from inventory.services.reviews import review_of
from inventory.services.tiers import standing_of, unsaved_assessment
from proposals.models import Conflict, Proposal
from proposals.services import decide, mark_applied, propose

PUBLISH_SCHEME = "tiering scheme"
SHIPPED = Path(__file__).parent.parent / "data" / "tiering.yaml"


def shipped_scheme() -> dict:
    """The scheme that a bank begins with."""
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))


def checked(content: object) -> Scheme:
    """Read a scheme; raises InvalidInput with a sentence for each place at fault."""
    try:
        return read_scheme(content)
    except SchemeFaulty as faulty:
        raise InvalidInput(faulty.problems) from faulty


@transaction.atomic
def draft_scheme(*, content: dict, note: str, by: Account) -> TieringScheme:
    """Begin the next version of the scheme.

    note  what differs from the one before, and why
    """
    check_may(by, Permission.KEEP_SCHEMES)
    _check_note(note)
    scheme = TieringScheme.objects.create(
        number=(TieringScheme.objects.aggregate(last=Max("number"))["last"] or 0) + 1,
        name=checked(content).name,
        content=content,
        note=note,
        drafted_by=by.person,
    )
    data = {"number": scheme.number, "name": scheme.name, "note": note}
    record(events.SCHEME_DRAFTED, subject=scheme, by=by, data=data)
    return scheme


@transaction.atomic
def edit_scheme(*, scheme: TieringScheme, content: dict, note: str, by: Account) -> TieringScheme:
    """Change a draft; a proposal to publish it as it was is overtaken by that."""
    scheme = TieringScheme.objects.select_for_update().get(pk=scheme.pk)
    check_may(by, Permission.KEEP_SCHEMES)
    policies.check_draft(scheme)
    _check_note(note)
    scheme.name, scheme.content, scheme.note = checked(content).name, content, note
    scheme.save(update_fields=["name", "content", "note"])
    data = {"number": scheme.number, "name": scheme.name, "note": note}
    record(events.SCHEME_EDITED, subject=scheme, by=by, data=data)
    return scheme


@transaction.atomic
def discard_scheme(*, scheme: TieringScheme, reason: str, by: Account) -> TieringScheme:
    """Give a draft up; the record stays."""
    scheme = TieringScheme.objects.select_for_update().get(pk=scheme.pk)
    check_may(by, Permission.KEEP_SCHEMES)
    policies.check_draft(scheme)
    check_reason(reason)
    scheme.state = TieringScheme.State.DISCARDED
    scheme.save(update_fields=["state"])
    record(events.SCHEME_DISCARDED, subject=scheme, by=by, data={"number": scheme.number, "reason": reason})
    return scheme


@transaction.atomic
def propose_scheme(*, scheme: TieringScheme, reason: str, by: Account) -> Proposal:
    """Ask that a draft come into force as it stands now; another officer, who did not draft it, decides."""
    scheme = TieringScheme.objects.select_related("drafted_by").get(pk=scheme.pk)
    check_may(by, Permission.KEEP_SCHEMES)
    policies.check_draft(scheme)
    effect = effect_on_book(scheme=scheme)
    return propose(
        kind=PUBLISH_SCHEME,
        subject=scheme,
        trail=scheme,
        change={"number": scheme.number, "moved": effect.moved, "lacking": effect.lacking, "rated": effect.rated},
        what=f"Tiering scheme no. {scheme.number} in force, {effect.moved} of {effect.rated} models to another tier",
        reason=reason,
        conflicts=[(scheme.drafted_by, Conflict.Why.BUILT)],
        by=by,
    )


@transaction.atomic
def decide_scheme(*, proposal: Proposal, accept: bool, reason: str, by: Account) -> Proposal:
    """Decide on a scheme; an accepted one is in force, and the book rated by it, when the transaction commits."""
    check_may(by, Permission.KEEP_SCHEMES)
    # In the order of their keys, for every decision: so nobody rates a model meanwhile, and no two publish.
    list(TieringScheme.objects.select_for_update().filter(state__in=["draft", "published"]).order_by("pk"))
    proposal = decide(proposal=proposal, kind=PUBLISH_SCHEME, accept=accept, reason=reason, by=by)
    if proposal.state == Proposal.State.ACCEPTED:
        publish_scheme(proposal=proposal, by=by)
        mark_applied(proposal=proposal, by=by)
    return proposal


@transaction.atomic
def publish_scheme(*, proposal: Proposal, by: Account) -> TieringScheme:
    """Put the scheme of an accepted proposal in force, in place of the one that is, and rate the book by it."""
    check_may(by, Permission.KEEP_SCHEMES)
    scheme = TieringScheme.objects.select_for_update().get(pk=key_of(proposal.subject))
    policies.check_draft(scheme)
    before = TieringScheme.objects.in_force().select_for_update().first()
    if before:
        before.state = TieringScheme.State.SUPERSEDED
        before.save(update_fields=["state"])
    scheme.state = TieringScheme.State.PUBLISHED
    scheme.published_at, scheme.published_by = timezone.now(), by.person
    scheme.save(update_fields=["state", "published_at", "published_by"])
    effect, changed = _rate_book(scheme, by)
    record(
        events.SCHEME_PUBLISHED,
        subject=scheme,
        trails=[*([before] if before else []), *(line.model for line in effect.lines if line.rating.tier)],
        rows=[*([before] if before else []), *changed],
        by=by,
        data={
            "number": scheme.number,
            "before": before.number if before else "none",
            "rated": effect.rated,
            "moved": effect.moved,
            "moves": effect.moves_in_words,
            "lacking": effect.lacking,
        },
    )
    return scheme


def _rate_book(scheme: TieringScheme, by: Account) -> tuple[BookEffect, list[models.Model]]:
    """Rate every model by its answers; one that lacks an answer keeps its tier, under the scheme that gave it.

    Returns (effect, every row that changed).
    """
    list(Model.objects.select_for_update().exclude(stage=Model.Stage.RETIRED).order_by("pk").values_list("pk"))
    effect = effect_on_book(scheme=scheme)
    rated = [line for line in effect.lines if line.rating.tier is not None]
    now = timezone.now()
    Assessment.objects.filter(pk__in=[line.assessment.pk for line in rated]).update(
        superseded_at=now, superseded_by=by.person
    )
    ended = [line.override for line in rated if line.ends_override]
    keys = [override.pk for override in ended]
    TierOverride.objects.filter(pk__in=keys).update(end=TierOverride.End.RATED_ANEW, ended_at=now, ended_by=by.person)
    assessments = [_assessment_under(scheme, line, by) for line in rated]
    Assessment.objects.bulk_create(assessments, batch_size=1_000)
    for tier in {line.after for line in effect.moving}:
        Model.objects.filter(pk__in=[line.model.pk for line in effect.moving if line.after == tier]).update(tier=tier)
    _say_in_lists(scheme, rated, assessments)
    moved = [line.model for line in effect.moving]
    return effect, [*(line.assessment for line in rated), *assessments, *ended, *moved]


def _assessment_under(scheme: TieringScheme, line: Line, by: Account) -> Assessment:
    """The same answers under another scheme. What was confirmed or challenged stays so where the tier did not move."""
    before = line.assessment
    assessment = unsaved_assessment(
        model=line.model,
        scheme=scheme,
        rating=line.rating,
        answers=before.answers,
        exposure=before.exposure,
        rated_by=by.person,
        answered_at=before.answered_at,
        answered_by=before.answered_by,
    )
    if before.tier == assessment.tier:
        for name in ("state", "judged_at", "judged_by_id", "judgement"):
            setattr(assessment, name, getattr(before, name))
    return assessment


def _say_in_lists(scheme: TieringScheme, lines: list[Line], assessments: list[Assessment]) -> None:
    read = read_scheme(scheme.content)
    standings = Standing.objects.select_for_update().in_bulk([line.model.pk for line in lines])
    marks: dict[int, list[ReviewMark]] = {}
    for mark in ReviewMark.objects.open().filter(model__in=standings).order_by("due_on", "pk"):
        marks.setdefault(mark.model_id, []).append(mark)
    for line, assessment in zip(lines, assessments, strict=True):
        review = review_of(assessment, line.after, read, marks.get(line.model.pk, []))
        for name, value in (standing_of(assessment) | review).items():
            setattr(standings[line.model.pk], name, value)
    Standing.objects.bulk_update(standings.values(), [*PARTS["tiering"], *PARTS["reviews"]], batch_size=1_000)


def _check_note(note: str) -> None:
    if not note.strip():
        raise InvalidInput({"note": "Say what differs from the scheme before, and why; it is part of the record."})
