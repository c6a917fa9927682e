"""People and roles: who holds what, what is proposed, and the decisions on it."""

import functools
from collections.abc import Iterable

from django.contrib import messages
from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Person, RoleAssignment
from accounts.permissions import check_may, may
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import MATRIX, Permission, Role
from audit.reading import key_of
from inventory.views.receipts import receipt_words
from portal.forms import DecisionForm, ReasonForm, RoleForm
from proposals import services as proposals
from proposals.models import Proposal
from proposals.policies import conflict_of
from web.keyset import KeysetPage

DECIDES = {
    proposals.ROLE: proposals.decide_role,
    proposals.END_ROLE: proposals.decide_end_of_role,
    proposals.ENABLE: proposals.decide_enabling,
    proposals.SERVICE_TOKEN: proposals.decide_token,
}
PAGE = 100
DECIDED = 20
MOST_UNITS = 50
SORTS = {"name": ("called", "called"), "hr": ("hr_number", "hr_number")}


def guarded(permission: Permission):
    """403 with its sentence where the reader does not have the permission."""

    def decorate(view):
        @functools.wraps(view)
        def guarded_view(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            try:
                check_may(request.user, permission)
            except NotPermitted as refusal:
                return forbidden(request, refusal)
            return view(request, *args, **kwargs)

        return guarded_view

    return decorate


def forbidden(request: HttpRequest, refusal: NotPermitted) -> HttpResponse:
    return render(request, "403.html", {"reason": str(refusal)}, status=403)


def tabs_of(request: HttpRequest, current: str) -> dict:
    """The pages of administration that the reader may open."""
    places = (
        ("People and roles", "administration", may(request.user, Permission.SEE_ADMINISTRATION)),
        ("The log’s key", "epochs", may(request.user, Permission.SEE_ADMINISTRATION)),
        ("Regimes", "frameworks", True),
        ("Record fields", "record-fields", True),
        ("Tiering schemes", "schemes", True),
        ("Background work", "jobs", may(request.user, Permission.SEE_JOBS)),
        ("API tokens", "tokens", True),
        ("API guide", "api-guide", True),
    )
    return {
        "tabs": [
            {"label": label, "url": reverse(name), "current": name == current}
            for label, name, is_open in places
            if is_open
        ],
        "tabs_label": "Administration",
    }


@require_safe
@guarded(Permission.SEE_ADMINISTRATION)
def administration(request: HttpRequest) -> HttpResponse:
    """People with their roles, what is proposed, and what each role permits."""
    form = RoleForm(initial={"person": request.GET.get("person", "")})
    return render(request, "portal/administration.html", _people_context(request, form))


def _people_context(request: HttpRequest, form: RoleForm) -> dict:
    words = request.GET.get("q", "").replace("\0", "").strip()[:100]
    matching = _people().filter(Q(details__full_name__icontains=words) | Q(hr_number__icontains=words))
    page = KeysetPage(matching, request.GET, sorts=SORTS, default="name", size=PAGE)
    known = Proposal.objects.filter(kind__in=DECIDES).select_related("asked_by__details", "decided_by__details")
    waiting = name_people(known.open().prefetch_related("conflicts")[:PAGE])
    for proposal in waiting:
        proposal.conflict = conflict_of(proposal, request.user.person)
    return tabs_of(request, "administration") | {
        "people": page.rows,
        "pages": page.foot(total=matching.count(), noun="people"),
        "words": words,
        "waiting": waiting,
        "decided": name_people(known.exclude(state=Proposal.State.OPEN)[:DECIDED]),
        "can_manage": may(request.user, Permission.MANAGE_PEOPLE),
        "form": form,
        "roles": list(Role),
        "matrix": [
            {"permission": permission.value.capitalize(), "reach": [_reach(role, permission) for role in Role]}
            for permission in Permission
        ],
    }


def _reach(role: Role, permission: Permission) -> str:
    reach = MATRIX[role].get(permission)
    return reach.words.capitalize() if reach else ""


def _people() -> QuerySet[Person]:
    """Everybody with roles in force and accounts; who was erased is called by the HR number."""
    in_force = RoleAssignment.objects.in_force().select_related("unit").order_by("role", "unit__path")
    return (
        Person.objects.annotate(called=Coalesce("details__full_name", "hr_number"))
        .select_related("details", "unit", "line_manager__details")
        .prefetch_related("accounts", Prefetch("roles", in_force, to_attr="roles_in_force"))
    )


def name_people(waiting: Iterable[Proposal]) -> list[Proposal]:
    """The proposals, each with the person on whose trail it is as `person`; one query for all."""
    waiting = list(waiting)
    people = Person.objects.select_related("details").in_bulk({key_of(proposal.trail) for proposal in waiting})
    for proposal in waiting:
        proposal.person = people[key_of(proposal.trail)]
    return waiting


@require_POST
@guarded(Permission.SEE_ADMINISTRATION)
def propose_role(request: HttpRequest) -> HttpResponse:
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            proposal = proposals.propose_role(**form.cleaned_data, by=request.user)
        except NotPermitted as refusal:
            return forbidden(request, refusal)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, proposed_words(proposal))
            return redirect("administration")
    return render(request, "portal/administration.html", _people_context(request, form))


@require_POST
@guarded(Permission.SEE_ADMINISTRATION)
def decide_proposal(request: HttpRequest, number: int) -> HttpResponse:
    proposal = get_object_or_404(Proposal, pk=number, kind__in=DECIDES)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was decided: say why. The reason is part of the record.")
        return redirect("administration")
    try:
        decided = DECIDES[proposal.kind](
            proposal=proposal,
            accept=form.cleaned_data["decision"] == "accept",
            reason=form.cleaned_data["reason"],
            by=request.user,
        )
    except NotPermitted as refusal:
        return forbidden(request, refusal)
    except NotNow as refusal:
        return refused(request, refusal, "This proposal cannot be decided", "administration")
    messages.success(request, f"{decided.get_state_display()}: {decided.change['what']}. {receipt_words(decided)}")
    return redirect("administration")


@require_POST
@guarded(Permission.SEE_ADMINISTRATION)
def withdraw_proposal(request: HttpRequest, number: int) -> HttpResponse:
    proposal = get_object_or_404(Proposal, pk=number, kind__in=DECIDES)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was withdrawn: say why. The reason is part of the record.")
        return redirect("administration")
    try:
        withdrawn = proposals.withdraw(proposal=proposal, reason=form.cleaned_data["reason"], by=request.user)
    except NotPermitted as refusal:
        return forbidden(request, refusal)
    except NotNow as refusal:
        return refused(request, refusal, "This proposal cannot be withdrawn", "administration")
    messages.success(request, f"Withdrawn: {withdrawn.change['what']}. {receipt_words(withdrawn)}")
    return redirect("administration")


def proposed_words(proposal: Proposal) -> str:
    return f"Proposed: {proposal.change['what']}. Another administrator decides. {receipt_words(proposal)}"


def refused(request: HttpRequest, refusal: NotNow, heading: str, back: str) -> HttpResponse:
    """409 with what happened, and the way back to the page `back` as it stands now."""
    words = {
        "heading": heading,
        "sentence": str(refusal),
        "advice": "Nothing was changed. Open the page again to see how it stands now.",
        "back_url": reverse(back),
    }
    return render(request, "errors/refused.html", words, status=409)
