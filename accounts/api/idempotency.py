"""Idempotency-Key: the same key from the same account gives the same answer, once computed."""

import functools
import hashlib
from collections.abc import Callable

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from accounts.models import AnsweredRequest
from accounts.refusals import InvalidInput
from accounts.services import ANSWERS_KEPT
from web.text import is_storable
from web.wording import quoted

LONGEST_KEY = 200
# How the API's description names the header, for every method that is wrapped.
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=f"The same key again gives the same answer, for {ANSWERS_KEPT.days} days; at most {LONGEST_KEY}"
    " characters",
)


def idempotent(still_may: Callable) -> Callable:
    """Wrap a writing API method. Without the header it runs as it is.

    still_may(request, answer, **parameters of the address) raises where who asks may not do or see any more what
    was answered: a stored answer is handed out to nobody whom the method itself would refuse.

    The row of the key is inserted first: a second request with it waits for the first to commit, then gets
    the stored answer. A refusal rolls everything back, the key too, so that it can be tried again.
    """

    def decorate(view):
        @functools.wraps(view)
        def wrapped(self, request, **place):
            key = request.headers.get("Idempotency-Key", "")
            if not key:
                return view(self, request, **place)
            if len(key) > LONGEST_KEY or not is_storable(key):
                sentence = f"At most {LONGEST_KEY} characters without NUL are wanted, got {quoted(key)}."
                raise InvalidInput({"Idempotency-Key": sentence})
            with transaction.atomic():
                answered, is_new = AnsweredRequest.objects.get_or_create(
                    account=request.user, key=key, defaults={"fingerprint": _fingerprint(request)}
                )
                if not is_new:
                    return _again(answered, request, still_may, place)
                return _kept(answered, view(self, request, **place))

        return wrapped

    return decorate


def _fingerprint(request) -> str:
    parts = [request.method.encode(), request.get_full_path().encode(), request.body]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def _kept(answered: AnsweredRequest, response: Response) -> Response:
    answered.status, answered.body = response.status_code, response.data
    answered.headers = {name: response[name] for name in ("ETag", "Location") if name in response}
    answered.save(update_fields=["status", "body", "headers"])
    return response


def _again(answered: AnsweredRequest, request, still_may: Callable, place: dict) -> Response:
    if answered.fingerprint != _fingerprint(request):
        raise InvalidInput({"Idempotency-Key": "This key was used for another request; choose a new one."})
    still_may(request, answered.body, **place)
    return Response(answered.body, status=answered.status, headers=answered.headers | {"Idempotent-Replay": "true"})
