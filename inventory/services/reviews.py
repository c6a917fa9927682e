"""What a change upstream asks of the models downstream: a mark each, a nearer review, and the owner's to-do.

There is no inbox yet: a mark stands on the owner's home page and in the head of the model's pages. Notices will take
the telling over, by mail and inbox, from the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.policies import check_reason
from accounts.refusals import NotNow
from audit.services import record
from inventory import events, permissions, policies
from inventory.measures.scheme import Scheme, read_scheme
from inventory.models import Assessment, Asset, Model, ReviewMark
from inventory.models.dependency import MODEL, downstream_of, node_of, words_of
from inventory.services.standing import set_standing

# By tier: within how many days a change upstream is looked into. Models without a tier wait as long as the last.
DAYS = {1: 30, 2: 60, 3: 90, 4: 90}
LONGEST = 90


@transaction.atomic
def note_material_change(*, upstream: Model | Asset, what: str, by: Account) -> list[ReviewMark]:
    """Say that a model or asset changed materially: everybody downstream is asked to look."""
    if isinstance(upstream, Model):
        permissions.check_can_edit(by, upstream)
    else:
        permissions.check_can_keep_assets(by)
    check_reason(what)
    return mark_downstream(upstream=upstream, cause=ReviewMark.Cause.MATERIAL_CHANGE, what=what, by=by)


@transaction.atomic
def mark_downstream(*, upstream: Model | Asset, cause: str, what: str, by: Account | None) -> list[ReviewMark]:
    """Mark the next review of every live model downstream; one that is marked for the same thing already is let be.

    Called where something upstream changed or went red, by whoever found it; None: by the portal itself.
    """
    cause, node = ReviewMark.Cause(cause), node_of(upstream)
    keys = [int(name[1:]) for name in downstream_of([node])[node] - {node} if name[0] == MODEL]
    ends = {"upstream_model" if isinstance(upstream, Model) else "upstream_asset": upstream}
    marked = ReviewMark.objects.open().filter(cause=cause, **ends).values("model")
    models = Model.objects.select_for_update(of=("self",)).filter(pk__in=keys).exclude(pk__in=marked)
    models = list(models.exclude(stage=Model.Stage.RETIRED).order_by("pk"))
    if not models:
        return []
    today = timezone.localdate()
    marks = [
        ReviewMark(
            model=model, cause=cause, what=what, due_on=today + timedelta(days=DAYS.get(model.tier, LONGEST)), **ends
        )
        for model in models
    ]
    ReviewMark.objects.bulk_create(marks)
    for model in models:
        move_review(model=model)
    record(
        events.REVIEWS_MARKED,
        subject=upstream,
        trails=models,
        rows=marks,
        by=by,
        data={"cause": cause.label, "upstream": words_of(upstream), "models": len(models), "what": what},
    )
    return marks


@transaction.atomic
def settle_review(*, mark: ReviewMark, outcome: str, by: Account) -> ReviewMark:
    """Say what looking found; the review is due again when the tier asks for it, or another mark does."""
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=mark.model_id)
    permissions.check_can_edit(by, model)
    policies.check_not_retired(model)
    check_reason(outcome)
    mark = ReviewMark.objects.select_for_update(of=("self",)).get(pk=mark.pk)
    if mark.settled_at:
        raise NotNow("Somebody said already what was found.")
    mark.settled_at, mark.settled_by, mark.outcome = timezone.now(), by.person, outcome
    mark.save(update_fields=["settled_at", "settled_by", "outcome"])
    move_review(model=model)
    record(
        events.REVIEW_SETTLED,
        subject=mark,
        trails=[model],
        by=by,
        data={"cause": mark.get_cause_display(), "upstream": mark.upstream, "outcome": outcome},
    )
    return mark


def move_review(*, model: Model) -> None:
    """Write into the model's row for lists when its next review is due, and what that is due to."""
    assessment = model.assessments.current().select_related("scheme").first()
    scheme = read_scheme(assessment.scheme.content) if assessment else None
    marks = list(model.review_marks.open().order_by("due_on", "pk"))
    set_standing(model=model, part="reviews", **review_of(assessment, model.tier, scheme, marks))


def review_of(
    assessment: Assessment | None, tier: int | None, scheme: Scheme | None, marks: Sequence[ReviewMark]
) -> dict:
    """The nearest of what the tier's policy asks, counted from when the answers were given, and of the open marks."""
    dues = [(mark.due_on, mark.get_cause_display()) for mark in marks]
    policy = scheme.policy(tier) if scheme else None
    if policy:  # there is none for an override to a tier that a later scheme does not have
        answered_on = timezone.localdate(assessment.answered_at)
        words = f"Tier {tier}: every {policy.review_months} months"
        dues.append((answered_on + relativedelta(months=policy.review_months), words))
    due_on, reason = min(dues, key=lambda due: due[0], default=(None, ""))
    return {"next_review_on": due_on, "review_reason": reason}
