"""Files by digest: downloads, and pages from elsewhere inside a sandboxed frame."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.csp import CSP
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from accounts.models import Person
from audit import effects
from audit.reading import attachment
from audit.services import Retention
from portal.visibility import may_see

SANDBOXED = {"sandbox": "", "default-src": [CSP.NONE]}
# An Evidently page brings its own script and style; it runs without an origin and may load nothing.
REPORT = {
    "sandbox": "allow-scripts",
    "default-src": [CSP.NONE],
    "script-src": [CSP.UNSAFE_INLINE, CSP.UNSAFE_EVAL],
    "style-src": [CSP.UNSAFE_INLINE],
    "img-src": ["data:"],
    "font-src": ["data:"],
    "frame-ancestors": [CSP.SELF],
}


def find_attachment(request: HttpRequest, number: int):
    """The attachment where the reader may see the trail that it hangs on; else 404."""
    found = attachment(number)
    if found is None or not may_see(request.user, found.trail):
        raise Http404
    if not found.artefact.erased_at and not effects.path_of(found.artefact.sha256).exists():
        raise Http404
    return found


def erased(request: HttpRequest, artefact) -> HttpResponse:
    """410: what stays of a file that was erased."""
    by = Person.objects.select_related("details").filter(pk=artefact.erased_by.rpartition(":")[2]).first()
    context = {
        "heading": "This file was erased",
        "sentence": f"{by or artefact.erased_by} erased it on {artefact.erased_at:%d %b %Y %H:%M} UTC:"
        f" {artefact.erasure_reason}",
        "advice": f"Its digest stays on the trail: {artefact.sha256}. Whoever has a copy can compare it.",
        "state": "unknown",
        "icon_name": "file",
    }
    return render(request, "errors/refused.html", context, status=410)


OF_CUSTOMERS = (
    "This file holds rows of customers. The portal keeps it to repeat and explain runs and hands it to nobody;"
    " its digest shows that it is still the same file."
)
ENDINGS = {"application/x-npz": ".npz", "application/json": ".json", "text/html": ".html"}


def file_name(found) -> str:
    """The name under which a file is saved, with the ending that its type has."""
    ending = ENDINGS.get(found.artefact.media_type, ".bin")
    return found.name if found.name.endswith(ending) else f"{found.name}{ending}"


@require_safe
@csp_override(SANDBOXED)
def download(request: HttpRequest, number: int) -> HttpResponse:
    """A file as it was filed, always as an attachment."""
    found = find_attachment(request, number)
    if found.artefact.erased_at:
        return erased(request, found.artefact)
    if found.artefact.retention == Retention.SAMPLE:
        return render(request, "403.html", {"reason": OF_CUSTOMERS}, status=403)
    return FileResponse(
        effects.path_of(found.artefact.sha256).open("rb"),
        as_attachment=True,
        filename=file_name(found),
        content_type="application/octet-stream",
    )


@require_safe
@xframe_options_exempt
@csp_override(REPORT)
def report_page(request: HttpRequest, number: int) -> HttpResponse:
    """An Evidently page, for a sandboxed frame of ours alone."""
    found = find_attachment(request, number)
    if found.role != "evidently page":
        raise Http404
    if found.artefact.erased_at:
        return erased(request, found.artefact)
    path = effects.path_of(found.artefact.sha256)
    return FileResponse(path.open("rb"), content_type="text/html; charset=utf-8")
