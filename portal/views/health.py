"""Is the portal up, and what that it needs is away? For load balancers and watchers; says nothing about the bank.

Without its broker the portal takes everything that it is asked for, and what runs in the background waits. Whoever
wants to know whether pages can be shown asks for `?part=database`.
"""

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from audit import effects
from jobs.queues import is_broker_up
from portal.views.failures import RETRY_SECONDS


def is_database_up() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return False
    return True


PARTS: dict[str, Callable[[], bool]] = {
    "database": is_database_up,
    "broker": is_broker_up,
    "files": effects.is_there,
}


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 where every part that is asked for is up, else 503; without `?part=`, all of them."""
    asked = set(request.GET.getlist("part")) & PARTS.keys() or PARTS.keys()
    parts = {name: "up" if is_up() else "away" for name, is_up in PARTS.items() if name in asked}
    if "away" not in parts.values():
        return JsonResponse({"status": "up", "parts": parts})
    return JsonResponse({"status": "away", "parts": parts}, status=503, headers={"Retry-After": str(RETRY_SECONDS)})
