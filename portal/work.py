"""Background work in words: what a job is about, where that stands, and who caused it."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from accounts.models import Account
from inventory.models import Model, ModelVersion
from inventory.services import APPLY_CHANGES, COMPUTE_DIGEST, REMOVE_EXPIRED, WRITE_EXPORT
from jobs.models import Job
from monitoring.models import Run, Window
from monitoring.services.exact import EXACT
from monitoring.services.runs import EXPLAIN, REPORT, RUN
from monitoring.views.addresses import page_of

KINDS = {
    RUN: "Run",
    EXACT: "Exact figures",
    EXPLAIN: "SHAP report",
    REPORT: "Evidently report",
    COMPUTE_DIGEST: "Digest of an artefact",
    APPLY_CHANGES: "Changes of many models",
    WRITE_EXPORT: "Export of models",
    REMOVE_EXPIRED: "Removal of old exports",
}


def in_words(jobs: Iterable[Job], account: Account) -> list[Job]:
    """Jobs, each with what, whose model and where; a model that the account may not see stays unnamed.

    Four queries, however many jobs.
    """
    jobs = list(jobs)
    runs = {run.job_id: run for run in Run.objects.filter(job__in=jobs).select_related("model")}
    windows = Window.objects.select_related("monitor__model", "run").in_bulk(_keys(jobs, "window_id"))
    versions = ModelVersion.objects.select_related("model").in_bulk(_keys(jobs, "version_id"))
    about = {
        job.pk: runs.get(job.pk)
        or windows.get(job.arguments.get("window_id"))
        or versions.get(job.arguments.get("version_id"))
        for job in jobs
    }
    models = {model_of(record).pk for record in about.values() if record}
    seen = set(Model.objects.visible_to(account).filter(pk__in=models).values_list("pk", flat=True))
    for job in jobs:
        _name(job, about[job.pk], seen)
    return jobs


def model_of(record: Run | Window | ModelVersion) -> Model:
    return record.monitor.model if isinstance(record, Window) else record.model


def _keys(jobs: list[Job], name: str) -> set[int]:
    return {job.arguments[name] for job in jobs if name in job.arguments}


def _name(job: Job, record: Run | Window | ModelVersion | None, seen: set[int]) -> None:
    job.shown_percent = min(job.percent, 99) if job.state == Job.State.RUNNING else job.percent
    job.what, job.url, job.model = KINDS.get(job.task, job.task), "", None
    job.asker = str(job.asked_by.person) if job.asked_by else "The schedule"
    if isinstance(record, Run):
        job.what = f"Run {record.ref}"
    if isinstance(record, Window) and not job.asked_by:
        job.asker = record.run.ref
    if record is None or model_of(record).pk not in seen:
        return
    job.model, job.url = model_of(record), _address(record)
    if isinstance(record, Window):
        job.what = f"{job.what}, {record.label}"
    if isinstance(record, ModelVersion):
        job.what = f"Digest of {record.label}"


def _address(record: Run | Window | ModelVersion) -> str:
    if isinstance(record, Run):
        return reverse("run", args=[record.pk])
    return page_of(record) if isinstance(record, Window) else reverse("model-versions", args=[record.model.ref])
