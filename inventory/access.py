"""Which model an address means."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from inventory.models import Model


def find_model(request: HttpRequest, ref: str) -> Model:
    """The model by its ref or external id, where who asks may see it; else 404."""
    visible = Model.objects.visible_to(request.user).select_related(
        "unit__parent", "owner__details", "developer__details", "registered_by__details", "standing"
    )
    return get_object_or_404(visible.called(ref))
