"""SHAP values of a window: computed in the sandbox from the registered artefact, checked and filed."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from django.conf import settings

from audit import effects
from audit.services import Retention, attach, record
from inventory.effects import ArtefactUnavailable, MlflowAway, MlflowServer
from inventory.models import ModelVersion
from jobs.models import Job
from jobs.refusals import JobRefused
from jobs.services import effects_of, finish, refuse, report_progress
from monitoring import events
from monitoring.measures.digests import code_version
from monitoring.measures.samples import as_the_model_takes, bins_of, digest_of
from monitoring.measures.windows import labels_of
from monitoring.models import Breach, Explanation, Monitor, Window
from monitoring.services.definitions import spec_of
from monitoring.services.profiles import load_reference, samples_of
from monitoring.services.standing import move_standing
from sandbox.explain import ExplanationRefused, explain
from sandbox.explanation import ExplanationTarget, ShapValues, global_importance, importance_change, reason_codes
from sandbox.outcomes import SandboxUnavailable

MISMATCHES_KEPT = 20
DIGITS = 3  # of what is kept for good of single rows
BUDGET_SECONDS = 240


def explain_window(*, window: Window, job: Job) -> None:
    """SHAP values of a sample of the window, in the sandbox, from the registered artefact.

    Raises JobRefused where there is nothing to explain any more, MlflowAway where asking again may help.
    """
    if hasattr(window, "explanation"):
        raise JobRefused(f"{window.label}, revision {window.revision}, is explained already.")
    try:
        with tempfile.TemporaryDirectory(prefix="assay-artefact-") as folder:
            report_progress(job=job, done=0, total=3, step="Fetching the model")
            MlflowServer.configured().fetch(window.monitor.version.mlflow_uri, Path(folder))
            _explain(window, Path(folder), job)
    except MlflowAway:
        raise
    except (ArtefactUnavailable, ExplanationRefused, SandboxUnavailable) as refusal:
        refuse_explanation(window=window, reason=str(refusal), job=job)


def check_verified(version: ModelVersion) -> None:
    """Raises ArtefactUnavailable unless the portal itself found the artefact to be the one that was registered."""
    if version.digest_state != ModelVersion.DigestState.VERIFIED:
        what_next = version.digest_note or "Wait until its digest is computed, then ask for this report again."
        state = version.get_digest_state_display().lower()
        raise ArtefactUnavailable(
            f"The artefact of {version} is not verified ({state}), so the model is not loaded. {what_next}"
        )


def _explain(window: Window, folder: Path, job: Job) -> None:
    monitor = window.monitor
    check_verified(monitor.version)
    logged, reference_rows = samples_of(window)
    signature = monitor.version.signature
    current, background = (as_the_model_takes(table, signature) for table in (logged, reference_rows))
    shap_values = _in_the_sandbox(folder, monitor, background)
    reference_importance = known_reference_importance(window)
    if reference_importance is None:
        report_progress(job=job, done=1, total=3, step="Explaining the reference")
        reference_importance = global_importance(shap_values(background))
    report_progress(job=job, done=2, total=3, step=f"Explaining {window.label}")
    explained = shap_values(current)
    store_explanation(
        window=window,
        explained=explained,
        reference_importance=reference_importance,
        places=_places(logged.take(explained.rows), explained.features, window),
        sample_digest=digest_of(current),
        job=job,
    )


def _in_the_sandbox(folder: Path, monitor: Monitor, background: pa.Table) -> Callable[[pa.Table], ShapValues]:
    """The model in `folder`, explained on any sample against the background."""
    spec = spec_of(monitor)
    features = [feature.name for feature in spec.features]

    def shap_values(table: pa.Table) -> ShapValues:
        return explain(
            folder,
            sample=table.select(features),
            logged_scores=table.column(spec.score).to_numpy().astype(float),
            row_ids=table.column(spec.row_id).to_pylist(),
            background=background.select(features),
            target=ExplanationTarget(**monitor.explained),
            seed=_seed_of(monitor),
            budget_seconds=BUDGET_SECONDS,
            expected_digest=monitor.version.digest,
        )

    return shap_values


def _seed_of(monitor: Monitor) -> int:
    """Of the explainer's own draws, which reports tell; the key of the samples does not follow from it."""
    return int.from_bytes(hashlib.sha256(f"assay-explainer-seed-v1 {monitor.seed}".encode()).digest()[:4]) >> 1


def known_reference_importance(window: Window) -> dict[str, float] | None:
    """Importance over the reference sample, where an earlier explanation of the same version computed it."""
    earlier = Explanation.objects.filter(reference=window.run.reference, version=window.monitor.version).first()
    return earlier.reference_importance if earlier else None


