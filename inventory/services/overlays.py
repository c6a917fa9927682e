"""Verbs on an overlay: how large it is from when, and until when it goes on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import Account
from accounts.policies import check_reason
from audit.services import record
from inventory import events, permissions, policies
from inventory.models import Limitation, Model, Overlay, OverlayRenewal, OverlayValue
from inventory.models.limitation import MOST_RENEWALS


@transaction.atomic
def set_overlay_value(
    *, overlay: Overlay, value: Decimal, effective_on: date, reason: str, by: Account
) -> OverlayValue:
    """Say how large an overlay is from a day on; earlier values stay."""
    overlay = _locked(overlay)
    _check_can_change(by, overlay)
    check_reason(reason)
    stored = OverlayValue.objects.create(
        model=overlay.model, overlay=overlay, value=value, effective_on=effective_on, reason=reason, set_by=by.person
    )
    record(
        events.OVERLAY_VALUED,
        subject=overlay,
        trails=[overlay.model],
        rows=[stored],
        by=by,
        data={
            "ref": overlay.ref,
            "value": f"{value:f}",
            "unit": overlay.unit_words,
            "day": f"{effective_on:%d %b %Y}",
            "reason": reason,
        },
    )
    return stored


@transaction.atomic
def renew_overlay(*, overlay: Overlay, expires_on: date, reason: str, by: Account) -> OverlayRenewal:
    """Let an overlay go on until a later day. The third time for one limitation asks for a review of the model."""
    overlay = _locked(overlay)
    _check_can_change(by, overlay)
    check_reason(reason)
    policies.check_later(overlay.expires_on, expires_on)
    renewal = _renewal(overlay, overlay.expires_on, expires_on, reason, by)
    overlay.expires_on = expires_on
    overlay.save(update_fields=["expires_on"])
    _announce(overlay, renewal, by)
    return renewal


@transaction.atomic
def carry_on(*, overlay: Overlay, by: Account) -> OverlayRenewal | None:
    """Count a new overlay as a renewal where an earlier one for the same limitation has ended: it goes on under
    another number. None where there was none.
    """
    earlier = _ended_before(overlay)
    if earlier is None:
        return None
    renewal = _renewal(overlay, earlier.expires_on, overlay.expires_on, f"Follows {earlier.ref}", by)
    _announce(overlay, renewal, by)
    return renewal


def _ended_before(overlay: Overlay) -> Overlay | None:
    if overlay.limitation_id is None:
        return None
    others = Overlay.objects.filter(limitation=overlay.limitation_id).exclude(pk=overlay.pk)
    ended = [other for other in others if other.closed_at or other.expires_on < policies.today()]
    return max(
        (other for other in ended if other.expires_on < overlay.expires_on), key=lambda o: o.expires_on, default=None
    )


def _renewal(overlay: Overlay, from_on: date, until_on: date, reason: str, by: Account) -> OverlayRenewal:
    return OverlayRenewal.objects.create(
        model=overlay.model,
        overlay=overlay,
        limitation=overlay.limitation,
        from_on=from_on,
        until_on=until_on,
        reason=reason,
        renewed_by=by.person,
    )


def _announce(overlay: Overlay, renewal: OverlayRenewal, by: Account) -> None:
    record(
        events.OVERLAY_RENEWED,
        subject=overlay,
        trails=[overlay.model],
        rows=[renewal],
        by=by,
        data={
            "ref": overlay.ref,
            "until": f"{renewal.until_on:%d %b %Y}",
            "count": renewals_for(overlay),
            "reason": renewal.reason,
        },
    )
    if overlay.limitation:
        _ask_for_review(overlay.limitation, overlay.model, by)


def renewals_for(overlay: Overlay) -> int:
    """How often overlays for its limitation went on; of one without a limitation, how often it did itself."""
    if overlay.limitation_id:
        return OverlayRenewal.objects.filter(limitation=overlay.limitation_id).count()
    return overlay.renewals.count()


def _ask_for_review(limitation: Limitation, model: Model, by: Account) -> None:
    """Every third renewal asks anew: an outcome answers what had happened by then."""
    count = limitation.renewals.count()
    if count % MOST_RENEWALS:
        return
    limitation.review_asked_on, limitation.review_outcome = policies.today(), ""
    limitation.save(update_fields=["review_asked_on", "review_outcome"])
    record(
        events.REDEVELOPMENT_ASKED,
        subject=limitation,
        trails=[model],
        by=by,
        data={"ref": limitation.ref, "count": count, "words": limitation.words},
    )


def _locked(overlay: Overlay) -> Overlay:
    """The overlay as it stands, its model locked before it, so that renewals of one limitation are counted in turn."""
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=overlay.model_id)
    overlay = Overlay.objects.select_for_update(of=("self",)).select_related("limitation").get(pk=overlay.pk)
    overlay.model = model
    return overlay


def _check_can_change(by: Account, overlay: Overlay) -> None:
    permissions.check_can_edit(by, overlay.model)
    policies.check_not_retired(overlay.model)
    policies.check_not_closed(overlay)
