"""Give a person one model of another unit, and end that."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Person
from accounts.policies import check_reason
from accounts.refusals import InvalidInput, NotNow
from audit.services import record
from inventory import events, permissions
from inventory.models import Access, Model


@transaction.atomic
def give_access(*, model: Model, person: Person, why: str, until: date | None = None, by: Account) -> Access:
    """Let a person see one model beside those of the own units, where the person's roles reach assigned models.

    Called by the app that assigns people, which checks first that `by` may assign them.
    until  the last day; None: until it is ended
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    permissions.check_can_give_access(by, model, person)
    if model.accesses.in_force().filter(person=person, why=why).exists():
        raise NotNow(f"{person} has access to {model.ref} for this already.")
    access = Access.objects.create(model=model, person=person, why=why, until=until, granted_by=by.person)
    if not Access.objects.in_force().filter(pk=access.pk).exists():
        raise InvalidInput({"until": f"The last day must be ahead, got {until:%d %b %Y}."})
    record(
        events.ACCESS_GIVEN,
        subject=access,
        trails=[model, person],
        by=by,
        data={"hr_number": person.hr_number, "ref": model.ref, "why": why, "until": until or "it is ended"},
    )
    return access


@transaction.atomic
def end_access(*, access: Access, reason: str, by: Account) -> None:
    """End an access from now on; the person's next request feels it."""
    access = Access.objects.select_for_update(of=("self",)).select_related("model__unit", "person").get(pk=access.pk)
    permissions.check_can_see(by, access.model)
    check_reason(reason)
    if access.ended_at:
        raise NotNow("This access has ended already.")
    access.ended_at, access.ended_by = timezone.now(), by.person
    access.save(update_fields=["ended_at", "ended_by"])
    record(
        events.ACCESS_ENDED,
        subject=access,
        trails=[access.model, access.person],
        by=by,
        data={"hr_number": access.person.hr_number, "ref": access.model.ref, "why": access.why, "reason": reason},
    )
