"""Tasks of monitoring: each loads what its job names and makes one call."""

from jobs.models import Job
from monitoring.models import ExactCheck
from monitoring.services import exact, explanations, reading, repeats, reports, rereading, runs
from worker.running import job_task


@job_task(runs.RUN)
def run_monitor(job: Job) -> None:
    run = runs.run_of(job)
    perform = repeats.perform_repeat if run.repeats else reading.perform_run
    perform(run=run, job=job)


@job_task(exact.EXACT)
def compute_exactly(job: Job) -> None:
    checks = ExactCheck.objects.select_related("model", "window__monitor__model__unit", "window__run__reference")
    rereading.perform_exact(check=checks.get(job=job), job=job)


@job_task(runs.EXPLAIN)
def explain_window(job: Job) -> None:
    explanations.explain_window(window=reports.window_of(job), job=job)


@job_task(runs.REPORT)
def report_window(job: Job) -> None:
    reports.report_window(window=reports.window_of(job), job=job)
