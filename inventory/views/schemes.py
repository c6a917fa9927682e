"""Pages of the tiering schemes: what is in force, what a draft would do to the book, and the decision on it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import check_may, may
from accounts.refusals import InvalidInput
from accounts.roles import Permission
from inventory import services
from inventory.forms.schemes import SchemeForm, as_text
from inventory.forms.tiers import DecisionForm, ReasonForm
from inventory.measures.scheme import PARTS, read_scheme
from inventory.models import Model, TieringScheme
from inventory.views.receipts import receipt_words
from inventory.views.tier import matrix_of
from proposals.models import Proposal
from proposals.policies import conflict_of
from proposals.services import withdraw

ASKS_AND_ACTS = require_http_methods(["GET", "HEAD", "POST"])
MOST_MOVING = 500


@require_safe
def schemes(request: HttpRequest) -> HttpResponse:
    """Every version of the scheme, the newest first."""
    listed = TieringScheme.objects.select_related("drafted_by__details", "published_by__details")
    context = {"schemes": listed, "can_keep": may(request.user, Permission.KEEP_SCHEMES)}
    return render(request, "inventory/schemes.html", context)


@require_safe
def scheme(request: HttpRequest, number: int) -> HttpResponse:
    """One version in full; of a draft, also what it would do to the models that the reader sees."""
    found = _found(number)
    read = read_scheme(found.content)
    is_draft = found.state == TieringScheme.State.DRAFT
    visible = Model.objects.visible_to(request.user)
    effect = services.effect_on_book(scheme=found, among=visible.values("pk")) if is_draft else None
    context = {
        "found": found,
        "scheme": read,
        "parts": [{"label": label, "factors": read.factors_of(part)} for part, label in PARTS.items()],
        "matrix": matrix_of(read, None),
        "axes": [_axis(axis) for axis in read.axes.values()],
        "effect": effect,
        "moves": _moves(effect) if effect else None,
        "moving": effect.moving[:MOST_MOVING] if effect else [],
        "lacking": effect.without_answer[:MOST_MOVING] if effect else [],
        "waiting": _waiting(found, request),
        "can_keep": may(request.user, Permission.KEEP_SCHEMES),
        "crumbs": [{"label": "Tiering schemes", "url": reverse("schemes")}],
    }
    return render(request, "inventory/scheme.html", context)


def _found(number: int) -> TieringScheme:
    people = ("drafted_by__details", "published_by__details")
    return get_object_or_404(TieringScheme.objects.select_related(*people), number=number)


def _axis(axis) -> dict:
    return {
        "label": axis.label,
        "weights": [(PARTS[part], float(weight)) for part, weight in axis.weights.items()],
        "bands": [(band.label, float(band.start), float(band.end)) for band in axis.bands],
    }


def _moves(effect: services.BookEffect) -> dict:
    """From where to where, as a table: rows the tier now, columns the tier then."""
    ends = sorted({end for pair in effect.counts for end in pair}, key=lambda tier: (tier is None, tier))
    return {
        "ends": ends,
        "rows": [
            {"start": start, "cells": [{"count": effect.counts[start, end], "moves": start != end} for end in ends]}
            for start in ends
        ],
    }


def _waiting(found: TieringScheme, request: HttpRequest) -> list[Proposal]:
    asked = Proposal.objects.open().filter(kind=services.PUBLISH_SCHEME, subject=f"inventory.tieringscheme:{found.pk}")
    waiting = list(asked.select_related("asked_by__details").prefetch_related("conflicts"))
    for proposal in waiting:
        proposal.conflict = conflict_of(proposal, request.user.person)
    return waiting


@ASKS_AND_ACTS
def draft_scheme(request: HttpRequest) -> HttpResponse:
    """The next version, begun from the one in force; the first one from the scheme that is shipped."""
    check_may(request.user, Permission.KEEP_SCHEMES)
    in_force = TieringScheme.objects.in_force().first()
    content = in_force.content if in_force else services.shipped_scheme()
    form = SchemeForm(request.POST or None, initial={"content": as_text(content)})
    return _written(request, form, "Draft the next scheme", services.draft_scheme)


@ASKS_AND_ACTS
def edit_scheme(request: HttpRequest, number: int) -> HttpResponse:
    check_may(request.user, Permission.KEEP_SCHEMES)
    found = _found(number)
    form = SchemeForm(request.POST or None, initial={"content": as_text(found.content), "note": found.note})
    return _written(request, form, f"Edit scheme no. {found.number}", services.edit_scheme, scheme=found)


def _written(request: HttpRequest, form: SchemeForm, heading: str, service, **about) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            written = service(**about, **form.cleaned_data, by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"{written} is a draft: see below what it would do to the book.")
            return redirect("scheme", written.number)
    crumbs = [{"label": "Tiering schemes", "url": reverse("schemes")}]
    return render(request, "inventory/scheme_form.html", {"form": form, "heading": heading, "crumbs": crumbs})


@require_POST
def propose_scheme(request: HttpRequest, number: int) -> HttpResponse:
    check_may(request.user, Permission.KEEP_SCHEMES)
    return _acted(request, _found(number), services.propose_scheme, "Proposed: another officer decides.")


@require_POST
def discard_scheme(request: HttpRequest, number: int) -> HttpResponse:
    check_may(request.user, Permission.KEEP_SCHEMES)
    return _acted(request, _found(number), services.discard_scheme, "Discarded; the record stays.")


def _acted(request: HttpRequest, found: TieringScheme, service, words: str) -> HttpResponse:
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _nothing_said(request, found)
    service(scheme=found, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(request, f"{words} {receipt_words(found)}")
    return redirect("scheme", found.number)


@require_POST
def decide_scheme(request: HttpRequest, number: int) -> HttpResponse:
    check_may(request.user, Permission.KEEP_SCHEMES)
    proposal, found = _proposed(number)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _nothing_said(request, found)
    accept = form.cleaned_data["decision"] == "accept"
    decided = services.decide_scheme(
        proposal=proposal, accept=accept, reason=form.cleaned_data["reason"], by=request.user
    )
    messages.success(request, f"{decided.get_state_display()}: {decided.change['what']}. {receipt_words(decided)}")
    return redirect("scheme", found.number)


@require_POST
def withdraw_scheme(request: HttpRequest, number: int) -> HttpResponse:
    check_may(request.user, Permission.KEEP_SCHEMES)
    proposal, found = _proposed(number)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _nothing_said(request, found)
    withdrawn = withdraw(proposal=proposal, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(request, f"Withdrawn: {withdrawn.change['what']}. {receipt_words(withdrawn)}")
    return redirect("scheme", found.number)


def _proposed(number: int) -> tuple[Proposal, TieringScheme]:
    proposal = get_object_or_404(Proposal, pk=number, kind=services.PUBLISH_SCHEME)
    return proposal, TieringScheme.objects.get(pk=proposal.subject.partition(":")[2])


def _nothing_said(request: HttpRequest, found: TieringScheme) -> HttpResponse:
    messages.error(request, "Nothing was done: say why. The reason is part of the record.")
    return redirect("scheme", found.number)
