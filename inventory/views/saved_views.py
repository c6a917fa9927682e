"""Saved views of the list of models: each has an address that can be sent on."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from inventory import services
from inventory.models import SavedView


@require_safe
def saved_views(request: HttpRequest) -> HttpResponse:
    """Every view that the reader may open, the reader's own first."""
    seen = SavedView.objects.visible_to(request.user).select_related("owner__details")
    context = {
        "own": seen.filter(owner=request.user.person_id),
        "shared": seen.exclude(owner=request.user.person_id),
        "crumbs": [{"label": "Models", "url": reverse("models")}],
        "origin": f"{request.scheme}://{request.get_host()}",
    }
    return render(request, "inventory/saved_views.html", context)


@require_safe
def saved_view(request: HttpRequest, number: int) -> HttpResponse:
    """The permalink of a view: the list as it asks for it, of the models that this reader may see."""
    view = find_view(request, number)
    return redirect(f"{reverse('models')}?{view.query}".removesuffix("?"))


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    services.save_view(
        name=request.POST.get("name", ""),
        query=request.POST.get("query", ""),
        is_shared=request.POST.get("is_shared") == "on",
        by=request.user,
    )
    return redirect(f"{reverse('models')}?{request.POST.get('query', '')}".removesuffix("?"))


@require_POST
def share_view(request: HttpRequest, number: int) -> HttpResponse:
    is_shared = request.POST.get("is_shared") == "on"
    services.share_view(view=find_view(request, number), is_shared=is_shared, by=request.user)
    return redirect("saved-views")


@require_POST
def remove_view(request: HttpRequest, number: int) -> HttpResponse:
    services.remove_view(view=find_view(request, number), by=request.user)
    return redirect("saved-views")


def find_view(request: HttpRequest, number: int) -> SavedView:
    """The view where who asks may open it; else 404."""
    return get_object_or_404(SavedView.objects.visible_to(request.user), pk=number)
