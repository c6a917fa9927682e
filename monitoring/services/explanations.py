"""What the `ml` queue makes of a window: SHAP values from the sandbox, and an Evidently report."""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
from django.conf import settings

from audit import effects
from audit.services import attach, record
from engines.partition import PartitionProfile
from engines.sample import Sample
from jobs.models import Job
from jobs.services import effects_of, finish, refuse
from monitoring import events
from monitoring.measures.digests import code_version
from monitoring.models import Breach, Explanation, Reference, StoredProfile, Window
from monitoring.services.standing import move_standing
from sandbox.evidently_report import ReportFiles
from sandbox.explanation import ShapValues, global_importance, importance_change, reason_codes
from stats.reference import ReferenceProfile

MISMATCHES_KEPT = 20


def load_reference(reference: Reference) -> tuple[ReferenceProfile, Sample]:
    """The stored reference profile and its sample, by digest."""
    profile = ReferenceProfile.from_bytes(effects.path_of(reference.sha256).read_bytes())
    return profile, Sample.from_bytes(effects.path_of(reference.sample_sha256).read_bytes())


def profiles_of(window: Window) -> Iterator[PartitionProfile]:
    """The profiles that hold the window's days, of the run that measured it, in file order, one at a time."""
    run = window.run
    stored = StoredProfile.objects.holding_at(run.labels_as_of).filter(
        reference=run.reference, first_day__lte=window.end_on, last_day__gte=window.start_on
    )
    by_key = {row.key: row.sha256 for row in stored.order_by("pk") if run.inputs.get(row.key) == row.file_sha256}
    return (load_profile(by_key[key]) for key in run.inputs if key in by_key)


def load_profile(sha256: str) -> PartitionProfile:
    return PartitionProfile.from_bytes(effects.path_of(sha256).read_bytes())


def is_kept(sha256: str) -> bool:
    """Whether the file is there and is what its name says: one that was erased or altered is read anew."""
    path = effects.path_of(sha256)
    return path.exists() and effects.sha256_of(path) == sha256


def known_reference_importance(window: Window) -> dict[str, float] | None:
    """Importance over the reference sample, where an earlier explanation of the same version computed it."""
    earlier = Explanation.objects.filter(reference=window.run.reference, version=window.monitor.version).first()
    return earlier.reference_importance if earlier else None


def store_explanation(
    *,
    window: Window,
    explained: ShapValues,
    reference_importance: dict[str, float],
    feature_values: np.ndarray,
    sample_digest: str,
    job: Job,
) -> Explanation:
    """File the SHAP report: its numbers by digest, its summary as a row, its entry on the model's trail."""
    model, version = window.monitor.model, window.monitor.version
    sha256, _ = effects.keep([_as_npz(explained, feature_values)])
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
            reason_codes=[_salted_codes(codes) for codes in reason_codes(explained)],
            additivity_error=explained.additivity_error,
            rescored_rows=rescoring.compared,
            rescored_unequal=len(rescoring.mismatching),
            rescoring_largest_difference=rescoring.largest_difference,
            mismatching_rows=[salted(row) for row in rescoring.mismatching[:MISMATCHES_KEPT]],
            is_loaded_by_code=explained.loaded_by_code,
            libraries=dict(explained.versions),
        )
        inputs = {"model": version.digest, "sample": sample_digest, "window": window.state_sha256}
        attach(
            sha256=sha256,
            media_type="application/x-npz",
            name=f"SHAP values, {window.label}",
            role="shap report",
            subject=explanation,
            trail=model,
            inputs=inputs,
            code_version=code_version(),
            how_to_repeat=f"Explain {window.label} again with seed {explained.seed}",
        )
        record(
            events.EXPLAINED,
            subject=explanation,
            trails=[model],
            by=None,
            data={
                "window": window.label,
                "revision": window.revision,
                "method": explained.method,
                "rows": len(explained.rows),
                "strongest": next(iter(importance), "none"),
                "sha256": sha256,
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


def store_report(*, window: Window, report: ReportFiles, sample_digest: str, job: Job) -> None:
    """File an Evidently report, page and figures, on the window."""
    inputs = {"sample": sample_digest, "window": window.state_sha256, "reference": window.run.reference.sha256}
    files = {
        "evidently page": (report.html, "text/html", "html"),
        "evidently figures": (report.json, "application/json", "json"),
    }
    digests = {role: effects.keep([content])[0] for role, (content, _, _) in files.items()}
    with effects_of(job):
        for role, (_, media_type, ending) in files.items():
            attach(
                sha256=digests[role],
                media_type=media_type,
                name=f"evidently-{window.start_on}-rev{window.revision}.{ending}",
                role=role,
                subject=window,
                trail=window.monitor.model,
                inputs=inputs,
                code_version=f"{code_version()}, evidently {report.version}",
                how_to_repeat=f"Report {window.label} again",
            )
        record(
            events.REPORT_FILED,
            subject=window,
            trails=[window.monitor.model],
            by=None,
            data={
                "window": window.label,
                "version": report.version,
                "html_sha256": digests["evidently page"],
                "json_sha256": digests["evidently figures"],
                "inputs": inputs,
            },
        )
        finish(job=job, message=f"Evidently {report.version}")


def refuse_report(*, window: Window, reason: str, job: Job) -> None:
    with effects_of(job):
        record(
            events.REPORT_REFUSED,
            subject=window,
            trails=[window.monitor.model],
            by=None,
            data={"window": window.label, "reason": reason},
        )
        refuse(job=job, message=reason)


def salted(row_id: object) -> str:
    """A log's row id as people see it: it tells rows apart and names no customer."""
    return hmac.new(settings.SECRET_KEY.encode(), str(row_id).encode(), hashlib.sha256).hexdigest()[:12]


def _salted_codes(codes) -> dict:
    return {
        "row": salted(codes.row_id),
        "score": codes.score,
        "reasons": [asdict(reason) for reason in codes.reasons],
    }


def _report_mismatch(window: Window, explained: ShapValues) -> None:
    """A model that does not give the logged scores any more is a breach, whatever the thresholds say."""
    rescoring = explained.rescoring
    Breach.objects.create(
        model=window.monitor.model,
        window=window,
        threshold=None,
        metric="rescoring_mismatch",
        value=1 - rescoring.equal_share,
        level=Breach.Level.BREACH,
    )
    record(
        events.SCORES_DIFFER,
        subject=window,
        trails=[window.monitor.model],
        by=None,
        data={
            "window": window.label,
            "unequal": len(rescoring.mismatching),
            "compared": rescoring.compared,
            "largest": rescoring.largest_difference,
            "tolerance": rescoring.tolerance,
        },
    )


def _as_npz(explained: ShapValues, feature_values: np.ndarray) -> bytes:
    """The report's numbers as one .npz without objects: shap, base, margins, scores, values, features."""
    sink = io.BytesIO()
    np.savez_compressed(
        sink,
        shap=explained.shap_values,
        base=np.array([explained.base_value]),
        margins=explained.margins,
        scores=explained.scores,
        rows=explained.rows,
        values=feature_values,
        features=np.array(explained.features, dtype=str),
    )
    return sink.getvalue()
