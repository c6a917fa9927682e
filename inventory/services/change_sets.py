"""Change many models together: plan it, show it, and make exactly what was shown, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Person, Unit
from accounts.policies import check_reason
from accounts.refusals import InvalidInput
from audit.reading import subject_name
from audit.services import hold_heads, record
from inventory import events, permissions, policies
from inventory.models import ChangeRow, ChangeSet, Model
from inventory.refusals import ChangedSince
from inventory.services.change_rows import Row, plan_rows
from inventory.services.models import edit_together, register_together
from jobs.models import Job
from jobs.refusals import JobRefused
from jobs.services import effects_of, enqueue, finish
from web.refusals import Refusal

APPLY_CHANGES = "inventory.apply_changes"
MOST_ROWS = 20_000
MOST_AT_ONCE = 500  # rows that are applied while who asked waits
BATCH = 1_000
PEOPLE = ("owner", "developer")


@transaction.atomic
def plan_changes(
    *,
    kind: str,
    rows: Iterable[Row],
    reason: str = "",
    file_name: str = "",
    sha256: str = "",
    notes: Iterable[str] = (),
    by: Account,
) -> ChangeSet:
    """Keep what rows would change, for who asked to look at. Nothing else is written. Raises InvalidInput."""
    planned = plan_rows(_few_enough(rows), by)
    if not planned:
        raise InvalidInput({"file": "There is no row to change anything by."})
    change_set = ChangeSet.objects.create(
        asked_by=by,
        kind=kind,
        reason=reason,
        file_name=file_name[:200],
        sha256=sha256,
        notes=list(notes),
        counts=Counter(row.verb for row in planned),
    )
    for row in planned:
        row.change_set = change_set
    ChangeRow.objects.bulk_create(planned, batch_size=BATCH)
    return change_set


def _few_enough(rows: Iterable[Row]) -> list[Row]:
    taken = []
    for row in rows:
        taken.append(row)
        if len(taken) > MOST_ROWS:
            raise InvalidInput({"file": f"At most {MOST_ROWS:,} rows are taken together; send them in parts."})
    return taken


@transaction.atomic
def apply_changes(*, change_set: ChangeSet, skip_errors: bool = False, by: Account) -> ChangeSet:
    """Make every change that was shown, or none.

    Raises ChangedSince where a record is not any more what the change was compared with, NotNow for a set that has
    errors (unless they are skipped) or has ended.
    """
    change_set = ChangeSet.objects.select_for_update(of=("self",)).get(pk=change_set.pk)
    permissions.check_own_changes(by, change_set)
    policies.check_applicable(change_set, skip_errors=skip_errors)
    rows = list(change_set.rows.filter(verb__in=[ChangeRow.Verb.CREATE, ChangeRow.Verb.CHANGE]))
    named = _Named(rows)
    created = _create([row for row in rows if row.verb == ChangeRow.Verb.CREATE], named, by)
    changed = _change([row for row in rows if row.verb == ChangeRow.Verb.CHANGE], named, by)
    change_set.applied_at = timezone.now()
    change_set.save(update_fields=["applied_at"])
    record(
        events.CHANGES_APPLIED,
        subject=change_set,
        by=by,
        data={
            "kind": change_set.get_kind_display(),
            "created": created,
            "changed": changed,
            "reason": change_set.reason or change_set.file_name or "none given",
            "sha256": change_set.sha256 or "none",
        },
    )
    return change_set


class _Named:
    """Units and people that rows name, as they are now."""

    def __init__(self, rows: list[ChangeRow]):
        codes = {row.values["unit"] for row in rows if "unit" in row.values}
        numbers = {row.values[name] for row in rows for name in PEOPLE if row.values.get(name)}
        self.units = {unit.code: unit for unit in Unit.objects.filter(code__in=codes)}
        people = Person.objects.filter(hr_number__in=numbers).select_related("details")
        self.people = {person.hr_number: person for person in people}
        if left := sorted(person.hr_number for person in self.people.values() if not person.is_active):
            raise ChangedSince(f"{', '.join(left)} left the bank since this was shown. Name somebody who is there.")

    def values(self, row: ChangeRow) -> dict:
        """A row's values as a model has them."""
        values = dict(row.values)
        if "unit" in values:
            values["unit"] = self.units[values["unit"]]
        for name in PEOPLE:
            if values.get(name):
                values[name] = self.people[values[name]]
        return values


