"""Pages of runs: ask for one, watch its progress, see what it read and found, cancel and repeat it."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audit.reading import attachments_of
from inventory.permissions import can_monitor
from jobs.models import Job
from monitoring.models import Breach, Monitor, Run
from monitoring.services import runs
from monitoring.views import headlines
from monitoring.wording import refusal_said


@require_safe
def run(request: HttpRequest, number: int) -> HttpResponse:
    """One run: its progress while it runs, then what it read and found, and how to repeat it."""
    found = _run(request, number)
    if request.htmx and not request.htmx.boosted:
        return _progress(request, found)
    return render(request, "monitoring/run.html", _run_context(request, found))


def _progress(request: HttpRequest, found: Run) -> HttpResponse:
    """The fragment that asks for itself; once the run has ended, the page that holds it is to be read again."""
    answer = render(request, "monitoring/run.html#progress", _progress_context(request, found))
    if found.job.is_finished:
        answer["HX-Refresh"] = "true"
    return answer


def _run(request: HttpRequest, number: int) -> Run:
    visible = Run.objects.visible_to(request.user).select_related(
        "model__unit__parent",
        "model__standing",
        "monitor__version",
        "job__asked_by__person__details",
        "job__cancel_asked_by__person__details",
        "repeats__repeats",
        "reference",
    )
    return get_object_or_404(visible, pk=number)


def _progress_context(request: HttpRequest, found: Run) -> dict:
    job = found.job
    return {
        "run": found,
        "job": job,
        "fraction": job.done_count / job.total_count if job.total_count else None,
        "seconds_left": seconds_left(job),
        "doing": doing(job),
        "can_monitor": can_monitor(request.user, found.model),
    }


def _run_context(request: HttpRequest, found: Run) -> dict:
    crossed = Breach.objects.open().filter(window__run=found).select_related("window", "threshold")
    breaches = headlines.breaches_in_words(crossed.order_by("window__start_on", "level", "id"))
    return _progress_context(request, found) | {
        "windows": list(found.windows.order_by("start_on")),
        "breaches": breaches,
        "red": sum(breach.level == "breach" for breach in breaches),
        "watches": sum(breach.level == "watch" for breach in breaches),
        "refusals": [refusal_said(reason) for reason in found.reasons],
        "files": list(attachments_of(found).order_by("name")),
        "partitions": sorted(found.inputs.items()),
        "repeated_by": list(found.repeated_by.select_related("job").order_by("pk")[:20]),
        "took": run_time(found),
        "crumbs": _crumbs(found),
    }


def _crumbs(found: Run) -> list[dict]:
    monitoring = reverse("model-monitoring", args=[found.model.ref])
    return [
        {"label": "Models", "url": reverse("models")},
        {"label": found.model.name, "url": reverse("model", args=[found.model.ref])},
        {"label": "Monitoring", "url": f"{monitoring}?monitor={found.monitor_id}"},
        {"label": found.ref, "url": ""},
    ]


def run_time(found: Run) -> timedelta | None:
    """From its last start to its end; None before it ended."""
    job = found.job
    return job.finished_at - job.started_at if job.finished_at and job.started_at else None


def doing(job: Job) -> str:
    """What the bar of progress is about: before any byte of the log is read, the step itself."""
    return "Reading the log" if job.done_count or job.step.startswith("Partition") else job.step or "Starting"


def seconds_left(job: Job) -> float | None:
    """From the share done so far; None before anything is."""
    if job.state != job.State.RUNNING or not job.done_count or not job.started_at:
        return None
    spent = (timezone.now() - job.started_at).total_seconds()
    return spent * (job.total_count - job.done_count) / job.done_count


@require_POST
def ask_for_run(request: HttpRequest, number: int) -> HttpResponse:
    monitor = get_object_or_404(Monitor.objects.visible_to(request.user).select_related("model__unit"), pk=number)
    asked = runs.ask_for_run(monitor=monitor, by=request.user)
    return redirect("run", asked.pk)


@require_POST
def repeat_run(request: HttpRequest, number: int) -> HttpResponse:
    found = _run(request, number)
    again = runs.ask_for_run(monitor=found.monitor, repeats=found.repeats or found, by=request.user)
    return redirect("run", again.pk)


@require_POST
def cancel_run(request: HttpRequest, number: int) -> HttpResponse:
    found = _run(request, number)
    runs.cancel_run(run=found, by=request.user)
    return redirect("run", found.pk)
