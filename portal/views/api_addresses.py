"""Addresses that the API does not have: a program gets an answer that it can read, and what to do."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.csrf import csrf_exempt

from web.problems import problem_page


@csrf_exempt
@login_not_required
def no_such_address(request: HttpRequest) -> HttpResponse:
    """404 for what no other address of the API answers; what lacks its last slash is told the whole address."""
    with_slash = f"{request.path}/"
    if _is_known(with_slash):
        where = request.get_full_path(force_append_slash=True)
        detail = f"Addresses of the API end with a slash: {request.method} {where} is meant. Nothing was done."
    else:
        guide, schema = reverse("api-guide"), reverse("api-schema")
        detail = f"The API has no address {request.path}. {guide} lists all of them for people, {schema} for programs."
    return problem_page(request, status=404, slug="no-such-address", title="The API has no such address", detail=detail)


def _is_known(path: str) -> bool:
    try:
        return resolve(path).func is not no_such_address
    except Resolver404:
        return False
