"""An address that the API does not have answers a program, not a browser."""

import pytest

from inventory.models import Model
from tests.pages import browser_of

UNKNOWN = ["/api/v1/", "/api/v1/modles/", "/api/v1/runs/x/", "/api/v1/monitors/7/run", "/api/v2/models/", "/api/x"]


@pytest.mark.parametrize("method", ["get", "post", "patch", "put", "delete"])
@pytest.mark.parametrize("address", UNKNOWN)
def test_an_unknown_address_is_told_to_a_program(db, address, method):
    answer = getattr(browser_of(None), method)(address)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:assay:problem:no-such-address"
    assert address in answer.json()["detail"]
    assert "/api/ lists all of them for people" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["get", "post", "patch"])
@pytest.mark.parametrize("address", ["/api/v1/models", "/api/v1/models/MDL-1/versions", "/api/v1/runs/7"])
def test_an_address_without_its_last_slash_is_told_the_whole_one(cast, address, method):
    answer = getattr(browser_of(cast.owner), method)(f"{address}?tier=1", content_type="application/json")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert f"{method.upper()} {address}/?tier=1 is meant. Nothing was done." in answer.json()["detail"]
    assert not Model.objects.exists()


def test_pages_keep_their_own_page_for_what_is_not_there(cast):
    answer = browser_of(cast.owner).get("/nothing/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
