"""Exact figures of one column of one window: asked for on a page, and shown beside the profile's."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from inventory.permissions import can_monitor
from monitoring.models import ExactCheck, Monitor, Window
from monitoring.services import exact
from monitoring.views.addresses import page_of
from web.text import is_storable


@require_POST
def ask_for_exact(request: HttpRequest, number: int) -> HttpResponse:
    window, column = _window(request, number), request.POST.get("column", "")
    exact.ask_for_exact(window=window, column=column, by=request.user)
    return redirect(f"{_page(window, column)}#exact")


@require_safe
def exact_state(request: HttpRequest, number: int) -> HttpResponse:
    """How the reading stands: the fragment that the page asks for again; alone it leads to the page."""
    window, column = _window(request, number), request.GET.get("column", "")
    if not request.htmx:
        return redirect(f"{_page(window, column)}#exact")
    answer = render(request, "monitoring/exact.html#state", exact_context(request, window, column))
    if not answer_is_awaited(window, column):
        answer["HX-Refresh"] = "true"
    return answer


def answer_is_awaited(window: Window, column: str) -> bool:
    check = _check(window, column)
    return bool(check and not check.job.is_finished)


def exact_context(request: HttpRequest, window: Window, column: str) -> dict:
    return {
        "window": window,
        "exact_of": column,
        "exact": _check(window, column),
        "can_monitor": can_monitor(request.user, window.monitor.model),
    }


def _check(window: Window, column: str) -> ExactCheck | None:
    if not is_storable(column):
        return None
    return ExactCheck.objects.filter(window=window, column=column).select_related("job").first()


def _window(request: HttpRequest, number: int) -> Window:
    seen = Window.objects.filter(monitor__in=Monitor.objects.visible_to(request.user))
    return get_object_or_404(seen.select_related("monitor__model__unit"), pk=number)


def _page(window: Window, column: str) -> str:
    if not any(feature["name"] == column for feature in window.monitor.columns["features"]):
        return page_of(window)
    asked = urlencode({"monitor": window.monitor_id, "window": window.start_on.isoformat()})
    return f"{reverse('model-feature', args=[window.monitor.model.ref, column])}?{asked}"
