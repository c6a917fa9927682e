"""Many models in one call: all of them or each by itself, with an answer for each line."""

import json

import pytest

from inventory import services
from inventory.models import Model
from tests.pages import browser_of

GOOD = {
    "external_id": "cards/pd",
    "name": "Card PD",
    "kind": "statistical",
    "unit": "retail",
    "owner": "HR-olivia-owner",
}
BAD = GOOD | {"external_id": "cards/lgd", "owner": "HR-9"}


def upsert(account, *lines, query="") -> tuple[int, list[dict]]:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    answer = browser_of(account).post(f"/api/v1/bulk/models/{query}", body, content_type="application/x-ndjson")
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, [json.loads(line) for line in content.splitlines()]


def test_lines_register_change_and_leave_alone(cast):
    services.register_model(**GOOD | {"unit": cast.retail, "owner": cast.owner.person}, tags=["basel"], by=cast.officer)
    status, answers = upsert(
        cast.officer,
        {"external_id": "cards/pd", "name": "Card PD two"},
        {"external_id": "cards/pd-2"} | {k: v for k, v in GOOD.items() if k != "external_id"} | {"tags": ["a", "b"]},
    )

    assert (status, [answer["result"] for answer in answers]) == (200, ["changed", "created"])
    assert answers[0]["changes"] == [["name", "Card PD", "Card PD two"]]
    assert Model.objects.get(external_id="cards/pd").tags == ["basel"]
    assert Model.objects.get(ref=answers[1]["ref"]).tags == ["a", "b"]


def test_the_same_lines_again_change_nothing(cast):
    upsert(cast.officer, GOOD)

    assert upsert(cast.officer, GOOD)[1][0]["result"] == "same"


def test_one_fault_stops_all_of_it(cast):
    status, answers = upsert(cast.officer, GOOD, BAD)

    assert (status, [answer["result"] for answer in answers]) == (422, ["not applied", "refused"])
    assert answers[1]["problems"] == {"owner": "There is nobody with the HR number 'HR-9'."}
    assert Model.objects.count() == 0


def test_each_by_itself_lets_the_good_ones_through(cast):
    status, answers = upsert(cast.officer, GOOD, BAD, query="?mode=each")

    assert (status, [answer["result"] for answer in answers]) == (200, ["created", "refused"])
    assert [model.external_id for model in Model.objects.all()] == ["cards/pd"]


def test_a_dry_run_says_what_would_happen_and_changes_nothing(cast):
    status, answers = upsert(cast.officer, GOOD, query="?dry_run=true")

    assert (status, answers[0]["result"], Model.objects.count()) == (200, "created", 0)


@pytest.mark.parametrize(
    ("line", "place", "sentence"),
    [
        (b"{broken", "row", "One JSON object is wanted"),
        (b"[1]", "row", "One JSON object is wanted, got [1]"),
        (GOOD | {"nmae": "x"}, "nmae", "There is no such field"),
        (GOOD | {"name": {"a": 1}}, "name", "One text is wanted"),
        (GOOD | {"external_id": "a\0b"}, "external_id", "cannot hold the character NUL"),
        (GOOD | {"name": "\ud800"}, "name", "half of a surrogate pair"),
    ],
)
def test_a_line_that_cannot_be_taken_says_why(cast, line, place, sentence):
    status, answers = upsert(cast.officer, line)

    assert status == 422
    assert sentence in answers[0]["problems"][place]


def test_who_registers_nothing_is_refused(cast):
    assert upsert(cast.auditor, GOOD)[0] == 403
    assert upsert(cast.officer, GOOD, query="?mode=some")[0] == 422
