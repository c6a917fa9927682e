"""Pages of the regimes: which there are, and what each asks for."""

from itertools import groupby

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from inventory.models import Framework


@require_safe
def frameworks(request: HttpRequest) -> HttpResponse:
    """Every regime in its newest version."""
    listed = Framework.objects.newest().annotate(clause_count=Count("clauses"))
    return render(request, "inventory/frameworks.html", {"frameworks": listed})


@require_safe
def framework(request: HttpRequest, code: str) -> HttpResponse:
    """One regime: its clauses by section, and which fields of a record it asks for. `?version=1`: an older one."""
    versions = list(Framework.objects.filter(code=code).order_by("-version"))
    asked = request.GET.get("version", "")
    found = next((one for one in versions if asked in ("", str(one.version))), None)
    if found is None:
        raise Http404("There is no such regime, or no such version of it.")
    clauses = list(found.clauses.all())
    context = {
        "framework": found,
        "sections": [(name, list(lines)) for name, lines in groupby(clauses, key=lambda clause: clause.section)],
        "clause_count": len(clauses),
        "has_evidence": any(clause.evidence for clause in clauses),
        "has_maps": any(clause.maps_to for clause in clauses),
        "versions": versions,
        "crumbs": [{"label": "Regimes", "url": reverse("frameworks")}],
    }
    return render(request, "inventory/framework.html", context)
