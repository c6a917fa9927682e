"""Background work: what runs, waits and failed, and another try for what failed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import check_may, may
from accounts.refusals import NotPermitted
from accounts.roles import Permission
from jobs import services
from jobs.models import Job
from portal import work
from portal.views.administration import forbidden, tabs_of

SHOWN = 50


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """What runs, waits and failed."""
    try:
        check_may(request.user, Permission.SEE_JOBS)
    except NotPermitted as refusal:
        return forbidden(request, refusal)
    newest = Job.objects.select_related("asked_by__person__details").order_by("-id")
    context = tabs_of(request, "jobs") | {
        "unfinished": work.in_words(newest.unfinished()[:SHOWN], request.user),
        "poisoned": work.in_words(newest.poisoned()[:SHOWN], request.user),
        "finished": work.in_words(
            newest.exclude(state__in=[*Job.UNFINISHED, Job.State.POISONED])[:SHOWN], request.user
        ),
        "can_retry": may(request.user, Permission.RETRY_JOBS),
    }
    is_fragment = request.htmx and not request.htmx.boosted
    return render(request, "portal/jobs.html#unfinished" if is_fragment else "portal/jobs.html", context)


@require_POST
def retry_job(request: HttpRequest, number: int) -> HttpResponse:
    """Three more attempts for a job that ended without its work."""
    try:
        check_may(request.user, Permission.SEE_JOBS)
        check_may(request.user, Permission.RETRY_JOBS)
    except NotPermitted as refusal:
        return forbidden(request, refusal)
    job = get_object_or_404(Job, pk=number)
    if not job.is_retryable:
        state = job.get_state_display().lower()
        messages.error(request, f"Job {job.pk} is {state}; only a job that ended without its work can be tried again.")
    else:
        services.retry(job=job, by=request.user)
        messages.success(request, f"Job {job.pk} waits for a worker again, with three more attempts.")
    return redirect("jobs")
