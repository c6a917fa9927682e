"""Verbs on a model's versions, and on the digests of their artefacts."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.policies import check_reason
from accounts.refusals import NotNow
from audit.services import record
from inventory import events, permissions, policies
from inventory.models import Model, ModelVersion
from inventory.refusals import DiffersFromRegistered
from inventory.services.standing import lock_standing, set_standing
from jobs.models import Job
from jobs.services import effects_of, enqueue, finish

COMPUTE_DIGEST = "inventory.compute_digest"


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
    set_standing(model=model, part="inventory", latest_version=label, latest_digest_state=version.digest_state)
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
    _say_state(version)
    record(events.DIGEST_RETRIED, subject=version, trails=[version.model], by=by, data={"label": version.label})
    return _compute_digest(version, by)


@transaction.atomic
def classify_change(*, version: ModelVersion, change_class: str, reason: str, by: Account) -> ModelVersion:
    """Say how much a version changes against the one before it; later it may turn out to be more, never less."""
    version = ModelVersion.objects.select_for_update(of=("self",)).select_related("model__unit").get(pk=version.pk)
    change_class = ModelVersion.ChangeClass(change_class)
    permissions.check_can_edit(by, version.model)
    policies.check_not_retired(version.model)
    policies.check_change_class(version, change_class)
    check_reason(reason)
    version.change_class, version.change_reason = change_class, reason
    version.classified_at, version.classified_by = timezone.now(), by.person
    version.save(update_fields=["change_class", "change_reason", "classified_at", "classified_by"])
    record(
        events.CHANGE_CLASSIFIED,
        subject=version,
        trails=[version.model],
        by=by,
        data={"label": version.label, "change_class": change_class.label, "reason": reason},
    )
    return version


def _compute_digest(version: ModelVersion, by: Account, *, key: str | None = None) -> Job:
    return enqueue(task=COMPUTE_DIGEST, arguments={"version_id": version.pk}, queue=Job.Queue.ML, key=key, by=by)


def _say_state(version: ModelVersion) -> None:
    """Let the model's standing show what the newest version's artefact was found to be."""
    if lock_standing(model=version.model).latest_version == version.label:
        set_standing(model=version.model, part="inventory", latest_digest_state=version.digest_state)


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
        _say_state(version)
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
        _say_state(version)
        record(
            events.DIGEST_FAILED,
            subject=version,
            trails=[version.model],
            by=None,
            data={"label": version.label, "reason": reason},
        )
        finish(job=job, message=reason)
