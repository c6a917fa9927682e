"""The API for people: drawn from the schema, so that it cannot tell another story than the code."""

import json
import re
from html import unescape

from inventory.policies import WORDS_OF_ADDRESSES
from portal.views.api_guide import calls_of_schema
from tests.pages import browser_of, queries_of, text_of


def call(name: str) -> dict:
    return next(call for call in calls_of_schema() if call["id"] == name)


def test_every_call_of_the_schema_has_its_place_in_the_guide(cast):
    client = browser_of(cast.owner)
    schema = client.get("/api/v1/schema/?format=json").json()
    names = {
        item["operationId"] for path in schema["paths"].values() for item in path.values() if "operationId" in item
    }

    page = text_of(client.get("/api/"))

    assert names
    assert {name for name in names if f'id="{name}"' not in page} == set()


def test_the_guide_links_only_to_places_that_it_has(cast):
    page = text_of(browser_of(cast.owner).get("/api/"))

    aimed = set(re.findall(r'href="#([\w-]+)"', page))
    assert aimed - set(re.findall(r'id="([\w-]+)"', page)) == set()


def test_an_example_is_a_body_that_the_portal_accepts_in_shape(cast):
    example = json.loads(call("register_model")["example"])

    assert set(example) == {field["name"] for field in call("register_model")["fields"] if field["required"]}
    assert example["kind"] in {"statistical", "machine_learning"}


def test_choices_are_listed_once_and_behind_references_too(cast):
    fields = {field["name"]: field for field in call("define_monitor")["fields"]}

    assert fields["span"]["choices"] == ["day", "week", "month"]
    assert "* `" not in json.dumps(calls_of_schema())


def test_the_guide_says_of_what_an_external_id_is_made(cast):
    page = unescape(text_of(browser_of(cast.owner).get("/api/")))

    assert "letters, digits and . _ : - in parts joined by /" in page
    assert f"It does not begin with MDL-, and no part of it is {', '.join(WORDS_OF_ADDRESSES)}, . or .." in page
    assert {"digest", "monitors", "stage", "versions"} <= set(WORDS_OF_ADDRESSES)


def test_every_field_says_what_it_is(cast):
    fields = [f for c in calls_of_schema() for group in ("parameters", "fields") for f in c[group]]
    fields += [f for c in calls_of_schema() for answer in c["answers"] for f in answer["fields"]]

    assert [field["name"] for field in fields if not field["help"]] == []


def test_code_in_a_sentence_is_shown_as_code(cast):
    page = browser_of(cast.owner).get("/api/").content.decode()

    assert "`" not in page.partition("<main")[2].partition("</main>")[0]


def test_the_guide_shows_curl_with_this_portals_address(cast):
    page = unescape(browser_of(cast.owner).get("/api/").content.decode())

    assert 'curl -H "Authorization: Bearer $ASSAY_TOKEN"' in page
    assert "http://localhost/api/v1/models/MDL-2026-0001/" in page


def test_the_guide_only_reads_and_asks_to_sign_in(cast):
    assert browser_of(cast.owner).post("/api/").status_code == 405
    assert browser_of(None).get("/api/").status_code == 302


def test_the_guide_reads_nothing_of_the_bank_but_the_readers_unit(cast):
    client = browser_of(cast.owner)

    assert queries_of(client, "/api/") == queries_of(client, "/tokens/") - 2  # the tokens, and those accepted
