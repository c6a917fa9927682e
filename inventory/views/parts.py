"""Pages of the records below a model's: uses and limits in lists, and each with the form that edits it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.refusals import InvalidInput
from inventory import permissions, services
from inventory.access import find_model
from inventory.forms.records import DecisionForm, PartForm, ReasonForm, RegisterForm, RenewalForm, ValueForm
from inventory.models import NOUNS, ApprovedPart, Model, Noun, Overlay, Part
from inventory.policies import today
from inventory.refusals import ChangedSince
from inventory.services.overlays import renewals_for
from inventory.views.model import model_frame
from inventory.views.rebasing import rebase
from inventory.views.record import who_changed

TAB = "Uses and limits"


@require_safe
def parts(request: HttpRequest, ref: str) -> HttpResponse:
    """Uses, assumptions, limitations, overlays, exceptions and responsibilities of a model."""
    found = find_model(request, ref)
    sections = [(noun, _listed(found, noun)) for noun in NOUNS.values()]
    context = {"sections": sections, "today": today()}
    return render(request, "inventory/parts.html", model_frame(request, found, TAB) | context)


def _listed(found: Model, noun: Noun) -> list[Part]:
    rows = noun.part.objects.filter(model=found).with_people().order_by("closed_at", "number")
    beside = {
        "overlays": ("limitation",),
        "responsibilities": ("person__details",),
    }.get(noun.key, ())
    rows = rows.select_related(*beside) if beside else rows
    if noun.key == "overlays":
        rows = rows.prefetch_related("values", "renewals")
    if noun.key == "limitations":
        rows = rows.prefetch_related("overlays", "renewals")
    return list(rows)


@require_http_methods(["GET", "HEAD", "POST"])
def add_part(request: HttpRequest, ref: str, noun: str) -> HttpResponse:
    """A form for one more of a noun; filled in, the part."""
    found, kind = _model_and_noun(request, ref, noun)
    permissions.check_can_edit(request.user, found)
    form = PartForm(request.POST or None, noun=kind, model=found, values={}, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            part = services.add_part(model=found, noun=kind, values=form.changes(), by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"{part.ref} is on the record.")
            return redirect("part", found.ref, kind.key, part.number)
    context = {"form": form, "noun": kind, "part": None}
    return render(request, "inventory/part.html", model_frame(request, found, TAB) | context)


@require_http_methods(["GET", "HEAD", "POST"])
def part(request: HttpRequest, ref: str, noun: str, item: int) -> HttpResponse:
    """One part, with the form that edits it and what else can be done about it."""
    found, kind, stored = _part(request, ref, noun, item)
    form = _form(request, found, kind, stored)
    moved, by = [], None
    if request.method == "POST":
        permissions.check_can_edit(request.user, found)
        if form.is_valid():
            try:
                services.edit_part(
                    part=stored, changes=form.changes(), expected_digest=form.cleaned_data["read"], by=request.user
                )
            except ChangedSince:
                form, moved, by = _rebased(request, form, found, kind, stored)
            except InvalidInput as refusal:
                form.add_problems(refusal.problems)
            else:
                messages.success(request, f"{stored.ref} is changed.")
                return redirect("part", found.ref, kind.key, item)
    context = _part_context(request, found, kind, stored) | {"form": form, "moved": moved, "moved_by": by}
    return render(request, "inventory/part.html", context)


def _part_context(request: HttpRequest, found: Model, kind: Noun, stored: Part) -> dict:
    """What the page of a part shows beside its form."""
    can_change = permissions.can_edit(request.user, found) and not stored.closed_at
    context = {
        "noun": kind,
        "part": stored,
        "today": today(),
        "can_change": can_change,
        "can_judge": permissions.can_judge(request.user, found),
        "waiting": services.waiting_approval(stored) if isinstance(stored, ApprovedPart) else None,
        "reason_form": ReasonForm(auto_id="close_%s"),
        "ask_form": ReasonForm(auto_id="ask_%s"),
    }
    if isinstance(stored, Overlay):
        context |= {
            "values": stored.values.select_related("set_by__details"),
            "renewals": stored.renewals.select_related("renewed_by__details"),
            "renewal_count": renewals_for(stored),
            "value_form": ValueForm(auto_id="value_%s"),
            "renewal_form": RenewalForm(auto_id="renewal_%s"),
            "is_over": stored.expires_on < today(),
        }
    return model_frame(request, found, TAB) | context


def _form(request: HttpRequest, found: Model, kind: Noun, stored: Part, data=None) -> PartForm:
    values = {name: getattr(stored, name) for name in kind.fields}
    values["review_asked_on"] = getattr(stored, "review_asked_on", None)
    return PartForm(
        data or request.POST or None,
        noun=kind,
        model=found,
        values=values,
        by=request.user,
        read=services.part_digest(stored),
    )


def _rebased(request: HttpRequest, form: PartForm, found: Model, kind: Noun, stored: Part) -> tuple:
    stored.refresh_from_db()
    now = {name: getattr(stored, name) for name in kind.fields}
    was = services.values_at(stored, kind.fields, form.cleaned_data["read"]) or now
    data, moved = rebase(form, was, now, services.part_digest(stored))
    return _form(request, found, kind, stored, data), moved, who_changed(stored)


@require_POST
def close_part(request: HttpRequest, ref: str, noun: str, item: int) -> HttpResponse:
    return _act(request, ref, noun, item, ReasonForm, services.close_part, "is closed")


@require_POST
def ask_for_approval(request: HttpRequest, ref: str, noun: str, item: int) -> HttpResponse:
    _approved_noun(noun)
    return _act(
        request, ref, noun, item, ReasonForm, services.ask_for_approval, "waits for another person to approve it"
    )


@require_POST
def decide_approval(request: HttpRequest, ref: str, noun: str, item: int) -> HttpResponse:
    found, kind, stored = _part(request, ref, _approved_noun(noun), item)
    proposal, form = services.waiting_approval(stored), DecisionForm(request.POST)
    if not form.is_valid() or proposal is None:
        messages.error(request, "Nothing was decided: nothing waits, or the reason is missing.")
        return redirect("part", found.ref, kind.key, item)
    is_accepted = form.cleaned_data["decision"] == "accept"
    decided = services.decide_approval(
        proposal=proposal, accept=is_accepted, reason=form.cleaned_data["reason"], by=request.user
    )
    messages.success(request, f"{decided.get_state_display()}: {decided.change['what']}.")
    return redirect("part", found.ref, kind.key, item)


@require_POST
def renew_overlay(request: HttpRequest, ref: str, item: int) -> HttpResponse:
    return _act(request, ref, "overlays", item, RenewalForm, services.renew_overlay, "is renewed", argument="overlay")


@require_POST
def set_overlay_value(request: HttpRequest, ref: str, item: int) -> HttpResponse:
    return _act(
        request, ref, "overlays", item, ValueForm, services.set_overlay_value, "has a new value", argument="overlay"
    )


def _act(
    request: HttpRequest,
    ref: str,
    noun: str,
    item: int,
    form_class: type[RegisterForm],
    service: Callable,
    done: str,
    *,
    argument: str = "part",
) -> HttpResponse:
    """One thing that is done about a part, with its small form beside the part; faults are said on the part's page."""
    found, kind, stored = _part(request, ref, noun, item)
    permissions.check_can_edit(request.user, found)
    form = form_class(request.POST)
    if form.is_valid():
        try:
            service(**{argument: stored}, **form.cleaned_data, by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"{stored.ref} {done}.")
            return redirect("part", found.ref, kind.key, item)
    context = _part_context(request, found, kind, stored) | {
        "form": PartForm(
            noun=kind,
            model=found,
            values={name: getattr(stored, name) for name in kind.fields},
            by=request.user,
            read=services.part_digest(stored),
        ),
        "act_form": form,
    }
    return render(request, "inventory/part.html", context)


def _approved_noun(noun: str) -> str:
    if noun not in NOUNS or not NOUNS[noun].takes_approval:
        raise Http404
    return noun


def _model_and_noun(request: HttpRequest, ref: str, noun: str) -> tuple[Model, Noun]:
    if noun not in NOUNS:
        raise Http404
    return find_model(request, ref), NOUNS[noun]


def _part(request: HttpRequest, ref: str, noun: str, item: int) -> tuple[Model, Noun, Part]:
    found, kind = _model_and_noun(request, ref, noun)
    return found, kind, get_object_or_404(kind.part.objects.with_people(), model=found, number=item)
