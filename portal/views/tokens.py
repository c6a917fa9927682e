"""API tokens: made, shown once, listed, revoked.

A new secret travels from the answer that made it to the page that shows it in a cookie of the browser's: the portal
keeps none of it, and a page that is read again makes and shows nothing.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services as accounts
from accounts.models import Account, ApiToken
from accounts.permissions import may
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import Permission
from audit.reading import subject_name
from portal.forms import TokenForm
from portal.views.administration import forbidden, refused, tabs_of
from proposals import services as proposals
from proposals.models import Proposal

SHOWN = 200
NEW_TOKEN = "assay_new_token"  # noqa: S105  (name of the cookie)
SHOWN_WITHIN = timedelta(minutes=10)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """My API tokens, and for administrators those of everybody. A new secret of my own is shown once, here."""
    form = TokenForm(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = accounts.make_token(**_token(form), by=request.user)
            messages.success(request, f"Made: {made.name}. Copy it now; it is not shown again.")
            return _on_its_way(redirect("tokens"), secret)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        except NotPermitted as refusal:
            return forbidden(request, refusal)
    context = tabs_of(request, "tokens") | {
        "form": form,
        "secret": _brought(request),
        "accepted": Proposal.objects.to_be_applied(kind=proposals.SERVICE_TOKEN, trail=request.user.person),
        "origin": f"{request.scheme}://{request.get_host()}",
        "tokens": _visible(request.user, Permission.SEE_ADMINISTRATION).select_related(
            "account", "unit", "use", "made_by__details", "person__details"
        )[:SHOWN],
        "sees_all": may(request.user, Permission.SEE_ADMINISTRATION),
        "can_revoke_all": may(request.user, Permission.MANAGE_PEOPLE),
    }
    page = render(request, "portal/tokens.html", context)
    if request.method == "GET" and NEW_TOKEN in request.COOKIES:
        page.delete_cookie(NEW_TOKEN, path=reverse("tokens"), samesite="Strict")
    return page


def _on_its_way(answer: HttpResponse, secret: str) -> HttpResponse:
    """The answer with the secret for the page that it leads to, and for no script and no other address."""
    answer.set_cookie(
        NEW_TOKEN,
        secret,
        path=reverse("tokens"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return answer


def _brought(request: HttpRequest) -> str | None:
    """The secret that the browser brings, where the reader has just made that token."""
    secret = request.COOKIES.get(NEW_TOKEN, "")
    just_now = timezone.now() - SHOWN_WITHIN
    made = ApiToken.objects.usable().filter(made_by=request.user.person, made_at__gte=just_now)
    return secret if secret and made.filter(sha256=accounts.hash_of(secret)).exists() else None


def _visible(account: Account, permission: Permission) -> QuerySet[ApiToken]:
    """Everybody's tokens for who has the permission, else one's own."""
    return ApiToken.objects.all() if may(account, permission) else ApiToken.objects.filter(person=account.person)


def _token(form: TokenForm) -> dict:
    given = dict(form.cleaned_data)
    given["expires_at"] = timezone.now() + timedelta(days=given.pop("days"))
    return given | {"account": form.by}


@never_cache
@require_POST
def collect_token(request: HttpRequest, number: int) -> HttpResponse:
    """Make the accepted token of a service account that I answer for: its secret is shown once, here."""
    accepted = Proposal.objects.filter(kind=proposals.SERVICE_TOKEN, trail=subject_name(request.user.person))
    proposal = get_object_or_404(accepted, pk=number)
    try:
        made, secret = proposals.collect_token(proposal=proposal, by=request.user)
    except NotPermitted as refusal:
        return forbidden(request, refusal)
    except NotNow as refusal:
        return refused(request, refusal, "This token cannot be made", "tokens")
    messages.success(request, f"Made: {made.name}, of {made.account}. Copy it now; it is not shown again.")
    return _on_its_way(redirect("tokens"), secret)


@require_POST
def revoke_token(request: HttpRequest, number: int) -> HttpResponse:
    token = get_object_or_404(_visible(request.user, Permission.MANAGE_PEOPLE), pk=number)
    try:
        accounts.revoke_token(token=token, by=request.user)
        messages.success(request, f"Revoked: {token.name}. It is refused from now on.")
    except NotNow as refusal:
        messages.error(request, str(refusal))
    return redirect("tokens")
