"""The list of models as a file: asked for, written, handed out once more while it is kept."""

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import check_may
from accounts.roles import Permission
from audit import effects
from inventory import services
from inventory.filters import models_asked_for
from inventory.models import Export
from inventory.services.exports import EVERY, KEPT_FOR, MOST_AT_ONCE
from web.sheets import MEDIA_TYPES

SANDBOXED = {"sandbox": "", "default-src": [CSP.NONE]}


@require_POST
def export_models(request: HttpRequest) -> HttpResponseBase:
    """A short list is answered by its file; a long one by the page that shows how far its file is."""
    check_may(request.user, Permission.SEE_MODELS)
    query = QueryDict(request.POST.get("query", ""), mutable=True)
    if request.POST.get("columns") == EVERY:
        query["columns"] = EVERY
    models = models_asked_for(query, request.user)
    export = services.ask_for_export(query=query.urlencode(), form=request.POST.get("form", ""), by=request.user)
    if models.count() > MOST_AT_ONCE:
        services.write_later(export=export, by=request.user)
        return redirect("export", export.pk)
    services.write_export(export=export, models=models, columns=query.get("columns", ""), by=request.user)
    return handed_out(export)


@require_safe
def export(request: HttpRequest, number: int) -> HttpResponse:
    """How far an export is, and its file."""
    found = find_export(request, number)
    context = {
        "export": found,
        "job": found.job,
        "fraction": found.job.percent / 100 if found.job else None,
        "kept_for": KEPT_FOR,
        "crumbs": [{"label": "Models", "url": reverse("models")}],
        "list_url": f"{reverse('models')}?{found.query}",
    }
    is_fragment = request.htmx and not request.htmx.boosted
    return render(request, "inventory/export.html#state" if is_fragment else "inventory/export.html", context)


@require_safe
@csp_override(SANDBOXED)
def export_file(request: HttpRequest, number: int) -> HttpResponseBase:
    found = find_export(request, number)
    services.check_handed_out(export=found, by=request.user)
    if not found.is_ready:
        words = {
            "heading": "This file is not kept any more" if found.sha256 else "This file is not written yet",
            "sentence": f"A file of models is kept for {KEPT_FOR.total_seconds() / 3600:g} hours.",
            "advice": "Export the list again for how it stands now.",
            "state": "unknown",
            "icon_name": "file",
            "back_url": reverse("models"),
        }
        return render(request, "errors/refused.html", words, status=410 if found.sha256 else 404)
    return handed_out(found)


def handed_out(export: Export) -> FileResponse:
    return FileResponse(
        effects.path_of(export.sha256).open("rb"),
        as_attachment=True,
        filename=export.file_name,
        content_type=MEDIA_TYPES[export.form],
    )


def find_export(request: HttpRequest, number: int) -> Export:
    """The export where who asks for it is who asked for it; else 404."""
    return get_object_or_404(Export.objects.of(request.user).select_related("job"), pk=number)
