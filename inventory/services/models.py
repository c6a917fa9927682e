"""Verbs on a model's record: register it, edit it, move it to its next stage."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Person, Unit
from accounts.refusals import InvalidInput
from audit.reading import head_digest
from audit.services import record, record_each
from inventory import events, permissions, policies
from inventory.models import Model, ModelVersion, Standing
from inventory.models.model import next_ref, next_refs
from inventory.refusals import ChangedSince, DiffersFromRegistered

EDITABLE = ("name", "description", "purpose", "kind", "owner", "developer", "tags")
BATCH = 1_000  # rows of one statement


@transaction.atomic
def register_model(
    *,
    external_id: str,
    name: str,
    kind: str,
    unit: Unit,
    owner: Person,
    developer: Person | None = None,
    description: str = "",
    purpose: str = "",
    tags: Sequence[str] = (),
    by: Account,
) -> tuple[Model, bool]:
    """Register a model; the same external id again is the same model. Returns (model, whether it is new).

    Raises DiffersFromRegistered where the id is known with other content, InvalidInput for one without an address.
    """
    permissions.check_can_register(by, unit, owner.pk, developer.pk if developer else None)
    wanted = {
        "name": name,
        "kind": kind,
        "unit": unit,
        "owner": owner,
        "developer": developer,
        "description": description,
        "purpose": purpose,
        "tags": list(tags),
    }
    known = Model.objects.filter(external_id=external_id).first()
    if known:
        return _same(known, wanted, by), False
    policies.check_external_id(external_id)
    model, is_new = Model.objects.get_or_create(
        external_id=external_id,
        defaults=wanted | {"ref": next_ref(timezone.now().year), "registered_by": by.person},
    )
    if not is_new:
        return _same(model, wanted, by), False
    Standing.objects.create(model=model)
    record(
        events.MODEL_REGISTERED,
        subject=model,
        by=by,
        data={"ref": model.ref, "name": name, "kind": model.get_kind_display(), "external_id": external_id},
    )
    return model, True


@transaction.atomic
def register_together(*, wanted: list[dict], by: Account) -> list[Model]:
    """Register many models whose external ids are not known yet; each is announced by itself.

    wanted  the arguments of `register_model` for each
    """
    for each in wanted:
        developer = each.get("developer")
        permissions.check_can_register(by, each["unit"], each["owner"].pk, developer.pk if developer else None)
        policies.check_external_id(each["external_id"])
    refs = next_refs(timezone.now().year, len(wanted))
    models = Model.objects.bulk_create(
        [Model(ref=ref, registered_by=by.person, **each) for ref, each in zip(refs, wanted, strict=True)],
        batch_size=BATCH,
    )
    Standing.objects.bulk_create([Standing(model=model) for model in models], batch_size=BATCH)
    told = [
        (
            model,
            {"ref": model.ref, "name": model.name, "kind": model.get_kind_display(), "external_id": model.external_id},
        )
        for model in models
    ]
    record_each(events.MODEL_REGISTERED, told, by=by)
    return models


def _same(model: Model, wanted: dict, by: Account) -> Model:
    """The known model, where what was sent says the same of it and the sender may see it."""
    permissions.check_can_edit(by, model)
    differing = [field for field, value in wanted.items() if getattr(model, field) != value]
    if differing:
        raise DiffersFromRegistered(model.ref, differing)
    return model


@transaction.atomic
def edit_model(*, model: Model, changes: dict, expected_digest: str, by: Account) -> Model:
    """Change fields of a model that still is what the editor read.

    expected_digest  digest of the record as the editor read it; raises ChangedSince where it moved
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    permissions.check_can_edit(by, model)
    policies.check_not_retired(model)
    check_unchanged(model, expected_digest)
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown:
        raise InvalidInput(dict.fromkeys(unknown, "This field cannot be changed here."))
    return _edit(model, changes, by)


@transaction.atomic
def edit_together(*, changes: list[tuple[Model, dict]], by: Account) -> None:
    """Change many models that the caller holds locked, and has found to be as they were read; each is announced."""
    for model, wanted in changes:
        permissions.check_can_edit(by, model)
        policies.check_not_retired(model)
        _edit(model, wanted, by)


def _edit(model: Model, changes: dict, by: Account) -> Model:
    moved = {field: value for field, value in changes.items() if getattr(model, field) != value}
    if not moved:
        return model
    words = [f"{field}: {_said(getattr(model, field))} → {_said(value)}" for field, value in moved.items()]
    for field, value in moved.items():
        setattr(model, field, value)
    model.save(update_fields=list(moved))
    record(events.MODEL_EDITED, subject=model, by=by, data={"changes": "; ".join(words), "fields": sorted(moved)})
    return model


def _said(value: object) -> str:
    return str((", ".join(value) if isinstance(value, list) else value) or "–")


def check_unchanged(model: Model, expected_digest: str) -> None:
    if digest_of(model) != expected_digest:
        raise ChangedSince(f"{model.ref} was changed since you read it. Read it again, then repeat your change.")


@transaction.atomic
def move_stage(*, model: Model, stage: str, reason: str, expected_digest: str | None = None, by: Account) -> Model:
    """Move a model to its next stage; a retired one is read-only from then on.

    expected_digest  digest of the record as the mover read it, where it was read; raises ChangedSince where it moved
    Raises NotPermitted where the bank would rely on it more and the mover built or owns it.
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    stage = Model.Stage(stage)
    permissions.check_can_move(by, model, stage)
    policies.check_step(model, stage)
    if expected_digest is not None:
        check_unchanged(model, expected_digest)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; the reason is part of the record."})
    data = {"from": model.get_stage_display(), "to": stage.label, "reason": reason}
    model.stage = stage
    model.save(update_fields=["stage"])
    record(events.STAGE_MOVED, subject=model, by=by, data=data)
    return model


def digest_of(record_: Model | ModelVersion) -> str:
    """Digest of a governed record as it stands now, in hex: its ETag."""
    return head_digest(record_)
