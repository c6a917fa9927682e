"""Errors of the API as RFC 9457 problem details: what happened, why, what to do, and a pointer to each bad field."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from web.refusals import Refusal

MEDIA_TYPE = "application/problem+json"

# What the frameworks raise: class, status, slug, title; the first that fits. A refusal says these of itself.
KINDS = (
    (exceptions.ValidationError, 422, "invalid-input", "What was sent cannot be accepted"),
    (exceptions.ParseError, 400, "unreadable", "The request's body cannot be read"),
    (exceptions.NotAuthenticated, 401, "not-authenticated", "Who asks is not known"),
    (exceptions.AuthenticationFailed, 401, "not-authenticated", "Who asks is not known"),
    (exceptions.PermissionDenied, 403, "not-permitted", "Not permitted"),
    (PermissionDenied, 403, "not-permitted", "Not permitted"),
    (Http404, 404, "not-found", "There is no such record, or you may not see it"),
    (exceptions.NotFound, 404, "not-found", "There is no such record, or you may not see it"),
    (exceptions.APIException, None, "refused", "The request was refused"),
)


def problem_response(problem: Exception, context: dict) -> Response | None:
    """DRF exception handler. None lets an unknown exception become a 500, which the log tells about."""
    kind = _kind(problem)
    if kind is None:
        return None
    set_rollback()
    status, slug, title = kind
    body = {"type": f"urn:assay:problem:{slug}", "title": title, "status": status, "detail": _detail(problem, title)}
    if errors := _errors(problem):
        body["errors"] = errors
    request = context["request"]
    body["instance"] = f"urn:assay:request:{getattr(request, 'id', '')}"
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def _kind(problem: Exception) -> tuple[int, str, str] | None:
    if isinstance(problem, Refusal):
        return problem.status, problem.slug, problem.title
    for raised, status, slug, title in KINDS:
        if isinstance(problem, raised):
            return status or problem.status_code, slug, title
    return None


def _detail(problem: Exception, title: str) -> str:
    if isinstance(problem, exceptions.ValidationError) or getattr(problem, "problems", None):
        return "Each entry of `errors` points at a field and says what is wanted there."
    if isinstance(problem, Http404):
        return title + "."
    return str(getattr(problem, "detail", None) or problem)


def _errors(problem: Exception) -> list[dict]:
    if isinstance(problem, Refusal):
        return [{"pointer": f"/{field}", "detail": words} for field, words in problem.problems.items()]
    if isinstance(problem, exceptions.ValidationError):
        return list(_flatten(problem.detail, ""))
    return []


def _flatten(detail, pointer: str):
    """DRF's nested error detail as (JSON pointer, sentence) pairs."""
    if isinstance(detail, dict):
        for field, inner in detail.items():
            place = pointer if field == "non_field_errors" else f"{pointer}/{field}"
            yield from _flatten(inner, place)
    elif isinstance(detail, list) and any(isinstance(item, (dict, list)) for item in detail):
        for index, inner in enumerate(detail):
            yield from _flatten(inner, f"{pointer}/{index}")
    elif isinstance(detail, list):
        for words in detail:
            yield {"pointer": pointer, "detail": str(words)}
    else:
        yield {"pointer": pointer, "detail": str(detail)}
