"""The list of models: filters, columns, sort and page stand in its address."""

from datetime import date
from urllib.parse import urlencode

from django.db.models import Case, Count, When
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from accounts.models import Account, Unit
from accounts.permissions import may, seen_units
from accounts.roles import Permission
from inventory.access import day_asked
from inventory.filters import KEPT, ModelFilter, models_as_at, not_kept
from inventory.models import Model, SavedView, Standing
from inventory.services.columns import COLUMNS, SORTS, USUAL, columns_named
from web.keyset import KeysetPage

PAGE = 50
MOST_UNITS = 50
LIGHTS = [(light.value, light.label) for light in map(Standing.Light, ("breach", "watch", "good", "unknown"))]
SIMPLE = ("q", "tier", "stage", "kind", "light", "unit")  # filters that stand in the bar; the others wait behind it
NO_FILTER = ("sort", "after", "before", "columns")  # parts of the address that narrow nothing
MOST_TABS = 12  # saved views over the list; all of them stand on their own page


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """The list of models: filters, sort and page stand in the address."""
    asked = _asked(request.GET)
    if day := day_asked(asked):
        return _as_at(request, asked, day)
    visible = Model.objects.visible_to(request.user)
    filters = ModelFilter(asked, queryset=visible)
    matching = filters.qs if filters.is_valid() else visible.none()
    columns = columns_named(asked.get("columns", "").split(","))
    related = ("unit", "owner__details", "developer__details", "standing")
    page = KeysetPage(matching.select_related(*related), asked, sorts=SORTS, default="ref", size=PAGE)
    units = _units_seen(request.user)
    chips = chips_of(filters, asked, {unit.code: unit.name for unit in units})
    counts = _counts(visible)
    is_fragment = request.htmx and not request.htmx.boosted
    context = {
        "filters": filters,
        "models": page.rows,
        "pages": page.foot(total=matching.count() if chips else counts["all"], noun="models"),
        "in_all": counts["all"],
        "views": _views(asked, counts) + _saved(asked, request.user),
        "columns": [(column, column in columns) for column in COLUMNS.values()],
        "shown": {column.key for column in columns},
        "more": [field for field in filters.form if field.name not in SIMPLE],
        "more_used": sum(bool(asked.get(name)) for name in filters.filters if name not in SIMPLE),
        "query": asked_without_place(asked).urlencode(),
        "usual_query": usual_columns(asked).urlencode(),
        "chips": chips,
        "sort": asked.get("sort", ""),
        "units": units,
        "unknown": unknown_values(filters),
        "kinds": Model.Kind.choices,
        "can_register": may(request.user, Permission.REGISTER),
        "is_fragment": is_fragment,
    }
    answer = render(request, "inventory/models.html#rows" if is_fragment else "inventory/models.html", context)
    address = f"{request.path}?{asked.urlencode()}".removesuffix("?")
    return push_url(answer, address) if is_fragment else answer


def _as_at(request: HttpRequest, asked: QueryDict, day: date) -> HttpResponse:
    """The list as it was recorded at the end of a day: to be read, and nothing else."""
    rows, total = models_as_at(asked, request.user, day, after=asked.get("after", ""), size=PAGE + 1)
    rest = asked_without_place(asked)
    now = rest.copy()
    del now["as_at"]
    filters = ModelFilter(asked, queryset=Model.objects.none())
    units = {unit.code: unit.name for unit in _units_seen(request.user)}
    context = {
        "day": day,
        "models": rows[:PAGE],
        "total": total,
        "not_kept": not_kept(asked),
        "chips": chips_of(filters, asked, units),
        "kept": [field for field in filters.form if field.name in KEPT],
        "first_url": f"?{rest.urlencode()}" if asked.get("after") else None,
        "next_url": f"?{rest.urlencode()}&{urlencode({'after': rows[PAGE - 1].ref})}" if len(rows) > PAGE else None,
        "now_url": f"?{now.urlencode()}",
    }
    return render(request, "inventory/models_as_at.html", context)


