"""The page that everybody starts from."""

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.permissions import may
from accounts.roles import Permission
from inventory.models import Model, ReviewMark, Standing
from jobs.models import Job
from monitoring.models import Breach, Run
from portal.trail import lines_of
from portal.views.administration import name_people
from portal.visibility import entries_seen_by, keys_named
from proposals.models import Proposal
from proposals.services import ADMINISTRATORS_KINDS

SHOWN = 12
CHANGES = 8
# By the last word of the event's name; others have the clock.
ICONS = {"registered": "plus", "edited": "edit", "verified": "finger", "mismatch": "breach", "opened": "breach"} | {
    "completed": "play",
    "asked": "play",
    "filed": "file",
    "explained": "file",
}
RUN_COMPLETED = "monitoring.run_completed"
CROSSED = ("monitoring.breach_opened", "monitoring.watch_moved")  # a run's own line counts them
ABOUT_MODELS = Q(event__startswith="inventory.") | Q(event__startswith="monitoring.")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me, how the models that I see stand, what happened to them last."""
    visible = Model.objects.visible_to(request.user)
    lights, tiers = _counts(visible, "standing__light"), _counts(visible, "tier")
    own = visible.filter(Q(owner=request.user.person) | Q(developer=request.user.person))
    context = {
        "lights": {light: lights.get(light, 0) for light in Standing.Light.values},
        "tiers": {f"t{tier}": tiers.get(tier, 0) for tier in (1, 2, 3, 4)},
        "no_tier": tiers.get(None, 0),
        "models_seen": sum(lights.values()),
        "attention": _standing_badly(visible)[:SHOWN],
        "attention_count": lights.get("breach", 0) + lights.get("watch", 0),
        "reviews": _reviews_of(request.user),
        "own": own.select_related("standing", "unit").order_by("ref")[:SHOWN],
        "running": _running(request.user),
        "proposals": proposals_for(request.user),
        "changed": _changed(request.user),
        "sees_models": may(request.user, Permission.SEE_MODELS),
        "manages_people": may(request.user, Permission.MANAGE_PEOPLE),
        "today": timezone.localdate(),
    }
    return render(request, "portal/home.html", context)


def _counts(visible: QuerySet[Model], field: str) -> dict:
    return dict(visible.values_list(field).annotate(models=Count("pk")).order_by())


def _standing_badly(visible: QuerySet[Model]) -> QuerySet[Model]:
    """Breaches before what is watched, the most material and the longest-standing first."""
    return (
        visible.filter(standing__light__in=["breach", "watch"])
        .select_related("standing", "owner__details", "unit")
        .order_by("standing__light", "tier", "standing__light_since", "ref")
    )


def _reviews_of(account: Account) -> list[ReviewMark]:
    """What changes upstream ask the owner and the developer of a model to look into, the most urgent first."""
    mine = Q(model__owner=account.person) | Q(model__developer=account.person)
    marks = ReviewMark.objects.open().filter(mine, model__in=Model.objects.visible_to(account))
    return list(marks.select_related("model", "upstream_model", "upstream_asset").order_by("due_on", "pk")[:SHOWN])


def _running(account: Account) -> list[Run]:
    unfinished = Run.objects.visible_to(account).filter(job__state__in=Job.UNFINISHED)
    return list(unfinished.select_related("job", "model", "monitor")[:8])


def _changed(account: Account) -> list[dict]:
    """What happened last to the models that the account sees; a run says how many thresholds it crossed."""
    entries = entries_seen_by(account).filter(ABOUT_MODELS).exclude(event__in=CROSSED)
    lines = lines_of(
        entries.select_related("sealed_in").newest_first()[:CHANGES], models=Model.objects.visible_to(account)
    )
    crossed = _crossed_in([run for line in lines if (run := _run_of(line.entry))])
    return [
        {
            "line": line,
            "icon": ICONS.get(line.entry.event.rpartition("_")[2], "history"),
            "run": _run_of(line.entry),
            "crossed": crossed.get(_run_of(line.entry), 0),
        }
        for line in lines
    ]


def _run_of(entry) -> int | None:
    """Key of the run whose end an entry announces: one line for all that it crossed."""
    return next(iter(keys_named(Run, [entry.subject])), None) if entry.event == RUN_COMPLETED else None


def _crossed_in(runs: list[int]) -> dict[int, int]:
    found = Breach.objects.filter(window__run__in=runs).values_list("window__run")
    return dict(found.annotate(count=Count("pk")).order_by())


def proposals_for(account: Account) -> list[Proposal]:
    """Role changes that wait for this administrator: all but those that this person may not decide."""
    if not may(account, Permission.MANAGE_PEOPLE):
        return []
    waiting = Proposal.objects.open().filter(kind__in=ADMINISTRATORS_KINDS).exclude(conflicts__person=account.person)
    return name_people(waiting.select_related("asked_by__details")[:SHOWN])
