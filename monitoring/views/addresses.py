"""Where the pages of monitoring are."""

from django.urls import reverse

from monitoring.models import Window


def page_of(window: Window) -> str:
    """Address of the model's monitoring at this window. The window comes with its monitor and model."""
    monitor = window.monitor
    address = reverse("model-monitoring", args=[monitor.model.ref])
    return f"{address}?monitor={monitor.pk}&window={window.start_on.isoformat()}"
