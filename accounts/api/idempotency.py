"""Idempotency-Key: the same key from the same account gives the same answer, once computed."""

import functools
import hashlib

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from accounts.models import AnsweredRequest
from accounts.refusals import InvalidInput

LONGEST_KEY = 200
# How the API's description names the header, for every method that is wrapped.
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key again gives the same answer"
)


def idempotent(view):
    """Wrap a writing API method. Without the header it runs as it is.

    The row of the key is inserted first: a second request with it waits for the first to commit, then gets
    the stored answer. A refusal rolls everything back, the key too, so that it can be tried again.
    """

    @functools.wraps(view)
    def wrapped(self, request, *args, **kwargs):
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return view(self, request, *args, **kwargs)
        if len(key) > LONGEST_KEY:
            raise InvalidInput({"Idempotency-Key": f"At most {LONGEST_KEY} characters, got {len(key)}."})
        fingerprint = hashlib.sha256(
            b"\n".join([request.method.encode(), request.get_full_path().encode(), request.body])
        ).hexdigest()
        with transaction.atomic():
            answered, is_new = AnsweredRequest.objects.get_or_create(
                account=request.user, key=key, defaults={"fingerprint": fingerprint}
            )
            if not is_new:
                return _again(answered, fingerprint)
            response = view(self, request, *args, **kwargs)
            answered.status, answered.body = response.status_code, response.data
            answered.headers = {name: response[name] for name in ("ETag", "Location") if name in response}
            answered.save(update_fields=["status", "body", "headers"])
            return response

    return wrapped


def _again(answered: AnsweredRequest, fingerprint: str) -> Response:
    if answered.fingerprint != fingerprint:
        raise InvalidInput({"Idempotency-Key": "This key was used for another request; choose a new one."})
    return Response(answered.body, status=answered.status, headers=answered.headers | {"Idempotent-Replay": "true"})
