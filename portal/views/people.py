"""What an administrator does about people: add units, persons, accounts, propose a role's end, disable somebody."""

import functools
from collections.abc import Callable

from django.contrib import messages
from django.db.models import Model as Record
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import services as accounts
from accounts.models import ApiToken, Person, RoleAssignment, Unit
from accounts.refusals import InvalidInput
from accounts.roles import Permission
from inventory.models import Model
from portal.forms import AccountForm, PersonForm, ReasonForm, ServiceForm, ServiceTokenForm, UnitForm
from portal.views.administration import MOST_UNITS, guarded, proposed_words, receipt_words, tabs_of
from proposals import services as proposals

ASKS_AND_ACTS = require_http_methods(["GET", "HEAD", "POST"])


@ASKS_AND_ACTS
@guarded(Permission.MANAGE_PEOPLE)
def add_unit(request: HttpRequest) -> HttpResponse:
    """A form for a unit; filled in, the unit."""
    page = {
        "heading": "Add a unit",
        "label": "Add the unit",
        "effects": [
            "Roles over the units above cover it at once.",
            "Its code and its place stay: both are part of what decides who sees its models.",
        ],
        "listed": Unit.objects.all()[:MOST_UNITS],
    }
    return _ask_or_act(request, UnitForm(request.POST or None), page, accounts.add_unit, _added)


@ASKS_AND_ACTS
@guarded(Permission.MANAGE_PEOPLE)
def add_person(request: HttpRequest) -> HttpResponse:
    """A form for a person; filled in, the person."""
    page = {
        "heading": "Add a person",
        "label": "Add the person",
        "effects": [
            "Nobody signs in yet: an account is added next.",
            "Nothing is permitted yet: a role is proposed, and another administrator decides.",
        ],
    }
    return _ask_or_act(request, PersonForm(request.POST or None), page, accounts.add_person, _added)


@ASKS_AND_ACTS
@guarded(Permission.MANAGE_PEOPLE)
def add_account(request: HttpRequest) -> HttpResponse:
    """A form for an account; filled in, the account."""
    page = {
        "heading": "Add an account",
        "label": "Add the account",
        "effects": [
            "It permits what the roles of its person permit, and no more.",
            "Conflicts and four eyes go by person: a second account is not a second person.",
        ],
    }
    form = AccountForm(request.POST or None, initial={"person": request.GET.get("person", "")})
    return _ask_or_act(request, form, page, accounts.add_account, _added)


@ASKS_AND_ACTS
@guarded(Permission.MANAGE_PEOPLE)
def propose_end_of_role(request: HttpRequest, number: int) -> HttpResponse:
    """What ending a role means, and the proposal to do so."""
    in_force = RoleAssignment.objects.in_force().select_related("person__details", "unit", "granted_by__details")
    assignment = get_object_or_404(in_force, pk=number)
    page = {
        "heading": f"End {assignment}",
        "of": assignment.person,
        "label": "Propose the end",
        "effects": [
            f"Another administrator decides; until then {assignment.person} keeps the role.",
            "Once accepted, it is over with the next request of every session and token.",
            "That the role was held stays on record.",
        ],
    }
    propose = functools.partial(proposals.propose_end_of_role, assignment=assignment)
    return _ask_or_act(request, ReasonForm(request.POST or None), page, propose, proposed_words)


@ASKS_AND_ACTS
@guarded(Permission.MANAGE_PEOPLE)
def disable_person(request: HttpRequest, number: int) -> HttpResponse:
    """What disabling a person means, and the act."""
    people = Person.objects.filter(is_active=True).select_related("details", "unit")
    person = get_object_or_404(people, pk=number)
    page = {
        "heading": "Disable a person",
        "of": person,
        "label": f"Disable {person}",
        "is_drastic": True,
        "effects": _effects_of_disabling(person),
    }
    disable = functools.partial(accounts.disable_person, person=person)
    return _ask_or_act(request, ReasonForm(request.POST or None), page, disable, _disabled)


def _effects_of_disabling(person: Person) -> list[str]:
    names = ", ".join(person.accounts.values_list("username", flat=True)) or "no account"
    models = Model.objects.filter(Q(owner=person) | Q(developer=person)).count()
    return [
        f"No session goes on, and nobody signs in any more, with: {names}.",
        f"API tokens that stop working, those of service accounts too: {_tokens_of(person).count()}.",
        f"Roles that permit nothing any more, and stay on record: {_roles_of(person)}.",
        f"Models that go on naming {person} as owner or developer: {models}.",
        "It acts at once, by you alone; to undo it takes a proposal and another administrator.",
    ]


@ASKS_AND_ACTS
@guarded(Permission.MANAGE_PEOPLE)
def propose_enabling(request: HttpRequest, number: int) -> HttpResponse:
    """What enabling a person again means, and the proposal to do so."""
    people = Person.objects.filter(is_active=False).select_related("details", "unit")
    person = get_object_or_404(people, pk=number)
    page = {
        "heading": "Enable a person again",
        "of": person,
        "label": f"Propose to enable {person}",
        "effects": [
            f"Another administrator decides; until then {person} stays out.",
            f"Once accepted, these permit again what they did: {_roles_of(person)}.",
            f"API tokens that have not ended work again, those of service accounts too: {_tokens_of(person).count()}.",
        ],
    }
    propose = functools.partial(proposals.propose_enabling, person=person)
    return _ask_or_act(request, ReasonForm(request.POST or None), page, propose, proposed_words)


@ASKS_AND_ACTS
@guarded(Permission.MANAGE_PEOPLE)
def propose_token(request: HttpRequest) -> HttpResponse:
    """A form for a token of a service account; filled in, the proposal."""
    page = {
        "heading": "Propose a token of a service account",
        "label": "Propose the token",
        "effects": [
            "Another administrator decides, other than who answers for the account.",
            "Once accepted, whoever answers for the account makes it under API tokens, and alone sees its secret.",
        ],
    }
    return _ask_or_act(request, ServiceTokenForm(request.POST or None), page, proposals.propose_token, proposed_words)


def _roles_of(person: Person) -> str:
    return ", ".join(map(str, person.roles.in_force().select_related("unit"))) or "none"


def _tokens_of(person: Person) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(person=person, revoked_at=None, expires_at__gt=timezone.now())


def _disabled(done: Record) -> str:
    return f"Disabled: {done}. It acts on the next request. {receipt_words(done)}"


def _added(done: Record) -> str:
    return f"Added: {done}. {receipt_words(done)}"


def _ask_or_act(
    request: HttpRequest,
    form: ServiceForm,
    page: dict,
    act: Callable[..., Record],
    words: Callable[[Record], str],
) -> HttpResponse:
    """Show the form with what the act means; filled in, act, say so with the receipt, and go back to the people."""
    if request.method == "POST" and form.is_valid():
        try:
            done = act(**form.cleaned_data, by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, words(done))
            return redirect("administration")
    context = tabs_of(request, "administration") | page | {"form": form}
    context["crumbs"] = [{"label": "People and roles", "url": reverse("administration")}]
    return render(request, "portal/administration_act.html", context)
