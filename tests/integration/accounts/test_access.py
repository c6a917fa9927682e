"""What an account may name: units that its roles cover, people who can own a model there, and no others."""

import pytest

from accounts import services
from accounts.access import MOST_NAMED, people_beside, units_in_words, units_of
from accounts.roles import Permission, Role
from tests.cast import hire


@pytest.fixture
def cards(cast):
    return services.add_unit(code="cards", name="Credit Cards", parent=cast.retail, by=None)


def codes(units) -> list[str]:
    return [unit.code for unit in units]


def test_a_role_covers_its_unit_and_those_below(cast, cards):
    assert codes(units_of(cast.owner)) == ["retail", "cards"]
    assert codes(units_of(cast.stranger)) == ["markets"]
    assert codes(units_of(cast.officer)) == ["group", "markets", "retail", "cards"]


def test_only_roles_with_the_permission_count_where_one_is_asked_for(cast):
    assert codes(units_of(cast.validator)) == ["retail"]
    assert codes(units_of(cast.validator, Permission.REGISTER)) == []


def test_a_person_without_a_role_may_name_nothing(cast):
    nobody = hire(None, cast.retail, "Nora Nobody")

    assert codes(units_of(nobody)) == []
    assert not people_beside(nobody).exists()


def test_people_beside_are_owners_and_developers_of_the_same_units(cast, cards):
    above = hire(Role.OWNER, cast.retail.parent, "Greta Group")
    below = hire(Role.DEVELOPER, cards, "Carl Cards")

    beside = {person.hr_number for person in people_beside(cast.owner)}

    wanted = {cast.owner, cast.developer, above, below}
    assert beside == {account.person.hr_number for account in wanted}


def test_who_is_disabled_or_whose_role_has_ended_is_not_named(cast):
    services.disable_person(person=cast.developer.person, reason="Left", by=cast.administrator)

    assert not people_beside(cast.owner).filter(pk=cast.developer.person_id).exists()


def test_a_long_list_says_how_many_more_there_are(cast):
    for number in range(MOST_NAMED + 3):
        services.add_unit(code=f"desk-{number:02}", name=f"Desk {number}", parent=cast.markets, by=None)

    words = units_in_words(units_of(cast.stranger))

    assert words.startswith("markets (Markets), desk-00 (Desk 0)")
    assert words.endswith("and 4 more")
