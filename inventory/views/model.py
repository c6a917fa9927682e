"""Pages of one model: its overview and its versions."""

import json
from datetime import date, datetime

from dateutil.relativedelta import relativedelta
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from inventory import permissions, services
from inventory.access import day_asked, find_model, find_model_as_at
from inventory.forms.records import ChangeClassForm
from inventory.models import Model, ModelVersion, Standing
from inventory.models.version import CLASSES_AFTER

MOST_VERSIONS = 500


@require_safe
def model(request: HttpRequest, ref: str) -> HttpResponse:
    """Overview of one model."""
    if day := day_asked(request.GET):
        return _as_at(request, ref, day)
    found = find_model(request, ref)
    context = model_frame(request, found, "Overview") | {
        "versions": found.versions.select_related("registered_by__details").newest_first()[:5],
        "etag": services.digest_of(found),
        "has_monitor": found.monitors.exists(),
        "auc_window": auc_window(found.standing),
    }
    return render(request, "inventory/model.html", context)


def _as_at(request: HttpRequest, ref: str, day: date) -> HttpResponse:
    """The record as it was at the end of a day: to be read, and nothing else."""
    found, listed = find_model_as_at(request, ref, day)
    context = {
        "day": day,
        "model": found,
        "versions": listed[:MOST_VERSIONS],
        "now_url": reverse("model", args=[found.ref]),
        "crumbs": [
            {"label": "Models", "url": f"{reverse('models')}?as_at={day}"},
            {"label": found.unit.name, "url": ""},
        ],
    }
    return render(request, "inventory/model_as_at.html", context)


def auc_window(standing: Standing) -> str:
    """The newest window whose outcomes are known, where windows are months: AUC comes later than the rest."""
    known = [place for place, value in enumerate(reversed(standing.auc_history)) if value is not None]
    try:
        newest = datetime.strptime(standing.last_window, "%b %Y")
    except ValueError:
        return standing.last_window if known and not known[0] else ""
    return f"{newest - relativedelta(months=known[0]):%b %Y}" if known else ""


@require_safe
def versions(request: HttpRequest, ref: str) -> HttpResponse:
    """Every version of a model, with what its artefact was found to be."""
    found = find_model(request, ref)
    listed = list(
        found.versions.select_related("registered_by__details", "classified_by__details").newest_first()[:MOST_VERSIONS]
    )
    for version in listed:
        version.columns = columns_of(version.signature)
        version.more = bool(version.digest_note or version.is_loaded_by_code or version.notes or version.signature)
        version.classes_after = sorted(CLASSES_AFTER[version.change_class], key=ModelVersion.ChangeClass.values.index)
    context = {"versions": listed, "can_edit": permissions.can_edit(request.user, found)}
    return render(request, "inventory/versions.html", model_frame(request, found, "Versions") | context)


@require_POST
def retry_digest(request: HttpRequest, number: int) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=number, model__in=Model.objects.visible_to(request.user))
    services.retry_digest(version=version, by=request.user)
    return redirect("model-versions", version.model.ref)


@require_POST
def classify_change(request: HttpRequest, number: int) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=number, model__in=Model.objects.visible_to(request.user))
    permissions.check_can_edit(request.user, version.model)
    form = ChangeClassForm(request.POST)
    if form.is_valid():
        services.classify_change(version=version, **form.cleaned_data, by=request.user)
    else:
        messages.error(request, "Nothing was classified: choose a class and say why.")
    return redirect("model-versions", version.model.ref)


def columns_of(signature: dict | None) -> dict[str, list[dict]]:
    """Inputs and outputs of a signature, each a list of {name, type, required}. MLflow keeps them as JSON in JSON."""
    sides = {}
    for side in ("inputs", "outputs"):
        columns = (signature or {}).get(side) or []
        columns = json.loads(columns) if isinstance(columns, str) else columns
        sides[side] = [
            {"name": c.get("name", ""), "type": c.get("type", ""), "required": c.get("required", True)} for c in columns
        ]
    return sides


def model_frame(request: HttpRequest, found: Model, tab: str) -> dict:
    """What the head of every page of a model needs, and the label of its tab: two queries beyond the model's own.

    The tabs, and what the model waits for, are drawn by the portal, which knows the pages of every app.
    """
    return {
        "model": found,
        "model_tab": tab,
        "standing": found.standing,
        "latest": found.versions.newest_first().first(),
        "version_count": found.versions.count(),
        "can_edit": permissions.can_edit(request.user, found),
        "can_monitor": permissions.can_monitor(request.user, found),
        "crumbs": [
            {"label": "Models", "url": reverse("models")},
            *([{"label": found.unit.parent.name, "url": ""}] if found.unit.parent else []),
            {"label": found.unit.name, "url": f"{reverse('models')}?unit={found.unit.code}"},
        ],
    }
