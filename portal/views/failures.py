"""What no view answered: the database is away, for a while and by no fault of who asked; or the portal failed.

Neither answer reads the session or the database.
"""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token

from web.problems import problem_page

RETRY_SECONDS = 30
# SQLSTATEs of a server that shuts down, has crashed, is not ready yet or takes no more connections.
AWAY = {"57P01", "57P02", "57P03", "53300"}


@requires_csrf_token
def failed(request: HttpRequest) -> HttpResponse:
    """handler500. Django calls it while it handles the exception, which the log tells about."""
    is_away, is_call = is_database_away(sys.exception()), request.path.startswith("/api/v1/")
    answer = _say_away(request, is_call) if is_away else _say_failed(request, is_call)
    if is_away:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def is_database_away(problem: BaseException | None) -> bool:
    """Whether the database did not answer, rather than refuse: no SQLSTATE, a connection's, or one of AWAY."""
    if not isinstance(problem, (OperationalError, InterfaceError)):
        return False
    state = getattr(problem.__cause__, "sqlstate", None)
    return state is None or state.startswith("08") or state in AWAY


def _say_away(request: HttpRequest, is_call: bool) -> HttpResponse:
    if not is_call:
        return HttpResponse(render_to_string("503.html"), status=503)
    detail = (
        "The portal's database does not answer at the moment. A change is saved whole or not at all: send the request"
        f" again in {RETRY_SECONDS} seconds, with the same Idempotency-Key."
    )
    title = "The portal's database is away"
    return problem_page(request, status=503, slug="database-away", title=title, detail=detail)


def _say_failed(request: HttpRequest, is_call: bool) -> HttpResponse:
    if not is_call:
        return HttpResponse(render_to_string("500.html"), status=500)
    detail = (
        "The portal could not finish this. A change is saved whole or not at all; the reason is in the portal's log,"
        " under the number that `instance` names."
    )
    return problem_page(request, status=500, slug="failed", title="Something failed in the portal", detail=detail)
