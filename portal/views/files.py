"""Files by digest: downloads, and pages from elsewhere inside a sandboxed frame."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.csp import CSP
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from audit import effects
from audit.models import Attachment
from inventory.models import Model

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


def find_attachment(request: HttpRequest, number: int) -> Attachment:
    """The attachment where the reader may see the model on whose trail it hangs; else 404."""
    attachment = get_object_or_404(Attachment.objects.select_related("artefact"), pk=number)
    label, _, pk = attachment.trail.rpartition(":")
    if label != "inventory.model" or not Model.objects.visible_to(request.user).filter(pk=pk).exists():
        raise Http404
    if not effects.path_of(attachment.artefact.sha256).exists():
        raise Http404
    return attachment


@require_safe
@csp_override(SANDBOXED)
def download(request: HttpRequest, number: int) -> HttpResponse:
    """A file as it was filed, always as an attachment."""
    attachment = find_attachment(request, number)
    return FileResponse(
        effects.path_of(attachment.artefact.sha256).open("rb"),
        as_attachment=True,
        filename=attachment.name,
        content_type="application/octet-stream",
    )


@require_safe
@xframe_options_exempt
@csp_override(REPORT)
def report_page(request: HttpRequest, number: int) -> HttpResponse:
    """An Evidently page, for a sandboxed frame of ours alone."""
    attachment = find_attachment(request, number)
    if attachment.role != "evidently page":
        raise Http404
    path = effects.path_of(attachment.artefact.sha256)
    return FileResponse(path.open("rb"), content_type="text/html; charset=utf-8")
