import tempfile
from dataclasses import asdict
from pathlib import Path

from django.http import QueryDict

from inventory import services
from inventory.effects import ArtefactUnavailable, MlflowServer
from inventory.filters import models_asked_for
from inventory.models import ChangeSet, Export, ModelVersion
from inventory.services import (
    APPLY_CHANGES,
    COMPUTE_DIGEST,
    END_OVERRIDES,
    REMOVE_EXPIRED,
    WRITE_EXPORT,
    end_overrides,
    fail_digest,
    settle_digest,
)
from jobs.models import Job
from sandbox.model_card import ModelCard, ModelCardRefused, inspect_model
from sandbox.model_tree import ModelTreeRefused, model_tree
from worker.running import job_task


@job_task(COMPUTE_DIGEST)
def compute_digest(job: Job) -> None:
    """Fetch a version's artefact, digest it, read what it says of itself; never load it."""
    version = ModelVersion.objects.get(pk=job.arguments["version_id"])
    with tempfile.TemporaryDirectory(prefix="assay-artefact-") as folder:
        try:
            MlflowServer.configured().fetch(version.mlflow_uri, Path(folder))
            tree = model_tree(Path(folder))
            card = inspect_model(Path(folder))
        except (ArtefactUnavailable, ModelTreeRefused, ModelCardRefused) as refusal:
            fail_digest(version=version, reason=str(refusal), job=job)
            return
    settle_digest(
        version=version,
        digest=tree.digest,
        files=len(tree.files),
        size=tree.total_bytes,
        flavour=card.flavour,
        signature=_signature(card),
        is_loaded_by_code=card.loaded_by_code,
        job=job,
    )


def _signature(card: ModelCard) -> dict:
    """Names and types of what goes in and comes out, as JSON."""
    return {side: [asdict(column) for column in getattr(card, side)] for side in ("inputs", "outputs")}


@job_task(END_OVERRIDES)
def let_overrides_end(job: Job) -> None:
    """Let tiers whose override is past its last day fall back to the computed ones."""
    end_overrides(job=job)


@job_task(WRITE_EXPORT)
def write_export(job: Job) -> None:
    """Write a long list as a file, of the models that who asked may see now."""
    export = Export.objects.select_related("asked_by__person").get(pk=job.arguments["export_id"])
    query = QueryDict(export.query)
    services.write_export_of_job(
        export=export, models=models_asked_for(query, export.asked_by), columns=query.get("columns", ""), job=job
    )


@job_task(REMOVE_EXPIRED)
def remove_expired_exports(job: Job) -> None:
    services.remove_expired(job=job)


@job_task(APPLY_CHANGES)
def apply_changes(job: Job) -> None:
    change_set = ChangeSet.objects.select_related("asked_by__person").get(pk=job.arguments["change_set_id"])
    services.apply_changes_of_job(change_set=change_set, job=job)
