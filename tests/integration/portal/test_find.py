"""What a box offers while one types, and which record is meant by what was typed."""

import pytest

from accounts import services as accounts
from accounts.models import Person, Unit
from inventory import services as inventory
from portal.forms import NamedField
from portal.lookups import LOOKUPS, MOST
from tests.pages import browser_of, queries_of, text_of

WANTED = {"name": "Nightly report", "scopes": ["models:read"], "unit": "retail", "days": "30"}


def offered(account, kind: str, words: str = "") -> list[str]:
    answer = browser_of(account).get(f"/find/{kind}/", {"q": words})
    assert answer.status_code == 200
    return [offer["value"] for offer in answer.json()["offers"]]


@pytest.fixture
def model(cast):
    model, _ = inventory.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        by=cast.owner,
    )
    return model


# ---- the address ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["credit", "RETAIL", "cred ret", ""])
def test_units_are_found_by_parts_of_name_and_code(cast, words):
    assert "Retail credit (retail)" in offered(cast.owner, "units", words)


def test_what_nothing_has_is_not_offered(cast):
    assert offered(cast.owner, "units", "moon") == []
    assert offered(cast.owner, "units", "retail\0moon") == []


def test_people_are_offered_by_name_and_number_to_who_may_see_them(cast):
    assert offered(cast.administrator, "people", "olivia") == ["Olivia Owner (HR-olivia-owner)"]
    assert offered(cast.auditor, "people", "hr-olivia") == ["Olivia Owner (HR-olivia-owner)"]


@pytest.mark.parametrize("who", ["owner", "stranger", "officer"])
def test_others_are_offered_nobody_but_themselves(cast, who):
    account = getattr(cast, who)

    assert offered(account, "people") == [f"{account.person} ({account.person.hr_number})"]


def test_models_are_offered_to_who_may_see_them(cast, model):
    assert offered(cast.validator, "models", "card") == [f"Card PD ({model.ref})"]
    assert offered(cast.stranger, "models", "card") == []
    assert offered(cast.administrator, "models") == []


def test_service_accounts_are_offered_to_administrators_and_to_whom_they_belong(cast):
    assert offered(cast.administrator, "service-accounts") == ["ci-pipeline"]
    assert offered(cast.owner, "service-accounts") == ["ci-pipeline"]
    assert offered(cast.stranger, "service-accounts") == []


def test_a_long_list_says_that_there_is_more_in_as_many_queries(cast):
    few = queries_of(browser_of(cast.owner), "/find/units/")
    for number in range(MOST + 5):
        accounts.add_unit(code=f"u{number}", name=f"Unit {number}", parent=cast.retail, by=None)

    answer = browser_of(cast.owner).get("/find/units/?q=unit").json()

    assert (len(answer["offers"]), answer["more"]) == (MOST, True)
    assert queries_of(browser_of(cast.owner), "/find/units/") == few


def test_the_address_asks_to_sign_in_only_reads_and_knows_its_kinds(cast):
    assert browser_of(None).get("/find/units/").status_code == 302
    assert browser_of(cast.owner).post("/find/units/").status_code == 405
    assert browser_of(cast.owner).get("/find/secrets/").status_code == 404


# ---- what was typed ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed", ["retail", "RETAIL", "Retail credit", "Retail credit (retail)", " retail "])
def test_a_unit_is_meant_by_code_name_or_both(cast, typed):
    assert LOOKUPS["units"].find(Unit.objects.all(), typed) == cast.retail


def test_a_name_that_two_have_means_neither(cast):
    accounts.add_unit(code="retail-2", name="Retail credit", parent=cast.retail, by=None)

    assert LOOKUPS["units"].find(Unit.objects.all(), "Retail credit") is None
    assert LOOKUPS["units"].find(Unit.objects.all(), "Retail credit (retail)") == cast.retail


def test_a_code_with_brackets_of_its_own_is_found(cast):
    unit = accounts.add_unit(code="odd", name="Odd (old) unit", parent=None, by=None)

    assert LOOKUPS["units"].find(Unit.objects.all(), "Odd (old) unit (odd)") == unit
    assert LOOKUPS["units"].find(Unit.objects.all(), "Odd (old) unit") == unit


def test_a_person_who_left_is_not_meant(cast):
    accounts.disable_person(person=cast.owner.person, reason="Left", by=cast.administrator)

    field = NamedField("people", Person.objects.filter(is_active=True))

    assert field.records.count() == Person.objects.count() - 1
    assert LOOKUPS["people"].find(field.records, "HR-olivia-owner") is None


# ---- the box ------------------------------------------------------------------------------------------------
def test_without_script_the_box_is_an_input_with_a_short_list(cast):
    page = text_of(browser_of(cast.administrator).get("/administration/"))

    assert 'list="id_unit_offers"' in page
    assert 'data-find="/find/units/"' in page
    assert '<datalist id="id_unit_offers">' in page
    assert '<option value="Retail credit (retail)"></option>' in page


def test_a_form_takes_what_the_box_writes(cast):
    sent = WANTED | {"unit": "Retail credit (retail)"}
    answer = browser_of(cast.owner).post("/tokens/", sent, follow=True)

    assert answer.context["secret"]


def test_what_is_not_found_says_what_there_is(cast):
    asked = {"person": "nobody", "role": "owner", "unit": "moon", "reason": "Needed"}
    page = text_of(browser_of(cast.administrator).post("/administration/roles/propose/", asked))

    assert "There is no unit with the name or code “moon”. Choose from: Group (group), Markets (markets)," in page
    assert 'value="moon"' in page
