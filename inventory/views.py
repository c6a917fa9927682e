"""Pages of the register: the list, and each model's overview and versions."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from inventory import permissions, services
from inventory.filters import ModelFilter
from inventory.keyset import KeysetPage
from inventory.models import Model

PAGE = 50
SORTS = {
    "ref": ("ref", "ref"),
    "name": ("name", "name"),
    "tier": ("tier", "tier"),
    "auc": ("standing__latest_auc", "standing.latest_auc"),
    "psi": ("standing__latest_score_psi", "standing.latest_score_psi"),
}


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """The list of models: filters, sort and page stand in the address."""
    visible = Model.objects.visible_to(request.user)
    filters = ModelFilter(request.GET, queryset=visible)
    matching = filters.qs if filters.is_valid() else visible.none()
    page = KeysetPage(
        matching.select_related("unit", "owner__details", "standing"),
        request.GET,
        sorts=SORTS,
        default="ref",
        size=PAGE,
    )
    context = {
        "filters": filters,
        "page": page,
        "models": page.rows,
        "total": matching.count(),
        "in_all": visible.count(),
        "chips": chips_of(filters, request.GET),
    }
    template = "inventory/models.html#rows" if request.htmx and not request.htmx.boosted else "inventory/models.html"
    return render(request, template, context)


@require_safe
def model(request: HttpRequest, ref: str) -> HttpResponse:
    """Overview of one model."""
    found = find_model(request, ref)
    context = model_frame(request, found, "Overview") | {
        "versions": found.versions.select_related("registered_by__details").newest_first()[:5],
        "etag": services.digest_of(found),
    }
    return render(request, "inventory/model.html", context)


@require_safe
def versions(request: HttpRequest, ref: str) -> HttpResponse:
    """Every version of a model, with what its artefact was found to be."""
    found = find_model(request, ref)
    context = model_frame(request, found, "Versions") | {
        "versions": found.versions.select_related("registered_by__details").newest_first()[:500],
    }
    return render(request, "inventory/versions.html", context)


def find_model(request: HttpRequest, ref: str) -> Model:
    """The model where the reader may see it; else 404."""
    visible = Model.objects.visible_to(request.user).select_related(
        "unit__parent", "owner__details", "developer__details", "standing"
    )
    return get_object_or_404(visible, ref=ref)


TABS = (
    ("Overview", "model"),
    ("Versions", "model-versions"),
    ("Monitoring", "model-monitoring"),
    ("Audit trail", "model-trail"),
)


def model_frame(request: HttpRequest, found: Model, tab: str) -> dict:
    """What the head and the tabs of every page of a model need."""
    return {
        "model": found,
        "standing": found.standing,
        "can_edit": permissions.can_edit(request.user, found),
        "can_monitor": permissions.can_monitor(request.user, found),
        "crumbs": [
            {"label": "Models", "url": reverse("models")},
            *([{"label": found.unit.parent.name, "url": ""}] if found.unit.parent else []),
            {"label": found.unit.name, "url": f"{reverse('models')}?unit={found.unit.code}"},
        ],
        "tabs": [
            {"label": label, "url": reverse(name, args=[found.ref]), "current": label == tab} for label, name in TABS
        ],
        "tabs_label": "Model",
    }


def chips_of(filters: ModelFilter, query) -> list[dict]:
    """One chip for each filter in force: its words, and the address without it."""
    chips = []
    for name in filters.filters:
        for value in query.getlist(name):
            if value:
                rest = query.copy()
                rest.setlist(name, [other for other in query.getlist(name) if other != value])
                rest.pop("after", None)
                chips.append(
                    {
                        "label": filters.filters[name].label,
                        "value": _words(filters, name, value),
                        "url": f"?{rest.urlencode()}",
                    }
                )
    return chips


def _words(filters: ModelFilter, name: str, value: str) -> str:
    choices = dict(getattr(filters.form.fields[name], "choices", ()))
    return str(choices.get(value) or choices.get(int(value) if value.isdigit() else value) or value)
