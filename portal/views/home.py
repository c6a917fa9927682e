"""The page that everybody starts from."""

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import may
from accounts.roles import Permission
from audit.models import Entry
from inventory.models import Model, Standing
from monitoring.models import Breach, Run
from portal.trail import lines_of
from proposals.models import Proposal


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me, how the models that I see stand, what happened to them last."""
    visible = Model.objects.visible_to(request.user)
    own = visible.filter(Q(owner=request.user.person) | Q(developer=request.user.person))
    lights = dict(Standing.objects.filter(model__in=visible).values_list("light").annotate(models=Count("pk")))
    return render(
        request,
        "portal/home.html",
        {
            "lights": {light: lights.get(light, 0) for light in Standing.Light.values},
            "models_seen": visible.count(),
            "attention": visible.filter(standing__light__in=["breach", "watch"])
            .select_related("standing", "owner__details", "unit")
            .order_by("standing__light", "ref")[:12],
            "own": own.select_related("standing").order_by("ref")[:12],
            "open_breaches": Breach.objects.visible_to(request.user).current().filter(level="breach").count(),
            "running": Run.objects.visible_to(request.user)
            .filter(job__state__in=["queued", "running"])
            .select_related("job", "model", "monitor")[:8],
            "proposals": _proposals_for(request.user),
            "changed": lines_of(_entries_seen(request, visible)),
        },
    )


def _proposals_for(account) -> list[Proposal]:
    """Role changes that wait for this administrator: those that another person asked for."""
    if not may(account, Permission.MANAGE_PEOPLE):
        return []
    return list(Proposal.objects.open().exclude(asked_by=account.person).select_related("asked_by__details")[:12])


def _entries_seen(request: HttpRequest, visible) -> list[Entry]:
    names = [
        f"inventory.model:{pk}" for pk in visible.order_by("-standing__last_run_at").values_list("pk", flat=True)[:50]
    ]
    return list(Entry.objects.filter(trails__overlap=names).select_related("sealed_in").newest_first()[:12])
