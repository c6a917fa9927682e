"""The list of breaches: every one that the reader may see, newest first."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Unit
from inventory.views import chips_of
from monitoring.filters import BreachFilter
from monitoring.models import Breach
from monitoring.views import headlines
from monitoring.wording import name_of
from stats.thresholds import DEFAULT_BANDS
from web.keyset import KeysetPage

SORTS = {
    "newest": ("id", "id"),
    "value": ("value", "value"),
    "model": ("model__ref", "model.ref"),
}
PAGE = 100
# What thresholds are usual for, and what is a breach by itself.
JUDGED = (*(bands.metric for bands in DEFAULT_BANDS), "rescoring_mismatch")


@require_safe
def breaches(request: HttpRequest) -> HttpResponse:
    """Every breach of the newest revisions that the reader may see."""
    visible = Breach.objects.visible_to(request.user).current()
    filters = BreachFilter(request.GET, queryset=visible, metrics=[(m, name_of(m)) for m in JUDGED])
    matching = filters.qs if filters.is_valid() else visible.none()
    page = KeysetPage(
        matching.select_related("model__unit", "window__run", "window__monitor", "threshold"),
        request.GET,
        sorts=SORTS,
        default="-newest",
        size=PAGE,
    )
    context = {
        "filters": filters,
        "breaches": headlines.breaches_in_words(page.rows),
        "chips": chips_of(filters, request.GET, _named(request.GET.get("unit"))),
        "pages": page.foot(total=matching.count(), noun="breaches"),
        "in_all": visible.count(),
        "models": matching.values("model").distinct().count(),
    }
    fragment = request.htmx and not request.htmx.boosted
    return render(request, f"monitoring/breaches.html{'#rows' if fragment else ''}", context)


def _named(code: str | None) -> dict[str, str]:
    """Name of the unit that the address asks for, by its code."""
    return dict(Unit.objects.filter(code=code).values_list("code", "name")) if code else {}
