import tempfile
from dataclasses import asdict
from pathlib import Path

from inventory.effects import ArtefactUnavailable, MlflowServer
from inventory.models import ModelVersion
from inventory.services import COMPUTE_DIGEST, END_OVERRIDES, end_overrides, fail_digest, settle_digest
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
