"""The frame of a model's pages: the tabs of every app that has something of it, and what the model waits for.

The portal knows all of them; each app knows its own pages and those of the apps below it.
"""

from __future__ import annotations

from django import template
from django.urls import reverse

from inventory.models import Model, ModelVersion
from jobs.models import Job
from monitoring.services import standing

register = template.Library()

# label, name of the URL; a view names its tab by the label
TABS = (
    ("Overview", "model"),
    ("Record", "model-record"),
    ("Versions", "model-versions"),
    ("Uses and limits", "model-parts"),
    ("Tier", "model-tier"),
    ("Monitoring", "model-monitoring"),
    ("Network", "model-network"),
    ("Audit trail", "model-trail"),
)


@register.inclusion_tag("parts/tabs.html", takes_context=True)
def model_tabs(context) -> dict:
    """Tabs over a page of a model. Context: model, model_tab (the label of its own), version_count."""
    counts = {"Versions": context["version_count"]}
    tabs = [
        {
            "label": label,
            "url": reverse(name, args=[context["model"].ref]),
            "current": label == context["model_tab"],
            "count": counts.get(label),
        }
        for label, name in TABS
    ]
    return {"tabs": tabs, "tabs_label": "Model"}


@register.simple_tag
def headline_levels(model: Model) -> dict[str, str]:
    """How the model's newest AUC and PSI of the score stand by their thresholds."""
    return standing.headline_levels(model)


@register.inclusion_tag("portal/model_to_do.html", takes_context=True)
def model_to_do(context) -> dict:
    """What the model waits for, in its head. Context: model, latest (its newest version)."""
    return {"to_do": to_do(context["model"], context["latest"])}


def to_do(model: Model, latest: ModelVersion | None) -> list[dict]:
    """What the model waits for, the worst first: each with its state, what, where, and who is to act."""
    acts = [_about_version(model, latest), _about_breaches(model), _about_watching(model, latest)]
    acts.append(_about_upstream(model))
    return sorted(filter(None, acts), key=lambda act: act["state"] != "breach")


def _about_version(model: Model, latest: ModelVersion | None) -> dict | None:
    states = ModelVersion.DigestState
    maker = f"{model.developer}, developer" if model.developer else f"{model.owner}, owner"
    url = reverse("model-versions", args=[model.ref])
    if latest is None:
        return _act("watch", "Register a first version", url, f"{maker}, by the API")
    place = f"{url}#version-{latest.pk}"
    if latest.digest_state == states.MISMATCH:
        return _act("breach", f"Register {latest.label} again from the right artefact, under a new label", place, maker)
    if latest.digest_state == states.FAILED:
        return _act("watch", f"Make the artefact of {latest.label} readable", place, maker)
    return None


def _about_breaches(model: Model) -> dict | None:
    count = model.standing.open_breaches
    if not count:
        return None
    what = f"Look into {count} open breach{'' if count == 1 else 'es'}"
    return _act("breach", what, f"{reverse('model-monitoring', args=[model.ref])}#breaches", f"{model.owner}, owner")


def _about_watching(model: Model, latest: ModelVersion | None) -> dict | None:
    """A version that could be watched, and no run that has."""
    is_over = model.stage == Model.Stage.RETIRED
    if is_over or model.standing.last_run_at or not latest or latest.digest_state != latest.DigestState.VERIFIED:
        return None
    if model.runs.filter(job__state__in=Job.UNFINISHED).exists():
        return None
    what = "Start its monitoring: no window has been measured"
    return _act("watch", what, reverse("model-monitoring", args=[model.ref]), f"{model.owner}, owner")


def _about_upstream(model: Model) -> dict | None:
    """Reviews that a change upstream asks for."""
    mark = model.review_marks.open().first()
    if mark is None:
        return None
    what = f"Look into a {mark.get_cause_display().lower()} by {mark.due_on.day} {mark.due_on:%b %Y}"
    return _act("watch", what, f"{reverse('model-network', args=[model.ref])}#reviews", f"{model.owner}, owner")


def _act(state: str, what: str, url: str, who: str) -> dict:
    return {"state": state, "what": what, "url": url, "who": who}
