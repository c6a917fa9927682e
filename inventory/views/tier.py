"""Pages about a model's tier: what it is and why, the form that rates it, and what a second person says."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from accounts.refusals import InvalidInput
from inventory import permissions, policies, services
from inventory.access import find_model
from inventory.forms.tiers import DecisionForm, JudgementForm, OverrideForm, RatingForm, ReasonForm
from inventory.measures.scheme import INHERENT, MATERIALITY, PARTS, Scheme, read_scheme
from inventory.models import Assessment, Model, TieringScheme, TierOverride
from inventory.views.model import model_frame
from inventory.views.receipts import receipt_words
from proposals.models import Proposal
from proposals.policies import conflict_of
from proposals.services import withdraw

SHOWN = 20
JUDGES = {"confirm": services.confirm_rating, "challenge": services.challenge_rating}


@require_safe
def tier(request: HttpRequest, ref: str) -> HttpResponse:
    """The tier in force, everything that it came from, and what it drives."""
    found = find_model(request, ref)
    return render(request, "inventory/tier.html", _tier_context(request, found))


def _tier_context(request: HttpRequest, found: Model, form: OverrideForm | None = None) -> dict:
    assessment = _current(found)
    context = model_frame(request, found, "Tier") | {
        "assessment": assessment,
        "scheme_in_force": TieringScheme.objects.in_force().first(),
        "can_rate": permissions.can_rate(request.user, found) and found.stage != Model.Stage.RETIRED,
    }
    if assessment is None:
        return context
    scheme = read_scheme(assessment.scheme.content)
    override = found.overrides.in_force().select_related("granted_by__details", "proposal__asked_by__details").first()
    return context | {
        "scheme": scheme,
        "policy": scheme.policy(found.tier),
        "override": override,
        "axes": [_axis(scheme, name, assessment) for name in scheme.axes],
        "residual": _band_label(scheme, INHERENT, assessment.residual),
        "parts": inputs_of(scheme, assessment),
        "matrix": matrix_of(scheme, assessment),
        "waiting": _waiting(found, request.user),
        "can_judge": permissions.can_judge_rating(request.user, assessment),
        "can_decide": permissions.can_decide_tier(request.user, found),
        "override_form": form or OverrideForm(tiers=_other_tiers(scheme, assessment)),
        "ratings": found.assessments.select_related("scheme", "rated_by__details", "judged_by__details")[:SHOWN],
        "ended": found.overrides.exclude(ended_at=None).select_related("granted_by__details")[:SHOWN],
    }


def _current(found: Model) -> Assessment | None:
    people = ("answered_by__details", "rated_by__details", "judged_by__details")
    current = found.assessments.current().select_related("scheme", *people).first()
    if current:
        current.model = found
    return current


def _waiting(found: Model, account: Account) -> list[Proposal]:
    """Overrides that wait for a decision, each with why the reader may not decide it."""
    asked = Proposal.objects.open().filter(kind=services.OVERRIDE_TIER, trail=f"inventory.model:{found.pk}")
    waiting = list(asked.select_related("asked_by__details").prefetch_related("conflicts"))
    for proposal in waiting:
        proposal.conflict = conflict_of(proposal, account.person)
    return waiting


def _other_tiers(scheme: Scheme, assessment: Assessment) -> list[tuple[int, str]]:
    return [(p.tier, f"Tier {p.tier}, {p.label.lower()}") for p in scheme.tiers if p.tier != assessment.tier]


def _axis(scheme: Scheme, name: str, assessment: Assessment) -> dict:
    """An axis as it stands: its band and score; both empty where an answer is missing."""
    return {
        "label": scheme.axes[name].label,
        "band": _band_label(scheme, name, assessment.bands.get(name, "")),
        "score": assessment.scores.get(name),
        "highest": float(scheme.axes[name].bands[-1].end),
    }


def _band_label(scheme: Scheme, axis: str, name: str) -> str:
    return next((band.label for band in scheme.axes[axis].bands if band.name == name), "")


def inputs_of(scheme: Scheme, assessment: Assessment) -> list[dict]:
    """Each part of the scheme with its score, and in it every factor with what was answered."""
    return [
        {
            "label": label,
            "score": assessment.scores.get(part),
            "factors": [_factor(factor, assessment.answers.get(factor.name)) for factor in scheme.factors_of(part)],
        }
        for part, label in PARTS.items()
    ]


def _factor(factor, answer: dict | None) -> dict:
    level = factor.level(answer["level"]) if answer else None
    return {
        "factor": factor,
        "weight": float(factor.weight),
        "level": level,
        "points": float(level.points) if level else None,
        "rationale": answer["rationale"] if answer else "",
    }


def matrix_of(scheme: Scheme, assessment: Assessment | None) -> dict:
    """The matrix as a table, the highest risk on top; the cell of the rating is marked."""
    rows, columns = scheme.axes[INHERENT].bands, scheme.axes[MATERIALITY].bands
    bands = assessment.bands if assessment else {}
    return {
        "columns": [band.label for band in columns],
        "rows": [
            {
                "label": row.label,
                "cells": [
                    {
                        "tier": scheme.matrix[number][place],
                        "is_here": (bands.get(INHERENT), bands.get(MATERIALITY)) == (row.name, column.name),
                    }
                    for place, column in enumerate(columns)
                ],
            }
            for number, row in reversed(list(enumerate(rows)))
        ],
    }


@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: HttpRequest, ref: str) -> HttpResponse:
    """The questions of the scheme in force, with the answers of last time; sent, the model is rated."""
    found = find_model(request, ref)
    permissions.check_can_rate(request.user, found)
    policies.check_not_retired(found)
    in_force = TieringScheme.objects.in_force().first()
    if in_force is None:
        return redirect("model-tier", found.ref)
    form = RatingForm(request.POST or None, scheme=read_scheme(in_force.content), before=_current(found))
    if request.method == "POST" and form.is_valid():
        try:
            assessment = services.rate_model(
                model=found, answers=form.answers(), exposure=form.cleaned_data["amount"], by=request.user
            )
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"Rated: tier {assessment.tier}, provisional until somebody else confirms it.")
            return redirect("model-tier", found.ref)
    groups = [group | {"label": PARTS[group["part"]]} for group in form.groups()]
    context = model_frame(request, found, "Tier") | {"form": form, "groups": groups, "in_force": in_force}
    return render(request, "inventory/rate.html", context)


@require_POST
def judge_rating(request: HttpRequest, number: int) -> HttpResponse:
    """Confirm or challenge a rating."""
    assessment = get_object_or_404(Assessment, pk=number, model__in=Model.objects.visible_to(request.user))
    form = JudgementForm(request.POST)
    if not form.is_valid():
        return _nothing_said(request, assessment.model)
    judged = JUDGES[form.cleaned_data["judgement"]](
        assessment=assessment, reason=form.cleaned_data["reason"], by=request.user
    )
    messages.success(request, f"{judged.get_state_display()}: tier {judged.tier}. {receipt_words(judged)}")
    return redirect("model-tier", assessment.model.ref)


@require_POST
def propose_override(request: HttpRequest, ref: str) -> HttpResponse:
    found = find_model(request, ref)
    permissions.check_can_rate(request.user, found)
    assessment = _current(found)
    tiers = _other_tiers(read_scheme(assessment.scheme.content), assessment) if assessment else []
    form = OverrideForm(request.POST, tiers=tiers)
    if form.is_valid():
        try:
            proposal = services.propose_override(model=found, **form.cleaned_data, by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            said = f"Proposed: {proposal.change['what']}. Another person decides. {receipt_words(proposal)}"
            messages.success(request, said)
            return redirect("model-tier", found.ref)
    return render(request, "inventory/tier.html", _tier_context(request, found, form))


def _asked_for(request: HttpRequest, number: int) -> tuple[Proposal, Model]:
    """An override that was proposed, and its model, where the reader sees it."""
    proposal = get_object_or_404(Proposal, pk=number, kind=services.OVERRIDE_TIER)
    visible = Model.objects.visible_to(request.user)
    return proposal, get_object_or_404(visible, pk=proposal.trail.partition(":")[2])


@require_POST
def decide_override(request: HttpRequest, number: int) -> HttpResponse:
    proposal, found = _asked_for(request, number)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _nothing_said(request, found)
    decided = services.decide_override(
        proposal=proposal,
        accept=form.cleaned_data["decision"] == "accept",
        reason=form.cleaned_data["reason"],
        by=request.user,
    )
    messages.success(request, f"{decided.get_state_display()}: {decided.change['what']}. {receipt_words(decided)}")
    return redirect("model-tier", found.ref)


@require_POST
def withdraw_override(request: HttpRequest, number: int) -> HttpResponse:
    proposal, found = _asked_for(request, number)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _nothing_said(request, found)
    withdrawn = withdraw(proposal=proposal, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(request, f"Withdrawn: {withdrawn.change['what']}. {receipt_words(withdrawn)}")
    return redirect("model-tier", found.ref)


@require_POST
def take_back_override(request: HttpRequest, number: int) -> HttpResponse:
    override = get_object_or_404(TierOverride, pk=number, model__in=Model.objects.visible_to(request.user))
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _nothing_said(request, override.model)
    services.take_back_override(override=override, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(request, f"Taken back: tier {override.computed_tier} holds again. {receipt_words(override)}")
    return redirect("model-tier", override.model.ref)


def _nothing_said(request: HttpRequest, found: Model) -> HttpResponse:
    messages.error(request, "Nothing was done: say why. The reason is part of the record.")
    return redirect("model-tier", found.ref)
