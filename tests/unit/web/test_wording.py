"""Whatever is wrong with a body is said in sentences of ours, all of it at once, each at its place."""

import re

import pytest
from rest_framework import fields, relations, serializers
from rest_framework.exceptions import ValidationError

from web.serializers import StrictSerializer
from web.wording import pointed


class Part(StrictSerializer):
    name = serializers.CharField(max_length=5)
    weight = serializers.FloatField(required=False, min_value=0, max_value=1)


class Whole(StrictSerializer):
    title = serializers.CharField(help_text="What it is called")
    kind = serializers.ChoiceField(["round", "square"])
    count = serializers.IntegerField(min_value=1, max_value=9)
    made_on = serializers.DateField()
    sent_at = serializers.DateTimeField()
    is_whole = serializers.BooleanField()
    code = serializers.RegexField(r"^[a-z]+$", error_messages={"invalid": "A code is made of small letters."})
    tags = serializers.ListField(child=serializers.CharField(), allow_empty=False)
    parts = Part(many=True)
    best = Part()

    def validate_code(self, code):
        if code == "taken":
            raise ValidationError("This code is taken.")
        return code


GOOD = {
    "title": "One",
    "kind": "round",
    "count": 3,
    "made_on": "2026-01-31",
    "sent_at": "2026-01-31T09:30:00Z",
    "is_whole": True,
    "code": "abc",
    "tags": ["a"],
    "parts": [{"name": "a"}],
    "best": {"name": "b", "weight": 0.5},
}


def faults(body) -> dict[str, str]:
    wanted = Whole(data=body)
    wanted.is_valid()
    return dict(pointed(wanted.errors))


def test_a_body_that_fits_has_no_fault():
    assert faults(GOOD) == {}


@pytest.mark.parametrize(
    ("change", "pointer", "sentence"),
    [
        ({"kind": "oval"}, "/kind", "One of round, square is wanted, got 'oval'."),
        ({"count": "many"}, "/count", "A whole number is wanted, got 'many'."),
        ({"count": 0}, "/count", "At least 1 is wanted, got 0."),
        ({"count": 12}, "/count", "At most 9 is wanted, got 12."),
        ({"count": None}, "/count", "A whole number is wanted, got null."),
        ({"made_on": "31.1.2026"}, "/made_on", "A day such as 2026-01-31 is wanted, got '31.1.2026'."),
        ({"sent_at": "soon"}, "/sent_at", "A moment such as 2026-01-31T09:30:00Z is wanted, got 'soon'."),
        ({"is_whole": "perhaps"}, "/is_whole", "True or false is wanted, got 'perhaps'."),
        ({"title": ""}, "/title", "A text is wanted, got an empty one."),
        ({"title": ["One"]}, "/title", "A text is wanted, got [\"One\"]."),
        ({"title": "a\0b"}, "/title", "A text cannot hold the character NUL."),
        ({"title": "a\ud800b"}, "/title", "A text cannot hold half of a surrogate pair."),
        ({"code": "ABC"}, "/code", "A code is made of small letters."),
        ({"code": "taken"}, "/code", "This code is taken."),
        ({"tags": "a"}, "/tags", "A list is wanted, got 'a'."),
        ({"tags": []}, "/tags", "At least one is wanted, got an empty list."),
        ({"tags": ["a", {"b": 1}]}, "/tags/1", 'A text is wanted, got {"b": 1}.'),
        ({"parts": "a"}, "/parts", "A list is wanted, got 'a'."),
        ({"parts": [{"name": "a"}, 7]}, "/parts/1", "One JSON object is wanted here, got 7."),
        ({"parts": [{"name": "a"}, {"name": "longer"}]}, "/parts/1/name", "At most 5 characters are wanted, got 6."),
        ({"best": None}, "/best", "An object is wanted, got null."),
        ({"best": {"name": "b", "weight": "x"}}, "/best/weight", "A number is wanted, got 'x'."),
        ({"best": {"name": "b", "x": 1}}, "/best/x", "There is no such field. The fields here are: name, weight."),
        ({"a/b~c": 1}, "/a~1b~0c", f"There is no such field. The fields here are: {', '.join(GOOD)}."),
    ],
)  # fmt: skip
def test_one_fault_is_one_sentence_at_its_place(change, pointer, sentence):
    assert faults(GOOD | change) == {pointer: sentence}


def test_what_is_missing_is_said_with_what_it_is_for():
    assert faults({})["/title"] == "This is missing. A text is wanted: What it is called."
    assert faults({})["/kind"] == "This is missing. One of round, square is wanted."


def test_all_faults_come_at_once_an_unknown_field_hides_none():
    found = faults({"titel": "One", "kind": "oval", "count": "x", "parts": [{}], "best": {"name": 1, "size": 2}})

    assert {"/titel", "/title", "/kind", "/count", "/parts/0/name", "/best/size"} < set(found)


@pytest.mark.parametrize("body", [[1, 2], "text", 7, True])
def test_a_body_that_is_no_object_is_said_to_be_none(body):
    assert list(faults(body)) == [""]
    assert "One JSON object is wanted here" in faults(body)[""]


def test_a_long_value_is_cut_where_it_is_quoted():
    assert len(faults(GOOD | {"kind": "x" * 10_000})["/kind"]) < 160


def framework_words() -> list[re.Pattern]:
    """Every sentence that the framework has for a field, its blanks open."""
    kinds = [vars(module)[name] for module in (fields, relations, serializers) for name in dir(module)]
    tables = [getattr(kind, "default_error_messages", {}) for kind in kinds if isinstance(kind, type)]
    sentences = {str(words) for table in tables for words in table.values()}
    return [re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(words)) + "$") for words in sentences]


GARBAGE = [None, "", "x", "x" * 3000, 0, -1, 10**400, 1e308, True, [], [[]], {}, {"x": 1}, ["x", None], "\0", "9-9"]


@pytest.mark.parametrize("value", GARBAGE, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("name", GOOD)
def test_no_sentence_of_the_framework_comes_through(name, value):
    found = faults(GOOD | {name: value})

    assert [words for words in found.values() if any(known.match(words) for known in framework_words())] == []
    assert all(words.endswith(".") for words in found.values())