def _create(rows: list[ChangeRow], named: _Named, by: Account) -> int:
    known = set(
        Model.objects.filter(external_id__in=[row.external_id for row in rows]).values_list("external_id", flat=True)
    )
    if known:
        raise ChangedSince(f"Registered since this was shown: {_some(known)}. Plan the change again.")
    models = register_together(wanted=[{"external_id": row.external_id} | named.values(row) for row in rows], by=by)
    for row, model in zip(rows, models, strict=True):
        row.model = model
    ChangeRow.objects.bulk_update(rows, ["model"], batch_size=BATCH)
    return len(rows)


def _change(rows: list[ChangeRow], named: _Named, by: Account) -> int:
    models = Model.objects.select_for_update(of=("self",)).select_related(
        "unit", "owner__details", "developer__details"
    )
    found = {model.pk: model for model in models.filter(pk__in=[row.model_id for row in rows]).order_by("pk")}
    names = {row.pk: subject_name(found[row.model_id]) for row in rows}
    heads = hold_heads(names.values())
    moved = [found[row.model_id].ref for row in rows if heads.get(names[row.pk]) != row.digest]
    if moved:
        raise ChangedSince(f"Changed since this was shown: {_some(moved)}. Nothing was applied; plan the change again.")
    edit_together(changes=[(found[row.model_id], named.values(row)) for row in rows], by=by)
    return len(rows)


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


@transaction.atomic
def apply_later(*, change_set: ChangeSet, by: Account) -> ChangeSet:
    """Have a worker apply it; the set's page shows how far that is."""
    change_set = ChangeSet.objects.select_for_update(of=("self",)).get(pk=change_set.pk)
    permissions.check_own_changes(by, change_set)
    policies.check_applicable(change_set)
    change_set.job = enqueue(task=APPLY_CHANGES, arguments={"change_set_id": change_set.pk}, by=by)
    change_set.save(update_fields=["job"])
    return change_set


def apply_changes_of_job(*, change_set: ChangeSet, job: Job) -> None:
    """`apply_changes` for who asked, under a job's fence. A refusal ends the job with its sentence."""
    try:
        with effects_of(job):
            apply_changes(change_set=change_set, by=change_set.asked_by)
            finish(job=job, message=f"{change_set.to_do:,} models")
    except Refusal as refusal:
        raise JobRefused(str(refusal)) from refusal


@transaction.atomic
def discard_changes(*, change_set: ChangeSet, by: Account) -> ChangeSet:
    change_set = ChangeSet.objects.select_for_update(of=("self",)).get(pk=change_set.pk)
    permissions.check_own_changes(by, change_set)
    policies.check_open_changes(change_set)
    change_set.discarded_at = timezone.now()
    change_set.save(update_fields=["discarded_at"])
    return change_set


def plan_bulk_change(
    *,
    models: Iterable[Model],
    values: dict[str, object],
    add_tags: list[str],
    drop_tags: list[str],
    reason: str,
    by: Account,
) -> ChangeSet:
    """Plan the same change of many models. `values` are as a file would hold them."""
    check_reason(reason)
    if not (values or add_tags or drop_tags):
        raise InvalidInput({"change": "Say what is to change: an owner, a developer, a kind or tags."})
    rows = (
        Row(number, {"ref": model.ref} | values | _tags_of(model, add_tags, drop_tags))
        for number, model in enumerate(models, 1)
    )
    return plan_changes(kind=ChangeSet.Kind.BULK, rows=rows, reason=reason, by=by)


def _tags_of(model: Model, add: list[str], drop: list[str]) -> dict[str, list[str]]:
    if not (add or drop):
        return {}
    return {"tags": [tag for tag in dict.fromkeys([*model.tags, *add]) if tag not in drop]}
