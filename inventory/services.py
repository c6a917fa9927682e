"""Verbs on models and their versions."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Person, Unit
from accounts.policies import check_reason
from accounts.refusals import InvalidInput, NotNow
from audit.reading import head_digest
from audit.services import record
from inventory import events, permissions, policies
from inventory.models import Access, Model, ModelVersion, Standing
from inventory.models.model import next_ref
from inventory.models.standing import PARTS
from inventory.refusals import ChangedSince, DiffersFromRegistered
from jobs.models import Job
from jobs.services import effects_of, enqueue, finish

COMPUTE_DIGEST = "inventory.compute_digest"
EDITABLE = ("name", "description", "purpose", "kind", "owner", "developer")


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
    _check_unchanged(model, expected_digest)
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown:
        raise InvalidInput(dict.fromkeys(unknown, "This field cannot be changed here."))
    moved = {field: value for field, value in changes.items() if getattr(model, field) != value}
    if not moved:
        return model
    words = [f"{field}: {getattr(model, field) or '–'} → {value or '–'}" for field, value in moved.items()]
    for field, value in moved.items():
        setattr(model, field, value)
    model.save(update_fields=list(moved))
    record(events.MODEL_EDITED, subject=model, by=by, data={"changes": "; ".join(words), "fields": sorted(moved)})
    return model


def _check_unchanged(model: Model, expected_digest: str) -> None:
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
        _check_unchanged(model, expected_digest)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; the reason is part of the record."})
    data = {"from": model.get_stage_display(), "to": stage.label, "reason": reason}
    model.stage = stage
    model.save(update_fields=["stage"])
    record(events.STAGE_MOVED, subject=model, by=by, data=data)
    return model


@transaction.atomic
def register_version(
    *,
    model: Model,
    label: str,
    mlflow_uri: str,
    claimed_digest: str = "",
    training_data_digest: str = "",
    notes: str = "",
    by: Account,
) -> tuple[ModelVersion, bool]:
    """Register a version; its digest is computed on the `ml` queue from the artefact itself.

    Returns (version, whether it is new). Raises DiffersFromRegistered where the label is known otherwise.
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    permissions.check_can_edit(by, model)
    wanted = {
        "mlflow_uri": mlflow_uri,
        "claimed_digest": claimed_digest,
        "training_data_digest": training_data_digest,
        "notes": notes,
    }
    known = model.versions.filter(label=label).first()
    if known:
        differing = [field for field, value in wanted.items() if getattr(known, field) != value]
        if differing:
            raise DiffersFromRegistered(f"{model.ref} {label}", differing)
        return known, False
    policies.check_not_retired(model)
    version = ModelVersion.objects.create(model=model, label=label, registered_by=by.person, **wanted)
    set_standing(model=model, part="inventory", latest_version=label)
    record(
        events.VERSION_REGISTERED,
        subject=version,
        trails=[model],
        by=by,
        data={"label": label, "mlflow_uri": mlflow_uri, "claimed_digest": claimed_digest or "none"},
    )
    _compute_digest(version, by, key=f"digest:{version.pk}")
    return version, True


@transaction.atomic
def retry_digest(*, version: ModelVersion, by: Account) -> Job:
    """Have the artefact fetched and digested again where it could not be read. Raises NotNow in any other state."""
    version = ModelVersion.objects.select_for_update(of=("self",)).select_related("model__unit").get(pk=version.pk)
    permissions.check_can_edit(by, version.model)
    policies.check_not_retired(version.model)
    if version.digest_state != ModelVersion.DigestState.FAILED:
        raise NotNow(
            f"The digest of {version.label} is {version.get_digest_state_display().lower()};"
            " only one that could not be computed can be asked for again."
        )
    version.digest_state, version.digest_note = ModelVersion.DigestState.PENDING, ""
    version.save(update_fields=["digest_state", "digest_note"])
    record(events.DIGEST_RETRIED, subject=version, trails=[version.model], by=by, data={"label": version.label})
    return _compute_digest(version, by)


def _compute_digest(version: ModelVersion, by: Account, *, key: str | None = None) -> Job:
    return enqueue(task=COMPUTE_DIGEST, arguments={"version_id": version.pk}, queue=Job.Queue.ML, key=key, by=by)


def settle_digest(
    *,
    version: ModelVersion,
    digest: str,
    files: int,
    size: int,
    flavour: str,
    signature: dict | None,
    is_loaded_by_code: bool,
    job: Job,
) -> ModelVersion:
    """Store what the artefact is. A digest that differs from the client's claim refuses the version for good."""
    with effects_of(job):
        version = ModelVersion.objects.select_for_update().select_related("model").get(pk=version.pk)
        matches = version.claimed_digest in ("", digest)
        version.digest = digest
        version.digest_state = ModelVersion.DigestState.VERIFIED if matches else ModelVersion.DigestState.MISMATCH
        version.digest_note = (
            ""
            if matches
            else (
                f"The client said {version.claimed_digest}; the artefact at {version.mlflow_uri} is {digest}."
                " Register the version again from the right artefact, under a new label."
            )
        )
        version.flavour, version.signature = flavour, signature
        version.artefact_bytes, version.is_loaded_by_code = size, is_loaded_by_code
        version.save(
            update_fields=[
                "digest",
                "digest_state",
                "digest_note",
                "flavour",
                "signature",
                "artefact_bytes",
                "is_loaded_by_code",
            ]
        )
        data = {"label": version.label, "digest": digest, "files": files, "size": size, "flavour": flavour}
        if matches:
            record(events.DIGEST_VERIFIED, subject=version, trails=[version.model], by=None, data=data)
        else:
            record(
                events.DIGEST_MISMATCH,
                subject=version,
                trails=[version.model],
                by=None,
                data=data | {"claimed": version.claimed_digest},
            )
        finish(job=job, message=version.digest_note or f"Model digest {digest}")
    return version


def fail_digest(*, version: ModelVersion, reason: str, job: Job) -> None:
    """The artefact cannot be had or read; the reason says why and what to do."""
    with effects_of(job):
        version = ModelVersion.objects.select_for_update().select_related("model").get(pk=version.pk)
        version.digest_state, version.digest_note = ModelVersion.DigestState.FAILED, reason
        version.save(update_fields=["digest_state", "digest_note"])
        record(
            events.DIGEST_FAILED,
            subject=version,
            trails=[version.model],
            by=None,
            data={"label": version.label, "reason": reason},
        )
        finish(job=job, message=reason)


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


def lock_standing(*, model: Model) -> Standing:
    """The model's standing, locked until the transaction ends.

    To be taken before what is set is computed: of two that compute at once, the later would miss what the earlier
    found, and set it back.
    """
    return Standing.objects.select_for_update().get(model=model)


@transaction.atomic
def set_standing(*, model: Model, part: str, **values) -> Standing:
    """Say how a model stands in the part of one app (models.standing.PARTS); since when the light shows follows.

    Raises ValueError for a column that is not of this part.
    """
    foreign = sorted(set(values) - set(PARTS.get(part, ())))
    if foreign:
        raise ValueError(f"{', '.join(foreign)} of a standing is not {part}'s to set")
    standing = Standing.objects.select_for_update().get(model=model)
    if values.get("light", standing.light) != standing.light:
        standing.light_since = timezone.now()
    for name, value in values.items():
        setattr(standing, name, value)
    standing.save(update_fields=[*values, "light_since"])
    return standing


def digest_of(record_: Model | ModelVersion) -> str:
    """Digest of a governed record as it stands now, in hex: its ETag."""
    return head_digest(record_)
