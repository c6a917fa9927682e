"""Every address with values that nobody means: each is answered, by a page or by problem details, and never by a 500.

The addresses come from the URLs themselves, the names of parameters from what each view was seen to read, the bodies
from the API's own description: a new address, parameter or field is tried without being written down here.
"""

from __future__ import annotations

import copy
import functools
import json
from urllib.parse import quote

import pytest
from django.http import QueryDict
from django.urls import reverse

from portal.middleware import StorableAddresses
from portal.views.api_guide import calls_of_schema
from tests.architecture import test_addresses as walk
from web.problems import MEDIA_TYPE

things = walk.things

# As they stand in an address: percent-encoded bytes, digits of other scripts, numbers that no key reaches.
ODD = {
    "NUL": "a%00b",
    "superscript two": quote("²"),
    "no UTF-8": "%ff%fe",
    "half of a surrogate pair": "%ed%a0%80",
    "more than a key": "9" * 30,
    "more digits than Python reads": "9" * 5000,
    "negative": "-1",
    "line feed": "%0a",
    "year that no calendar has": "0000-00-00",
    "place of a page": "WzFlOTk5LDFd",  # [1e999,1]
    "place of a page, out of range": "W251bGwsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTld",  # [null, a number of 23 digits]
}
FORM = "application/x-www-form-urlencoded"
STAND_INS = {"number": 7_777_777, "entry": 7_777_777, "item": 7_777_777}
BODIES = [None, 10**30, "a\0b", "\ud800", "x" * 20_000, ["a\0b"], {"a": "\0"}]


class Reading:
    """Which parameters of addresses and forms were read while it watched."""

    def __init__(self, monkeypatch):
        self.names: set[str] = set()
        for method in ("__getitem__", "_getlist"):
            self._watch(monkeypatch, method)

    def _watch(self, monkeypatch, method: str) -> None:
        inner = getattr(QueryDict, method)

        def read(query, key, *default, **options):
            self.names.add(key)
            return inner(query, key, *default, **options)

        monkeypatch.setattr(QueryDict, method, read)

    def of(self, ask) -> set[str]:
        self.names.clear()
        ask()
        return self.names - {"csrfmiddlewaretoken"}


@pytest.fixture
def reading(monkeypatch) -> Reading:
    return Reading(monkeypatch)


@pytest.fixture
def asker(cast, things):
    """Asks as whoever gets furthest at an address; says what is wrong with how that is answered."""
    return Asker([walk.browser_of(account) for account in (cast.officer, cast.administrator)], things)


class Asker:
    def __init__(self, clients: list, things):
        self._clients, self._things = clients, things

    @functools.cache  # noqa: B019  (lives as long as its test)
    def _client_of(self, name: str):
        where = walk.address(name, self._things)
        return min(self._clients, key=lambda client: client.get(where).status_code in (403, 404))

    @functools.cache  # noqa: B019
    def methods(self, name: str) -> list[str]:
        """What the address answers to."""
        where, client = walk.address(name, self._things), self._client_of(name)
        return [method for method in ("get", "post") if getattr(client, method)(where).status_code != 405]

    def faults(self, name: str, method: str, where: str, **sent) -> list[str]:
        answer = getattr(self._client_of(name), method)(where, **sent)
        said = f"{method} {where[:120]} {str(sent)[:160]}: {answer.status_code}"
        if answer.status_code >= 500:
            return [f"{said} {answer.exc_info[1]!r}"[:400]]
        if where.startswith("/api/v1/") and answer.status_code >= 400 and answer["Content-Type"] != MEDIA_TYPE:
            return [f"{said} says no in {answer['Content-Type']}"]
        return []


def odd_addresses(name: str, things) -> list[str]:
    """The address with each of its parameters made odd in each way."""
    found = []
    for parameter in walk.route_of(name).pattern.converters:
        good = walk.parameters(name, things)
        stand_in = STAND_INS.get(parameter, "stand-in")
        where = reverse(name, kwargs=good | {parameter: stand_in})
        found += [where.replace(str(stand_in), odd) for odd in ODD.values()]
    return found


def bodies_of(call: dict) -> list:
    """The call's example with each of its fields made odd, nested ones too; and what is no object at all."""
    example = json.loads(call["example"] or "{}")
    example |= {field["name"]: example.get(field["name"], "x") for field in call["fields"]}
    return BODIES + [body for name in example for body in _with_odd(example, [name])]


def _with_odd(example: dict, path: list) -> list:
    found = []
    for odd in BODIES:
        body = copy.deepcopy(example)
        holder = body
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = odd
        found.append(body)
    inner = example
    for step in path:
        inner = inner[step]
    steps = inner if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
    return found + [body for step in steps for body in _with_odd(example, [*path, step])]


def test_twin_without_its_guard_a_nul_in_an_address_is_a_500_that_the_walk_finds(asker, monkeypatch):
    monkeypatch.setattr(StorableAddresses, "process_view", lambda *_request, **_view: None)

    faults = asker.faults("model", "get", "/models/a%00b/")

    assert [fault.partition(": ")[0] for fault in faults] == ["get /models/a%00b/ {}"]


def test_no_parameter_of_a_path_ends_in_a_500(asker, things):
    faults = [
        fault
        for name in walk.names()
        for where in odd_addresses(name, things)
        for method in asker.methods(name)
        for fault in asker.faults(name, method, where)
    ]

    assert "\n".join(faults) == ""


def test_no_parameter_of_a_query_ends_in_a_500(asker, things, reading):
    faults = []
    for name in set(walk.names()) - {"sign-out"}:
        where = walk.address(name, things)
        parameters = sorted(reading.of(lambda: asker.faults(name, "get", where)))  # noqa: B023  (called at once)
        for odd in ODD.values():
            pairs = [f"{parameter}={odd}" for parameter in parameters]
            # a call of the API refuses the first that it does not like; a page goes on without it
            queries = pairs if name.startswith("api-") else ["&".join(pairs)]
            faults += [f for query in queries for f in asker.faults(name, "get", f"{where}?{query}")]

    assert "\n".join(faults) == ""


def test_no_field_of_a_form_ends_in_a_500(asker, things, reading):
    faults = []
    for name in [name for name in walk.names() if not name.startswith("api-") and name != "sign-out"]:
        where = walk.address(name, things)
        fields = reading.of(lambda: asker.faults(name, "post", where, data={"reason": ""}))  # noqa: B023
        for odd in ODD.values():
            form = "&".join(f"{field}={odd}" for field in sorted(fields))
            faults += asker.faults(name, "post", where, data=form, content_type=FORM)

    assert "\n".join(faults) == ""


def test_no_body_of_a_call_ends_in_a_500(asker, things):
    faults = []
    for call in [call for call in calls_of_schema() if call["method"] != "GET"]:
        where = call["path"].format(ref=things.model.ref, label="1.0.0", number=things.monitor.pk, item=1)
        for body in bodies_of(call):
            sent = {"data": json.dumps(body), "content_type": "application/json", "headers": {"If-Match": '"x"'}}
            faults += asker.faults("api-models", call["method"].lower(), where, **sent)

    assert "\n".join(faults) == ""
