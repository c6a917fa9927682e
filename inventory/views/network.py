"""Pages of the network: the whole of it, a model's part, an asset's, and where the book is concentrated."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from accounts.refusals import InvalidInput
from inventory import permissions, services
from inventory.access import find_model
from inventory.forms.network import AssetForm, ChangeForm, DependencyForm, OutcomeForm
from inventory.forms.tiers import ReasonForm
from inventory.measures.layers import steps_from
from inventory.models import Asset, Dependency, Model, ReviewMark
from inventory.models.dependency import node_of
from inventory.services.network import Concentration, Network
from inventory.views.drawing import around, drawing_of, url_of
from inventory.views.model import model_frame

SORTS = {
    "name": lambda found: found.asset.name.casefold(),
    "kind": lambda found: (found.asset.get_kind_display(), found.asset.name.casefold()),
    "models": lambda found: found.weight.models,
    "tier1": lambda found: found.weight.tier_1,
    "exposure": lambda found: found.weight.tier_1_exposure,
}


def tabs_of(current: str) -> dict:
    """The pages about the book as a whole."""
    places = (("Network", "network"), ("Concentration", "concentration"))
    return {
        "tabs": [{"label": label, "url": reverse(name), "current": name == current} for label, name in places],
        "tabs_label": "The book",
    }


@require_safe
def network(request: HttpRequest) -> HttpResponse:
    """Every line between models and assets that the reader sees, drawn and as a table."""
    whole = services.network_of(account=request.user)
    kind = request.GET.get("kind", "")
    shown = _of_kind(whole, kind) if kind in Dependency.Kind.values else whole
    context = tabs_of("network") | {
        "drawing": drawing_of(shown),
        "lines": [_row(line) for line in shown.lines],
        "kinds": [{"value": v, "label": label, "current": v == kind} for v, label in Dependency.Kind.choices],
        "kind": kind,
        "assets": Asset.objects.in_use(),
        "can_add": permissions.can_add_assets(request.user),
    }
    return render(request, "inventory/network.html", context)


def _of_kind(whole: Network, kind: str) -> Network:
    lines = [line for line in whole.lines if line.kind == kind]
    return Network({node_of(end): end for line in lines for end in (line.source, line.target)}, lines)


def _row(line: Dependency, can_end: bool = False) -> dict:
    return {
        "line": line,
        "source_url": url_of(line.source),
        "target_url": url_of(line.target),
        "can_end": can_end,
    }


@require_safe
def model_network(request: HttpRequest, ref: str) -> HttpResponse:
    """What a model rests on, and what rests on it."""
    found = find_model(request, ref)
    return render(request, "inventory/model_network.html", _model_context(request, found))


def _model_context(request: HttpRequest, found: Model, form: DependencyForm | None = None) -> dict:
    marks = found.review_marks.select_related("upstream_model", "upstream_asset", "settled_by__details")
    return (
        model_frame(request, found, "Network")
        | _part(request, found)
        | {
            "form": form or (DependencyForm(by=request.user) if permissions.can_edit(request.user, found) else None),
            "marks": marks.order_by("settled_at", "due_on")[:20],
        }
    )


def _part(request: HttpRequest, record: Model | Asset) -> dict:
    """The network around one node: all that it rests on, all that rests on it, and its own lines."""
    whole, node = services.network_of(account=request.user), node_of(record)
    flow = whole.flow()
    beside = {other for edge in whole.edges() if node in edge for other in edge}
    downstream = steps_from(node, flow)
    upstream = steps_from(node, [(end, start) for start, end in flow])
    own = [line for line in whole.lines if node in (node_of(line.source), node_of(line.target))]
    return {
        "drawing": drawing_of(around(whole, node, [*beside, *downstream, *upstream]), here=node),
        "lines": [_row(line, can_end=_can_end(request.user, line)) for line in own],
        "upstream": sorted(((whole.nodes[name], steps) for name, steps in upstream.items()), key=_by_steps),
        "impact": services.impact_of(record=record, account=request.user),
    }


def _by_steps(pair: tuple[Model | Asset, int]) -> tuple[int, str]:
    return pair[1], str(pair[0])


def _can_end(account: Account, line: Dependency) -> bool:
    models = [end for end in (line.source, line.target) if isinstance(end, Model)]
    if not models:
        return permissions.can_keep_assets(account)
    return any(permissions.can_edit(account, model) for model in models)


@require_POST
def add_dependency(request: HttpRequest, ref: str) -> HttpResponse:
    found = find_model(request, ref)
    permissions.check_can_edit(request.user, found)
    form = DependencyForm(request.POST, by=request.user)
    if form.is_valid():
        try:
            dependency, is_new = services.add_dependency(**form.ends(found), by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"{'Added' if is_new else 'Known already'}: {dependency}.")
            return redirect("model-network", found.ref)
    return render(request, "inventory/model_network.html", _model_context(request, found, form))


@require_POST
def end_dependency(request: HttpRequest, number: int) -> HttpResponse:
    whole = services.network_of(account=request.user)
    get_object_or_404(Dependency, pk=number, pk__in=[line.pk for line in whole.lines])
    line = next(line for line in whole.lines if line.pk == number)
    back = url_of(line.target if isinstance(line.target, Model) else line.source)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was ended: say why. The reason is part of the record.")
        return redirect(back)
    services.end_dependency(dependency=line, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(request, f"Ended: {line}.")
    return redirect(back)


@require_POST
def note_model_change(request: HttpRequest, ref: str) -> HttpResponse:
    """Say that a model changed materially: every owner downstream is asked to look."""
    return _noted(request, find_model(request, ref))


@require_POST
def note_asset_change(request: HttpRequest, number: int) -> HttpResponse:
    permissions.check_can_keep_assets(request.user)
    return _noted(request, get_object_or_404(Asset, pk=number))


def _noted(request: HttpRequest, record: Model | Asset) -> HttpResponse:
    form = ChangeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nobody was told: say what changed. It is part of the record.")
        return redirect(url_of(record))
    marks = services.note_material_change(upstream=record, what=form.cleaned_data["what"], by=request.user)
    messages.success(request, f"{len(marks)} review{'' if len(marks) == 1 else 's'} asked for downstream.")
    return redirect(url_of(record))


@require_POST
def settle_review(request: HttpRequest, number: int) -> HttpResponse:
    visible = Model.objects.visible_to(request.user)
    mark = get_object_or_404(ReviewMark.objects.select_related("model"), pk=number, model__in=visible)
    form = OutcomeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was noted: say what you found. It is part of the record.")
        return redirect("model-network", mark.model.ref)
    services.settle_review(mark=mark, outcome=form.cleaned_data["outcome"], by=request.user)
    messages.success(request, "Noted; the review is due again when the tier asks for it.")
    return redirect("model-network", mark.model.ref)


@require_safe
def asset(request: HttpRequest, number: int) -> HttpResponse:
    """What rests on a data source, vendor, component or assumption."""
    found = get_object_or_404(Asset.objects.select_related("registered_by__details", "retired_by__details"), pk=number)
    context = _part(request, found) | {
        "asset": found,
        "can_keep": permissions.can_keep_assets(request.user) and not found.retired_at,
        "crumbs": [{"label": "Network", "url": reverse("network")}],
    }
    return render(request, "inventory/asset.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add_asset(request: HttpRequest) -> HttpResponse:
    permissions.check_can_add_assets(request.user)
    form = AssetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added, is_new = services.register_asset(**form.cleaned_data, by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"{added} {'is in the network now' if is_new else 'was known already'}.")
            return redirect("asset", added.pk)
    crumbs = [{"label": "Network", "url": reverse("network")}]
    return render(request, "inventory/asset_form.html", {"form": form, "crumbs": crumbs})


@require_POST
def retire_asset(request: HttpRequest, number: int) -> HttpResponse:
    permissions.check_can_keep_assets(request.user)
    found = get_object_or_404(Asset, pk=number)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was retired: say why. The reason is part of the record.")
        return redirect("asset", found.pk)
    services.retire_asset(asset=found, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(request, f"{found} is retired; the record stays.")
    return redirect("asset", found.pk)


@require_safe
def concentration(request: HttpRequest) -> HttpResponse:
    """How much of tier 1 rests on each source, vendor, component and assumption; the heaviest first."""
    found, whole = services.concentrations(account=request.user)
    kind = request.GET.get("kind", "")
    if kind in Asset.Kind.values:
        found = [each for each in found if each.asset.kind == kind]
    context = tabs_of("concentration") | {
        "found": _sorted(found, request.GET.get("sort", "")),
        "whole": whole,
        "kinds": [{"value": v, "label": label, "current": v == kind} for v, label in Asset.Kind.choices],
        "kind": kind,
    }
    return render(request, "inventory/concentration.html", context)


def _sorted(found: list[Concentration], asked: str) -> list[Concentration]:
    key = asked.removeprefix("-")
    if key not in SORTS:
        asked, key = "-exposure", "exposure"
    by_name = sorted(found, key=SORTS["name"])
    return sorted(by_name, key=SORTS[key], reverse=asked.startswith("-"))
