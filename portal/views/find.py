"""What a box offers while one types: a short list of records that the reader may be offered, as JSON."""

from dataclasses import asdict

from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from portal.lookups import LOOKUPS

LONGEST = 100


@require_safe
def find(request: HttpRequest, kind: str) -> JsonResponse:
    if kind not in LOOKUPS:
        raise Http404
    offers, more = LOOKUPS[kind].offers(request.user, request.GET.get("q", "")[:LONGEST])
    return JsonResponse({"offers": [asdict(offer) for offer in offers], "more": more})
