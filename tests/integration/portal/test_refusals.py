"""What a service refuses and its page does not catch is still a page that says what to do."""

import pytest
from django.http import HttpRequest
from django.urls import include, path
from django.views.decorators.http import require_POST

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from inventory.refusals import ChangedSince
from tests.pages import HTMX, browser_of, text_of

REFUSALS = {
    "invalid": InvalidInput({"reason": "Say why; it is part of the record.", "columns/no_rows": "Got <b>3</b>."}),
    "not-now": NotNow("This case is closed."),
    "changed": ChangedSince("It was changed since you read it."),
    "forbidden": NotPermitted("Only its owner may do this."),
    "unknown": ZeroDivisionError("a mistake of ours"),
}


@require_POST
def forgetful(request: HttpRequest, kind: str) -> None:
    """A page that calls a service and catches nothing."""
    raise REFUSALS[kind]


urlpatterns = [path("forgetful/<slug:kind>/", forgetful), path("", include("portal.urls"))]
pytestmark = pytest.mark.urls(__name__)


def send(cast, kind, **headers):
    return browser_of(cast.officer).post(f"/forgetful/{kind}/", headers=headers)


def test_what_cannot_be_accepted_is_said_field_by_field(cast):
    answer = send(cast, "invalid", Referer="http://localhost/models/")

    page = text_of(answer)
    assert answer.status_code == 422
    assert "This cannot be accepted" in page
    assert "<b>Reason</b>: Say why; it is part of the record." in page
    assert "<b>Columns, no rows</b>: Got &lt;b&gt;3&lt;/b&gt;." in page
    assert "put it right and send it again" in page
    assert '<a href="/models/">Back</a>' in page.replace("http://localhost", "")


def test_for_htmx_the_sentences_stand_in_the_note_that_is_shown(cast):
    page = text_of(send(cast, "invalid", **HTMX))

    note = page.split('id="refusal"')[1].split("</div></div>")[0]
    assert "Say why; it is part of the record." in note
    assert "put it right and send it again" in note


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("not-now", 409, "This case is closed."),
        ("changed", 409, "It was changed since you read it."),
        ("forbidden", 403, "Only its owner may do this."),
    ],
)
def test_other_refusals_have_their_pages_too(cast, kind, status, words):
    answer = send(cast, kind)

    assert answer.status_code == status
    assert words in text_of(answer)


def test_a_mistake_of_ours_is_no_refusal(cast):
    with pytest.raises(ZeroDivisionError):
        send(cast, "unknown")


def test_a_page_elsewhere_is_not_led_back_to(cast):
    assert "elsewhere.example" not in text_of(send(cast, "invalid", Referer="https://elsewhere.example/"))