def _asked(query: QueryDict) -> QueryDict:
    """The address's query without what was left empty: a form without script sends every field."""
    asked = query.copy()
    for name, values in list(query.lists()):
        asked.setlist(name, [value for value in values if value])
    columns = [column.key for column in columns_named(",".join(asked.getlist("columns")).split(","))]
    if asked.pop("columns", None) and columns != list(USUAL):
        asked["columns"] = ",".join(columns)
    return asked


def usual_columns(asked: QueryDict) -> QueryDict:
    asked = asked_without_place(asked)
    asked.pop("columns", None)
    return asked


def asked_without_place(asked: QueryDict) -> QueryDict:
    """What the address asks for, from its first page on."""
    asked = asked.copy()
    for place in ("after", "before"):
        asked.pop(place, None)
    return asked


def unknown_values(filters: ModelFilter) -> str:
    """Values of the address that a filter does not have: status “development”."""
    return ", ".join(
        f"{filters.filters[name].label.lower()} “{value}”"
        for name in filters.form.errors
        for value in filters.data.getlist(name)
        if value not in map(str, dict(getattr(filters.form.fields[name], "choices", ())))
    )


def _units_seen(account: Account) -> list[Unit]:
    """Units to narrow the list by, in the order of their paths, as many as a pop-over can hold."""
    condition = seen_units(account, "path")
    return [] if condition is None else list(Unit.objects.filter(condition).order_by("path")[:MOST_UNITS])


def _counts(visible) -> dict[str, int]:
    """How many models there are, and in each monitoring state, in one query."""
    lights = dict(visible.values_list("standing__light").annotate(count=Count("pk")).order_by())
    return lights | {"all": sum(lights.values())}


def _views(query, counts: dict[str, int]) -> list[dict]:
    """The tabs over the list: what people look for most, each with its count."""
    asked = _pairs(query)
    offered = (("All", []), *((label, [("light", light)]) for light, label in LIGHTS))
    return [
        {
            "label": label,
            "url": f"{reverse('models')}?{urlencode(narrowed)}".rstrip("?"),
            "current": asked == narrowed,
            "count": counts.get(narrowed[0][1] if narrowed else "all", 0),
        }
        for label, narrowed in offered
    ]


def _pairs(query: QueryDict) -> list[tuple[str, str]]:
    """What an address narrows the list by, in an order of its own."""
    return sorted((name, value) for name, values in query.lists() for value in values if name not in NO_FILTER)


def _saved(asked: QueryDict, account: Account) -> list[dict]:
    """The reader's own views, then those that others share, as tabs."""
    views = SavedView.objects.visible_to(account).order_by(
        Case(When(owner=account.person_id, then=0), default=1), "name"
    )
    return [
        {
            "label": view.name,
            "url": reverse("saved-view", args=[view.pk]),
            "current": bool(view.query)
            and sorted(QueryDict(view.query).lists()) == sorted(asked_without_place(asked).lists()),
            "count": None,
        }
        for view in views[:MOST_TABS]
    ]


def chips_of(filters: ModelFilter, query, units: dict[str, str]) -> list[dict]:
    """One chip for each filter in force: its words, and the address without it. units: code → name."""
    chips = []
    for name in filters.filters:
        for value in query.getlist(name):
            if value:
                rest = query.copy()
                rest.setlist(name, [other for other in query.getlist(name) if other != value])
                for place in ("after", "before"):
                    rest.pop(place, None)
                chips.append(
                    {
                        "label": "Search" if name == "q" else filters.filters[name].label,
                        "value": _value(filters, name, value, units),
                        "url": f"?{rest.urlencode()}",
                    }
                )
    return chips


def _value(filters: ModelFilter, name: str, value: str, units: dict[str, str]) -> str:
    """A chip's value, without the filter's own name where its words begin with it: Tier 1 is 1."""
    words = units.get(value, value) if name == "unit" else _words(filters, name, value)
    return words.removeprefix(f"{filters.filters[name].label} ")


def _words(filters: ModelFilter, name: str, value: str) -> str:
    choices = {str(choice): words for choice, words in getattr(filters.form.fields[name], "choices", ())}
    return str(choices.get(value) or value)
