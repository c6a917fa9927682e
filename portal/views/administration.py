"""People, roles, tokens and background work, for who manages or audits them."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services as accounts
from accounts.models import ApiToken, Person
from accounts.permissions import check_may, may
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import MATRIX, Permission, Role
from jobs.models import Job
from portal.forms import DecisionForm, RoleForm, TokenForm
from proposals import services as proposals
from proposals.models import Proposal


def _guarded(view):
    """403 with its sentence where the reader may not see administration."""

    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        try:
            check_may(request.user, Permission.SEE_ADMINISTRATION)
        except NotPermitted as refusal:
            return render(request, "403.html", {"reason": str(refusal)}, status=403)
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@_guarded
def administration(request: HttpRequest) -> HttpResponse:
    """People with their roles, what is proposed, and what each role permits."""
    return render(request, "portal/administration.html", _people_context(request, RoleForm()))


def _people_context(request: HttpRequest, form: RoleForm) -> dict:
    people = Person.objects.select_related("details", "unit", "line_manager__details").prefetch_related(
        "roles__unit", "accounts"
    )
    return {
        "people": people.order_by("details__full_name")[:500],
        "proposals": Proposal.objects.select_related("asked_by__details", "decided_by__details")[:50],
        "can_manage": may(request.user, Permission.MANAGE_PEOPLE),
        "form": form,
        "decision_form": DecisionForm(),
        "roles": list(Role),
        "matrix": [
            {"permission": permission.value, "reach": [MATRIX[role].get(permission, "") for role in Role]}
            for permission in Permission
        ],
    }


@require_POST
@_guarded
def propose_role(request: HttpRequest) -> HttpResponse:
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            proposal = proposals.propose_role(**form.cleaned_data, by=request.user)
        except NotPermitted as refusal:
            return render(request, "403.html", {"reason": str(refusal)}, status=403)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"Proposed: {proposal.change['what']}. Another administrator decides.")
            return redirect("administration")
    return render(request, "portal/administration.html", _people_context(request, form))


@require_POST
@_guarded
def decide_proposal(request: HttpRequest, number: int) -> HttpResponse:
    proposal = get_object_or_404(Proposal, pk=number, kind=proposals.ROLE)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why; the reason is part of the record.")
        return redirect("administration")
    try:
        decided = proposals.decide_role(
            proposal=proposal,
            accept=form.cleaned_data["decision"] == "accept",
            reason=form.cleaned_data["reason"],
            by=request.user,
        )
    except NotPermitted as refusal:
        return render(request, "403.html", {"reason": str(refusal)}, status=403)
    except NotNow as refusal:
        return render(request, "errors/refused.html", {"reason": str(refusal)}, status=409)
    messages.success(request, f"{decided.get_state_display()}: {decided.change['what']}.")
    return redirect("administration")


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """What runs, waits and failed."""
    if not may(request.user, Permission.SEE_JOBS):
        return render(request, "403.html", {"reason": "Your roles do not permit seeing background work."}, status=403)
    newest = Job.objects.select_related("asked_by__person__details").order_by("-id")
    return render(
        request,
        "portal/jobs.html",
        {"unfinished": newest.unfinished()[:100], "poisoned": newest.poisoned()[:50], "newest": newest[:50]},
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """My API tokens, and for administrators those of service accounts. A new secret is shown once, here."""
    form, secret = TokenForm(request.POST or None, by=request.user), None
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = accounts.make_token(**_token(form), by=request.user)
            form = TokenForm(by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        except NotPermitted as refusal:
            return render(request, "403.html", {"reason": str(refusal)}, status=403)
    shown = ApiToken.objects.select_related("account", "unit", "made_by__details")
    if not may(request.user, Permission.SEE_ADMINISTRATION):
        shown = shown.filter(person=request.user.person)
    return render(
        request,
        "portal/tokens.html",
        {"form": form, "secret": secret, "tokens": shown[:200], "moment": timezone.now()},
    )


def _token(form: TokenForm) -> dict:
    given = dict(form.cleaned_data)
    given["expires_at"] = timezone.now() + timedelta(days=given.pop("days"))
    given["account"] = given["account"] or form.by
    return given


@require_POST
def revoke_token(request: HttpRequest, number: int) -> HttpResponse:
    visible = ApiToken.objects.all()
    if not may(request.user, Permission.MANAGE_PEOPLE):
        visible = visible.filter(person=request.user.person)
    token = get_object_or_404(visible, pk=number)
    try:
        accounts.revoke_token(token=token, by=request.user)
        messages.success(request, f"Revoked: {token.name}. It is refused from now on.")
    except NotNow as refusal:
        messages.error(request, str(refusal))
    return redirect("tokens")
