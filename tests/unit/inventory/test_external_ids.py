"""An external id that was taken leads to its model, by every address that the API has behind it."""

from itertools import product

import pytest
from django.urls import resolve, reverse

from accounts.refusals import InvalidInput
from inventory.policies import WORDS_OF_ADDRESSES, check_external_id

BEHIND = {"api-model": {}, "api-versions": {}, "api-version": {"label": "1.0"}, "api-version-digest": {"label": "1.0"}}
BEHIND |= {"api-monitors": {}}
PARTS = ("cards", "MDL-2026-0001", *WORDS_OF_ADDRESSES)
IDS = ["/".join(parts) for length in (1, 2, 3, 4) for parts in product(PARTS, repeat=length)]


def is_taken(external_id: str) -> bool:
    try:
        check_external_id(external_id)
    except InvalidInput:
        return False
    return True


def shadowed(external_id: str) -> list[str]:
    """Addresses of the model that are read as another one's."""
    found = []
    for name, rest in BEHIND.items():
        match = resolve(reverse(name, kwargs={"ref": external_id} | rest))
        if (match.url_name, match.kwargs) != (name, {"ref": external_id} | rest):
            found.append(name)
    return found


def test_no_address_of_an_id_that_was_taken_is_read_as_anothers():
    taken = [external_id for external_id in IDS if is_taken(external_id)]

    assert {external_id: shadowed(external_id) for external_id in taken if shadowed(external_id)} == {}
    assert "cards" in taken
    assert "cards/MDL-2026-0001" in taken


def test_twin_without_the_rule_an_address_is_anothers():
    for external_id in ("cards/versions", "cards/monitors", "cards/versions/1", "cards/versions/1/digest"):
        assert "api-model" in shadowed(external_id)


@pytest.mark.parametrize(
    ("external_id", "words"),
    [
        ("cards/versions", "may be versions"),
        ("cards/versions/1.0/digest", "may be digest or versions"),
        ("monitors", "may be monitors"),
        ("MDL-2026-0007", "begin with MDL-"),
        ("mdl-cards", "begin with MDL-"),
        ("cards//pd", "something must stand"),
        ("cards/pd/", "something must stand"),
        ("cards/../pd", "something must stand"),
    ],
)
def test_an_id_without_an_address_of_its_own_is_refused_in_a_sentence(external_id, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        check_external_id(external_id)

    assert list(refused.value.problems) == ["external_id"]
    assert repr(external_id) in refused.value.problems["external_id"]


@pytest.mark.parametrize("external_id", ["cards/pd", "a", "cards/pd.v2:x_1", "versions-of-cards", "cards/MDL-1", "..a"])
def test_other_ids_are_taken(external_id):
    assert is_taken(external_id)
    assert shadowed(external_id) == []
