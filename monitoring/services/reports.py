"""Evidently reports of a window, and asking again for whatever the `ml` queue makes of one."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account
from accounts.refusals import NotNow
from audit import effects
from audit.services import attach, record
from inventory.permissions import check_can_monitor
from jobs.models import Job
from jobs.services import effects_of, finish, refuse, report_progress, retry
from monitoring import events
from monitoring.measures.digests import code_version
from monitoring.measures.samples import coarsened, digest_of
from monitoring.models import Window
from monitoring.services.definitions import spec_of
from monitoring.services.profiles import samples_of
from sandbox.evidently_report import ReportFiles, ReportRefused, evidently_report
from sandbox.outcomes import SandboxUnavailable


def window_of(job: Job) -> Window:
    """The window that a job makes a report of."""
    windows = Window.objects.select_related("monitor__model__unit", "monitor__version", "run__reference")
    return windows.get(pk=job.arguments["window_id"])


def report_window(*, window: Window, job: Job) -> None:
    """An Evidently report of the window against the reference, on the same sample that SHAP uses, in coarser values."""
    spec = spec_of(window.monitor)
    current, reference = samples_of(window)
    report_progress(job=job, done=0, total=1, step="Evidently compares window and reference")
    shown = coarsened(current, reference, numbers=(*spec.numbers, spec.score), categories=spec.categories)
    try:
        report = evidently_report(
            *shown,
            numeric=spec.numbers,
            categorical=spec.categories,
            score=spec.score,
        )
    except (ReportRefused, SandboxUnavailable) as refusal:
        refuse_report(window=window, reason=str(refusal), job=job)
        return
    store_report(window=window, report=report, sample_digest=digest_of(current), job=job)


def store_report(*, window: Window, report: ReportFiles, sample_digest: str, job: Job) -> None:
    """File an Evidently report, page and figures, on the window."""
    inputs = {"sample": sample_digest, "window": window.state_sha256, "reference": window.run.reference.sha256}
    files = {
        "evidently page": (report.html, "text/html", "html"),
        "evidently figures": (report.json, "application/json", "json"),
    }
    digests = {role: effects.keep([content])[0] for role, (content, _, _) in files.items()}
    with effects_of(job):
        filed = [
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
            for role, (_, media_type, ending) in files.items()
        ]
        record(
            events.REPORT_FILED,
            subject=window,
            trails=[window.monitor.model],
            rows=filed,
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


@transaction.atomic
def retry_report(*, window: Window, job: Job, by: Account) -> None:
    """Ask again for a report that failed, was refused or was cancelled."""
    check_can_monitor(by, window.monitor.model)
    if not job.is_retryable:
        raise NotNow(f"This report is {job.get_state_display().lower()}; there is nothing to ask again.")
    retry(job=job, by=by)
    record(
        events.REPORT_ASKED_AGAIN,
        subject=window,
        trails=[window.monitor.model],
        by=by,
        data={"window": window.label, "task": job.task},
    )
