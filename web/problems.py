"""Errors of the API as RFC 9457 problem details: what happened, why, what to do, and a pointer to each bad field."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from web.refusals import Refusal
from web.wording import pointed

MEDIA_TYPE = "application/problem+json"

# What the frameworks raise: class, status, slug, title; the first that fits. A refusal says these of itself.
KINDS = (
    (exceptions.ValidationError, 422, "invalid-input", "What was sent cannot be accepted"),
    (exceptions.ParseError, 400, "unreadable", "The request's body cannot be read"),
    (exceptions.NotAuthenticated, 401, "not-authenticated", "Who asks is not known"),
    (exceptions.AuthenticationFailed, 401, "not-authenticated", "Who asks is not known"),
    (exceptions.PermissionDenied, 403, "not-permitted", "Not permitted"),
    (exceptions.MethodNotAllowed, 405, "no-such-method", "This address does not answer that method"),
    (exceptions.NotAcceptable, 406, "not-acceptable", "The API answers in JSON"),
    (exceptions.UnsupportedMediaType, 415, "not-json", "The body must be JSON"),
    (RequestDataTooBig, 413, "too-large", "The request's body is too large"),
    (RecursionError, 400, "unreadable", "The request's body cannot be read"),
    (PermissionDenied, 403, "not-permitted", "Not permitted"),
    (Http404, 404, "not-found", "There is no such record, or you may not see it"),
    (exceptions.NotFound, 404, "not-found", "There is no such record, or you may not see it"),
    (exceptions.APIException, None, "refused", "The request was refused"),
)


# Sentences of ours for what the frameworks say in theirs.
INSTEAD = {
    exceptions.NotAuthenticated: "Send a token in the header `Authorization: Bearer …`; tokens are made in the portal,"
    " under your name, API tokens.",
    exceptions.PermissionDenied: "A browser that is signed in must send the form's CSRF token; a program sends a token"
    " in the header `Authorization: Bearer …`, and no cookie.",
    exceptions.NotAcceptable: "Send the header `Accept: application/json`, or none.",
    exceptions.UnsupportedMediaType: "Send the body as JSON, with the header `Content-Type: application/json`.",
    RequestDataTooBig: "Send less than 2.5 MB. Logs and artefacts are not sent, they are read from where they lie.",
    RecursionError: "The body is nested more deeply than any field of the API.",
}


def problem_response(problem: Exception, context: dict) -> Response | None:
    """DRF exception handler. None lets an unknown exception become a 500, which the log tells about."""
    kind = _kind(problem)
    if kind is None:
        return None
    set_rollback()
    status, slug, title = kind
    body = _body(context["request"], status, slug, title, _detail(problem, title, context))
    if errors := _errors(problem):
        body["errors"] = errors
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def problem_page(
    request: HttpRequest, *, status: int, slug: str, title: str, detail: str, headers: dict[str, str] | None = None
) -> JsonResponse:
    """The same where no view of the API was reached."""
    body = _body(request, status, slug, title, detail)
    return JsonResponse(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def no_such_record(request: HttpRequest) -> JsonResponse:
    """404 as a view would say it, where none was asked."""
    _, status, slug, title = next(kind for kind in KINDS if kind[0] is Http404)
    return problem_page(request, status=status, slug=slug, title=title, detail=f"{title}.")


def _body(request: HttpRequest, status: int, slug: str, title: str, detail: str) -> dict:
    return {
        "type": f"urn:assay:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:assay:request:{getattr(request, 'id', '')}",
    }


def _kind(problem: Exception) -> tuple[int, str, str] | None:
    if isinstance(problem, Refusal):
        return problem.status, problem.slug, problem.title
    for raised, status, slug, title in KINDS:
        if isinstance(problem, raised):
            return status or problem.status_code, slug, title
    return None


def _detail(problem: Exception, title: str, context: dict) -> str:
    if isinstance(problem, exceptions.ValidationError) or getattr(problem, "problems", None):
        return "Each entry of `errors` points at a field and says what is wanted there."
    if isinstance(problem, (Http404, exceptions.NotFound)):
        return title + "."
    if isinstance(problem, exceptions.MethodNotAllowed):
        return _no_such_method(context)
    if isinstance(problem, exceptions.ParseError):
        return f"The body is no JSON: {str(problem.detail).removeprefix('JSON parse error - ')}."
    return INSTEAD.get(type(problem)) or str(getattr(problem, "detail", None) or problem)


def _no_such_method(context: dict) -> str:
    methods = ", ".join(method for method in context["view"].allowed_methods if method != "OPTIONS")
    return f"There is no {context['request'].method} at this address; it answers {methods}."


def _errors(problem: Exception) -> list[dict]:
    if isinstance(problem, Refusal):
        return [{"pointer": f"/{field}" if field else "", "detail": words} for field, words in problem.problems.items()]
    if isinstance(problem, exceptions.ValidationError):
        return [{"pointer": pointer, "detail": words} for pointer, words in pointed(problem.detail)]
    return []
