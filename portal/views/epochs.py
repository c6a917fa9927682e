"""The log's key and its epochs: which key signs, what was proposed, and the decision by a second administrator."""

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import may
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import Permission
from audit import checkpoints, epochs, verifier
from audit.reading import epochs_begun
from portal.forms import EpochDecisionForm, EpochForm, ReasonForm
from portal.views.administration import forbidden, guarded, receipt_words, refused, tabs_of
from proposals import services as proposals
from proposals.models import Proposal
from proposals.policies import conflict_of

WRONG_PASSWORD = "This is not your password. Nothing was signed with it."  # noqa: S105  (a sentence)
UNANSWERABLE = (epochs.NoNewEpoch, verifier.Defect, checkpoints.LogUnsignable)


@require_safe
@guarded(Permission.SEE_ADMINISTRATION)
def epochs_of_the_log(request: HttpRequest) -> HttpResponse:
    """The key in force, the epochs so far, and what waits for a second administrator or for who keeps the keys."""
    return render(request, "portal/epochs.html", _context(request, EpochForm(initial={"new_key": _next_key()})))


def _context(request: HttpRequest, form: EpochForm) -> dict:
    known = Proposal.objects.filter(kind=proposals.EPOCH).select_related("asked_by__details", "decided_by__details")
    waiting = list(known.open().prefetch_related("conflicts"))
    for proposal in waiting:
        proposal.conflict = conflict_of(proposal, request.user.person)
    begun = list(epochs_begun())
    return tabs_of(request, "epochs") | {
        "key": begun[0].key if begun else _log_key(),
        "number": begun[0].number if begun else 1,
        "begun": begun,
        "waiting": waiting,
        "accepted": known.filter(state=Proposal.State.ACCEPTED, applied_at=None),
        "can_keep": may(request.user, Permission.KEEP_LOG),
        "form": form,
    }


def _log_key() -> str:
    try:
        return checkpoints.log_key()
    except checkpoints.LogUnsignable:
        return ""


def _next_key() -> str:
    try:
        return checkpoints.next_key() or ""
    except (checkpoints.LogUnsignable, OSError):  # the key lies on another machine: it is typed in
        return ""


@require_POST
@guarded(Permission.SEE_ADMINISTRATION)
def propose_epoch(request: HttpRequest) -> HttpResponse:
    form = EpochForm(request.POST)
    if form.is_valid() and _is_again(request, form):
        try:
            proposal = _propose(form.cleaned_data, request)
        except NotPermitted as refusal:
            return forbidden(request, refusal)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        except UNANSWERABLE as reason:
            form.add_problems({"of": str(reason)})
        else:
            words = f"Proposed: {proposal.change['what']}. Another administrator decides. {receipt_words(proposal)}"
            messages.success(request, words)
            return redirect("epochs")
    return render(request, "portal/epochs.html", _context(request, form))


def _propose(given: dict, request: HttpRequest) -> Proposal:
    files = [Path(settings.CHECKPOINT_FILE)] if settings.CHECKPOINT_FILE else []
    ending = epochs.ending(reason=given.pop("of"), key=checkpoints.log_key(), files=files)
    return proposals.propose_epoch(ending=ending, **given, by=request.user)


@require_POST
@guarded(Permission.SEE_ADMINISTRATION)
def decide_epoch(request: HttpRequest, number: int) -> HttpResponse:
    proposal = get_object_or_404(Proposal, pk=number, kind=proposals.EPOCH)
    form = EpochDecisionForm(request.POST)
    if not form.is_valid() or not _is_again(request, form):
        messages.error(request, "Nothing was decided: give a reason, and your own password once more.")
        return redirect("epochs")
    try:
        decided = proposals.decide_epoch(
            proposal=proposal,
            accept=form.cleaned_data["decision"] == "accept",
            reason=form.cleaned_data["reason"],
            password=form.cleaned_data["password"],
            by=request.user,
        )
    except NotPermitted as refusal:
        return forbidden(request, refusal)
    except NotNow as refusal:
        return refused(request, refusal, "This proposal cannot be decided", "epochs")
    messages.success(request, f"{decided.get_state_display()}: {decided.change['what']}. {receipt_words(decided)}")
    return redirect("epochs")


@require_POST
@guarded(Permission.SEE_ADMINISTRATION)
def withdraw_epoch(request: HttpRequest, number: int) -> HttpResponse:
    proposal = get_object_or_404(Proposal, pk=number, kind=proposals.EPOCH)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was withdrawn: say why. The reason is part of the record.")
        return redirect("epochs")
    try:
        withdrawn = proposals.withdraw(proposal=proposal, reason=form.cleaned_data["reason"], by=request.user)
    except NotPermitted as refusal:
        return forbidden(request, refusal)
    except NotNow as refusal:
        return refused(request, refusal, "This proposal cannot be withdrawn", "epochs")
    messages.success(request, f"Withdrawn: {withdrawn.change['what']}. {receipt_words(withdrawn)}")
    return redirect("epochs")


def _is_again(request: HttpRequest, form: EpochForm | EpochDecisionForm) -> bool:
    """Whether the password is the reader's own, asked in the way of a sign-in, so that wrong ones are counted."""
    account = authenticate(request, username=request.user.username, password=form.cleaned_data["password"])
    if account != request.user:
        form.add_problems({"password": WRONG_PASSWORD})
    return account == request.user
