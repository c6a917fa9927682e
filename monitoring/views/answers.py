"""Where a window's page is, and how the pages of monitoring say no."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.refusals import NotNow, NotPermitted
from monitoring.models import Window


def page_of(window: Window) -> str:
    """Address of the model's monitoring at this window. The window comes with its monitor and model."""
    monitor = window.monitor
    address = reverse("model-monitoring", args=[monitor.model.ref])
    return f"{address}?monitor={monitor.pk}&window={window.start_on.isoformat()}"


def refused(request: HttpRequest, refusal: NotPermitted | NotNow, *, back: str) -> HttpResponse:
    """403 for what this person may never do here, 409 for what the record's state does not allow at present."""
    if isinstance(refusal, NotPermitted):
        return render(request, "403.html", {"reason": str(refusal)}, status=403)
    context = {
        "sentence": str(refusal),
        "advice": "Nothing was changed. Go back to see how it stands now.",
        "heading": "Not now",
        "state": "watch",
        "icon_name": "info",
        "back_url": back,
    }
    return render(request, "errors/refused.html", context, status=409)
