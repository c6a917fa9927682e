"""A record's history: what differs between any two versions that were sealed."""

import pytest

from inventory import services
from inventory.models import Model
from tests.pages import browser_of, text_of


@pytest.fixture
def changed(cast) -> Model:
    """A model that was registered, renamed, and given another owner and tags."""
    model, _ = services.register_model(
        external_id="card", name="Card PD", kind="vendor", unit=cast.retail, owner=cast.owner.person, by=cast.officer
    )
    for changes in ({"name": "Cards"}, {"owner": cast.developer.person, "tags": ["basel"]}):
        services.edit_model(model=model, changes=changes, expected_digest=services.digest_of(model), by=cast.officer)
    return model


def compared(account, model, query="") -> list[tuple]:
    page = browser_of(account).get(f"/models/{model.ref}/history/{query}")
    return [(each["label"], each["before"], each["after"]) for each in page.context["compared"]]


def test_the_newest_two_versions_are_compared_field_by_field(cast, changed):
    assert compared(cast.validator, changed) == [
        ("Tags", "empty", '["basel"]'),
        ("Owner", "Person Olivia Owner", "Person Dan Developer"),
    ]


def test_any_two_versions_are_compared_by_their_positions(cast, changed):
    page = browser_of(cast.officer).get(f"/models/{changed.ref}/history/")
    places = [version.sealed_in_id for version in page.context["captured"]]

    assert len(places) == 3
    assert compared(cast.officer, changed, f"?from={places[2]}&to={places[1]}") == [("Name", "Card PD", "Cards")]
    assert compared(cast.officer, changed, f"?from={places[1]}&to={places[1]}") == []
    assert "What differs" in text_of(page)


@pytest.mark.parametrize("query", ["?from=0", "?to=x", "?to=9999999999999999999999", "?from=99999"])
def test_a_position_that_is_none_of_the_records_is_not_found(cast, changed, query):
    assert browser_of(cast.officer).get(f"/models/{changed.ref}/history/{query}").status_code == 404


def test_a_stranger_finds_no_history(cast, changed):
    assert browser_of(cast.stranger).get(f"/models/{changed.ref}/history/").status_code == 404
