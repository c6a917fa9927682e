"""Verbs on the lines of the network: add one, and end it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.policies import check_reason
from accounts.refusals import NotNow
from audit.reading import subject_name
from audit.services import record
from inventory import events, permissions, policies
from inventory.models import Asset, Dependency, Model
from inventory.models.dependency import words_of


@transaction.atomic
def add_dependency(
    *, kind: str, source: Model | Asset, target: Model | Asset, note: str = "", by: Account
) -> tuple[Dependency, bool]:
    """Say that `source` feeds `target`, challenges it, and so on. The same line again is the same one.

    Returns (dependency, whether it is new). A line that closes a cycle is taken: the network shows it.
    """
    kind = Dependency.Kind(kind)
    permissions.check_can_connect(by, source, target)
    policies.check_ends(kind, source, target)
    ends = {_column("source", source): source, _column("target", target): target}
    known = Dependency.objects.in_force().filter(kind=kind, **ends).first()
    if known:
        return known, False
    trail = target if isinstance(target, Model) or isinstance(source, Asset) else source
    dependency = Dependency.objects.create(kind=kind, note=note, trail=subject_name(trail), added_by=by.person, **ends)
    record(
        events.DEPENDENCY_ADDED,
        subject=dependency,
        trails=[source, target],
        by=by,
        data={"source": words_of(source), "kind": kind.label.lower(), "target": words_of(target), "note": note},
    )
    return dependency, True


def _column(end: str, record_: Model | Asset) -> str:
    return f"{end}_{'model' if isinstance(record_, Model) else 'asset'}"


@transaction.atomic
def end_dependency(*, dependency: Dependency, reason: str, by: Account) -> Dependency:
    """Say that a line is no more; the record stays."""
    dependency = Dependency.objects.select_for_update().get(pk=dependency.pk)
    permissions.check_can_connect(by, dependency.source, dependency.target)
    check_reason(reason)
    if dependency.ended_at:
        raise NotNow("This dependency has ended already.")
    dependency.ended_at, dependency.ended_by = timezone.now(), by.person
    dependency.save(update_fields=["ended_at", "ended_by"])
    record(
        events.DEPENDENCY_ENDED,
        subject=dependency,
        trails=[dependency.source, dependency.target],
        by=by,
        data={
            "source": words_of(dependency.source),
            "kind": dependency.get_kind_display().lower(),
            "target": words_of(dependency.target),
            "reason": reason,
        },
    )
    return dependency