def store_explanation(
    *,
    window: Window,
    explained: ShapValues,
    reference_importance: dict[str, float],
    places: Places,
    sample_digest: str,
    job: Job,
) -> Explanation:
    """File the SHAP report: its numbers by digest, its summary as a row, its entry on the model's trail.

    Kept for good is what no row can be put together from; the rows themselves are of limited retention.
    """
    model, version = window.monitor.model, window.monitor.version
    sha256, _ = effects.keep([_report_of(explained, places)])
    rows_sha256, _ = effects.keep([_rows_of(explained)])
    importance = global_importance(explained)
    rescoring = explained.rescoring
    with effects_of(job):
        explanation = Explanation.objects.create(
            model=model,
            window=window,
            version=version,
            job=job,
            reference=window.run.reference,
            method=explained.method,
            detail=explained.detail,
            rows=len(explained.rows),
            seed=explained.seed,
            scale=explained.target.link,
            importance=importance,
            reference_importance=reference_importance,
            importance_change=importance_change(importance, reference_importance),
            reason_codes=_codes_in_ranges(explained, places),
            additivity_error=explained.additivity_error,
            rescored_rows=rescoring.compared,
            rescored_unequal=len(rescoring.mismatching),
            rescoring_largest_difference=rescoring.largest_difference,
            mismatching_rows=[salted(row) for row in rescoring.mismatching[:MISMATCHES_KEPT]],
            is_loaded_by_code=explained.loaded_by_code,
            libraries=dict(explained.versions),
        )
        inputs = {"model": version.digest, "sample": sample_digest, "window": window.state_sha256}
        filed = [
            attach(
                sha256=digest,
                media_type="application/x-npz",
                name=f"SHAP {'values' if role == 'shap report' else 'values by row'}, {window.label}",
                role=role,
                subject=explanation,
                trail=model,
                inputs=inputs,
                code_version=code_version(),
                how_to_repeat=f"Explain {window.label} again with seed {explained.seed}",
                retention=retention,
            )
            for role, digest, retention in (
                ("shap report", sha256, Retention.RECORD),
                ("shap rows", rows_sha256, Retention.SAMPLE),
            )
        ]
        record(
            events.EXPLAINED,
            subject=explanation,
            trails=[model],
            rows=filed,
            by=None,
            data={
                "window": window.label,
                "revision": window.revision,
                "method": explained.method,
                "rows": len(explained.rows),
                "strongest": next(iter(importance), "none"),
                "sha256": sha256,
                "rows_sha256": rows_sha256,
                "inputs": inputs,
                "seed": explained.seed,
                "additivity_error": explained.additivity_error,
                "code_version": code_version(),
                "versions": dict(explained.versions),
            },
        )
        if rescoring.mismatching:
            _report_mismatch(window, explained)
        move_standing(model=model)
        finish(job=job, message=f"{explained.method} on {len(explained.rows)} rows")
    return explanation


def refuse_explanation(*, window: Window, reason: str, job: Job) -> None:
    with effects_of(job):
        record(
            events.EXPLANATION_REFUSED,
            subject=window,
            trails=[window.monitor.model],
            by=None,
            data={"window": window.label, "reason": reason},
        )
        refuse(job=job, message=reason)


def salted(row_id: object) -> str:
    """A log's row id as people see it: it tells rows apart and names no customer."""
    return hmac.new(settings.SECRET_KEY.encode(), str(row_id).encode(), hashlib.sha256).hexdigest()[:12]


@dataclass(frozen=True)
class Places:
    """Where in the reference the explained rows lie: (k, p) places among the words of each feature's bins."""

    places: np.ndarray
    labels: dict[str, list[str]]

    def words(self, row: int, feature: int, name: str) -> str:
        return self.labels[name][self.places[row, feature]]


def _places(rows: pa.Table, features: Sequence[str], window: Window) -> Places:
    reference = load_reference(window.run.reference)
    return Places(bins_of(rows, features, reference), labels_of(reference))


def _codes_in_ranges(explained: ShapValues, places: Places) -> list[dict]:
    """Reason codes as they are kept: ranges for values, and no more digits than are shown, or a model whose
    contributions are multiples of its inputs would tell these again."""
    features = {name: place for place, name in enumerate(explained.features)}
    return [
        {
            "row": salted(codes.row_id),
            "score": round(codes.score, DIGITS),
            "reasons": [
                {
                    "feature": reason.feature,
                    "range": places.words(codes.row, features[reason.feature], reason.feature),
                    "contribution": round(reason.contribution, DIGITS),
                }
                for reason in codes.reasons
            ],
        }
        for codes in reason_codes(explained)
    ]


def _report_mismatch(window: Window, explained: ShapValues) -> None:
    """A model that does not give the logged scores any more is a breach, whatever the thresholds say."""
    rescoring = explained.rescoring
    known = Breach.objects.open().filter(
        window__monitor=window.monitor, window__start_on=window.start_on, metric="rescoring_mismatch"
    )
    breach = known.first() or Breach(model=window.monitor.model, metric="rescoring_mismatch", level=Breach.Level.BREACH)
    breach.window, breach.value = window, 1 - rescoring.equal_share
    breach.save()
    record(
        events.SCORES_DIFFER,
        subject=window,
        trails=[window.monitor.model],
        rows=[breach],
        by=None,
        data={
            "window": window.label,
            "unequal": len(rescoring.mismatching),
            "compared": rescoring.compared,
            "largest": rescoring.largest_difference,
            "tolerance": rescoring.tolerance,
        },
    )


def _report_of(explained: ShapValues, places: Places) -> bytes:
    """What the drawings need: of each feature its SHAP values with their bins, in an order of the feature's own.

    Since each column has another order, no two cells of a line belong to one customer.
    """
    order = np.lexsort((places.places, explained.shap_values), axis=0)
    return _as_npz(
        shap=np.take_along_axis(explained.shap_values, order, axis=0),
        bins=np.take_along_axis(places.places, order, axis=0),
        base=np.array([explained.base_value]),
        features=np.array(explained.features, dtype=str),
        labels=np.array([json.dumps(places.labels[name]) for name in explained.features], dtype=str),
    )


def _rows_of(explained: ShapValues) -> bytes:
    """Row by row, so that whoever repeats the explanation can compare, and see that contributions add up."""
    return _as_npz(
        shap=explained.shap_values,
        base=np.array([explained.base_value]),
        margins=explained.margins,
        scores=explained.scores,
        rows=explained.rows,
        features=np.array(explained.features, dtype=str),
    )


def _as_npz(**arrays: np.ndarray) -> bytes:
    """An .npz without objects."""
    sink = io.BytesIO()
    np.savez_compressed(sink, **arrays)
    return sink.getvalue()
