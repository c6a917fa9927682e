"""What every request gets: a label for the changes it makes, and a page for a service's no."""

import uuid
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.origin import Origin, changes_come_from
from portal.acts import came_from, page_of
from web.problems import no_such_record
from web.text import is_storable

READING = ("GET", "HEAD", "OPTIONS")


def origin_of_change(get_response):
    """Labels every change with how it came: a page or the API, and which request."""

    def middleware(request):
        request.id = uuid.uuid4().hex
        through = "api" if request.path.startswith("/api/") else "page"
        with changes_come_from(Origin(through=through, request=request.id)):
            response = get_response(request)
        response["X-Request-Id"] = request.id
        return response

    return middleware


class SignInFirst(LoginRequiredMiddleware):
    """Whoever is not signed in goes to sign-in first, and from there to a page.

    What was pressed cannot be pressed by the browser again: its address answers no GET. So the way leads back to
    the page with the button, and both pages say what did not happen.
    """

    def handle_no_permission(self, request: HttpRequest, view_func) -> HttpResponse:
        if request.method in READING:
            return super().handle_no_permission(request, view_func)
        name = request.resolver_match.url_name
        back = urlsplit(came_from(request))
        query = {"next": f"{back.path}?{back.query}".removesuffix("?")}
        if name != "sign-out":
            query["missed"] = name
        return redirect(f"{reverse('sign-in')}?{urlencode(query)}")


class StorableAddresses:
    """404 for an address whose words the database cannot hold, such as a NUL: no record is called so."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view_func, args, kwargs: dict) -> HttpResponse | None:
        if all(is_storable(word) for word in kwargs.values() if isinstance(word, str)):
            return None
        if request.path.startswith("/api/v1/"):
            return no_such_record(request)
        raise Http404


class MethodPages:
    """405 as a page: an address that does something was opened, or one that shows something was sent to."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if answer.status_code != 405 or request.path.startswith("/api/v1/"):
            return answer
        words = _ONLY_SHOWS if request.method not in READING else _ONLY_DOES
        words = words | {"state": "watch", "icon_name": "info", "back_url": page_of(request.resolver_match)}
        page = render(request, "errors/page.html", words, status=405)
        page["Allow"] = answer["Allow"]
        return page


_ONLY_DOES = {
    "heading": "This address does something",
    "sentence": "It is what a button sends to, and it shows nothing by itself. Nothing was changed.",
    "advice": "Open it from its page and press the button there.",
    "back_label": "Open its page",
}
_ONLY_SHOWS = {
    "heading": "This address only shows something",
    "sentence": "Something was sent to a page that takes nothing, so nothing was changed.",
    "advice": "Go back and use a button of the page.",
    "back_label": "Open the first page",
}


class RefusalPages:
    """403 for what this person may never do, 409 for what the record's state does not allow at present, 422 for what
    cannot be accepted, where a page does not show it beside the fields of its form.

    Calls of the API are answered by web.problems before an exception comes this far.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, NotPermitted):
            return render(request, "403.html", {"reason": str(exception)}, status=403)
        if isinstance(exception, NotNow):
            words = {
                "heading": "Not now",
                "sentence": str(exception),
                "advice": "Nothing was changed. Go back to see how it stands now.",
                "icon_name": "info",
            }
            return _refused(request, words, status=409)
        if isinstance(exception, InvalidInput):
            words = {
                "heading": "This cannot be accepted",
                "sentence": "What was sent cannot be accepted, so nothing was changed.",
                "problems": [(_label(field), problem) for field, problem in exception.problems.items()],
                "advice": "Go back, put it right and send it again.",
                "icon_name": "watch",
            }
            return _refused(request, words, status=422)
        return None


def _refused(request: HttpRequest, words: dict, status: int) -> HttpResponse:
    context = words | {"state": "watch", "back_url": came_from(request)}
    return render(request, "errors/refused.html", context, status=status)


def _label(field: str) -> str:
    """The field as people read it: "Columns, income" of `columns/income`."""
    return field.replace("/", ", ").replace("_", " ").capitalize()
