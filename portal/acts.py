"""What the portal's buttons ask for, in words: for whoever pressed one while signed out, or opened its address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import NoReverseMatch, ResolverMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme


@dataclass(frozen=True)
class Act:
    """One button. missed: what did not happen; again: what to press; page: name of the URL where it stands."""

    missed: str
    again: str
    page: str

    @property
    def words(self) -> str:
        return f"You were signed out, so {self.missed}. Press {self.again} again."


# By the name of the button's own URL.
ACTS = {
    "ask-for-run": Act("the run was not asked for", "Run now", "models"),
    "repeat-run": Act("the run was not repeated", "Repeat to check", "run"),
    "cancel-run": Act("the run was not cancelled", "Cancel", "run"),
    "explain-again": Act("the SHAP report was not asked for", "Ask again", "explain-state"),
    "report-again": Act("the Evidently report was not asked for", "Ask again", "report-state"),
    "retry-digest": Act("the artefact was not read again", "Read the artefact again", "models"),
    "tokens": Act("no token was made", "Make the token", "tokens"),
    "revoke-token": Act("the token was not revoked", "Revoke", "tokens"),
    "propose-role": Act("nothing was proposed", "Propose", "administration"),
    "decide-proposal": Act("nothing was decided", "Accept or Decline", "administration"),
    "propose-epoch": Act("nothing was proposed", "Propose", "epochs"),
    "decide-epoch": Act("nothing was decided", "Accept or Decline", "epochs"),
    "withdraw-epoch": Act("nothing was withdrawn", "Withdraw", "epochs"),
    "retry-job": Act("the job was not given more attempts", "Try again", "jobs"),
}
UNKNOWN = Act("nothing was changed", "the button", "home")


def page_of(match: ResolverMatch | None) -> str:
    """Address of the page on which the button of an act stands; the first page where that is not known."""
    act = ACTS.get(match.url_name, UNKNOWN) if match else UNKNOWN
    try:
        return reverse(act.page, kwargs=match.kwargs)
    except (AttributeError, NoReverseMatch):
        return reverse(act.page)


def came_from(request: HttpRequest) -> str:
    """The page whose button was pressed; the first page where the browser does not say, or it is this one."""
    page = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if is_ours and urlsplit(page).path != request.path else "/"
