"""Files by digest for programs: the same ones that a page hands out, to whoever holds a token for their model."""

from django.http import FileResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView

from accounts.refusals import NotPermitted
from audit import effects
from audit.services import Retention
from portal.views.files import OF_CUSTOMERS, SANDBOXED, file_name, find_attachment


@method_decorator(csp_override(SANDBOXED), name="dispatch")
class FileDownload(APIView):
    @extend_schema(operation_id="download_file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, number: int):
        """A file as it was filed: its SHA-256 is the one that the list of files names."""
        found = find_attachment(request, number)
        if found.artefact.retention == Retention.SAMPLE:
            raise NotPermitted(OF_CUSTOMERS)
        return FileResponse(
            effects.path_of(found.artefact.sha256).open("rb"),
            as_attachment=True,
            filename=file_name(found),
            content_type="application/octet-stream",
        )
