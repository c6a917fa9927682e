"""Thresholds crossed: what stands in the newest windows first, and what is past on request."""

from django.db.models import Case, F, Func, TextField, Value, When
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Unit
from inventory.views.models import chips_of
from monitoring.filters import BreachFilter, metrics_of
from monitoring.models import Breach
from monitoring.views import headlines
from web.keyset import KeysetPage
from web.text import is_storable

# Newest window first, and in it breaches before what is on watch.
PLACE = Concat(
    Func(F("window__start_on"), Value("YYYYMMDD"), function="to_char", output_field=TextField()),
    Case(When(level=Breach.Level.BREACH, then=Value("1")), default=Value("0")),
    output_field=TextField(),
)
SORTS = {
    "window": ("place", "place"),
    "value": ("value", "value"),
    "model": ("model__ref", "model.ref"),
}
PAGE = 100


@require_safe
def breaches(request: HttpRequest) -> HttpResponse:
    """Breaches that the reader may see; without being asked, those that stand."""
    asked = request.GET.copy()
    asked.setdefault("state", "stands")
    visible = Breach.objects.visible_to(request.user).with_place()
    filters = BreachFilter(asked, queryset=visible, metrics=metrics_of(visible))
    matching = filters.qs if filters.is_valid() else visible.none()
    page = KeysetPage(
        matching.annotate(place=PLACE).select_related("model__unit", "window__run", "window__monitor", "threshold"),
        request.GET,
        sorts=SORTS,
        default="-window",
        size=PAGE,
    )
    context = {
        "filters": filters,
        "breaches": headlines.breaches_in_words(page.rows),
        "chips": _chips(filters, asked),
        "pages": page.foot(total=matching.count(), noun="thresholds crossed"),
        "in_all": visible.count(),
        "standing": visible.filter(stands=True).count(),
        "models": matching.values("model").distinct().count(),
        "crumbs": [{"label": "Monitoring", "url": ""}],
    }
    fragment = request.htmx and not request.htmx.boosted
    return render(request, f"monitoring/breaches.html{'#rows' if fragment else ''}", context)


def _chips(filters: BreachFilter, asked: QueryDict) -> list[dict]:
    """Filters in force; taking the state away shows every state, since none asked for means what stands."""
    every = asked.copy()
    every["state"] = "all"
    chips = chips_of(filters, asked, _named(asked.get("unit")))
    state = next((chip for chip in chips if chip["label"] == "State"), None)
    if state:
        state["url"] = f"?{every.urlencode()}"
    return [chip for chip in chips if chip is not state or asked["state"] != "all"]


def _named(code: str | None) -> dict[str, str]:
    """Name of the unit that the address asks for, by its code."""
    return dict(Unit.objects.filter(code=code).values_list("code", "name")) if is_storable(code) else {}
