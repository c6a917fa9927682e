import json
import re
from dataclasses import replace

import pytest

from engines.log import Feature, LogSpec, LogSpecError, columns_named, faults_of
from tests.spec.engines.logs import SPEC


def test_a_definition_survives_json():
    plain = json.loads(json.dumps(SPEC.to_dict()))

    assert LogSpec.from_dict(plain) == SPEC
    assert LogSpec.from_dict(plain).to_dict() == plain


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        ({"features": ()}, ("features",), "at least one feature"),
        ({"features": (Feature("x", "numeric"),)}, ("features", 0, "kind"), "number or category, got 'numeric'"),
        (
            {"features": (Feature("x", "number"), Feature("x", "category"))},
            ("features", 1, "name"),
            "'x' is used for two things, this and features/0/name",
        ),
        ({"score": "default"}, ("label",), "used for two things, this and score"),
        ({"segments": ("region", "region")}, ("segments", 1), "used for two things"),
        ({"row_id": ""}, ("row_id",), "name the column of the row id"),
        ({"cut_offs": (0.5, 0.0)}, ("cut_offs", 1), "between 0 and 1, got 0.0"),
        ({"cut_offs": (0.5, 0.5)}, ("cut_offs", 1), "cut-offs must differ"),
        ({"label": None}, ("label_known_at",), "without a label"),
        ({"label_maturity_days": -1}, ("label_maturity_days",), "whole number of days, 0 to 36500, got -1"),
        ({"label_maturity_days": 10**9}, ("label_maturity_days",), "whole number of days, 0 to 36500"),
        ({"time_zone": "Europe/Atlantis"}, ("time_zone",), "unknown time zone 'Europe/Atlantis'"),
    ],
)
def test_a_contradiction_is_named_with_its_place(change, place, sentence):
    with pytest.raises(LogSpecError, match=re.escape(sentence)) as refused:
        replace(SPEC, **change)

    assert [fault.place for fault in refused.value.faults] == [place]


def test_every_contradiction_is_named_at_once():
    changes = {"features": (Feature("x", "real"), Feature("score", "number")), "cut_offs": (2.0,), "time_zone": "Moon"}

    with pytest.raises(LogSpecError) as refused:
        replace(SPEC, **changes)

    assert [fault.place for fault in refused.value.faults] == [
        ("features", 0, "kind"),
        ("features", 1, "name"),
        ("cut_offs", 0),
        ("time_zone",),
    ]


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        ({"colour": 1}, ("colour",), "there is no field 'colour'; there are row_id, time"),
        ({"features": [{"nom": "x"}]}, (), "cannot be read"),
    ],
)
def test_a_definition_with_fields_of_its_own_is_refused(change, place, sentence):
    with pytest.raises(LogSpecError, match=sentence) as refused:
        LogSpec.from_dict({**SPEC.to_dict(), **change})

    assert [fault.place for fault in refused.value.faults] == [place]


def test_a_definition_without_its_fields_names_each():
    plain = {name: value for name, value in SPEC.to_dict().items() if name not in ("features", "time")}

    with pytest.raises(LogSpecError, match="has no 'features'") as refused:
        LogSpec.from_dict(plain)

    assert [fault.place for fault in refused.value.faults] == [("time",), ("features",)]


def test_an_older_definition_without_units_reads_as_before():
    plain = SPEC.to_dict()
    for feature in plain["features"]:
        del feature["unit"]

    assert LogSpec.from_dict(plain) == SPEC


def test_each_column_is_named_with_its_place_and_what_it_must_hold():
    named = {one.place: (one.column, one.holds) for one in columns_named(SPEC.to_dict())}

    assert named == {
        ("row_id",): ("id", "anything"),
        ("time",): ("asked_at", "moments"),
        ("score",): ("score", "numbers"),
        ("decision",): ("decision", "anything"),
        ("label",): ("default", "numbers"),
        ("label_known_at",): ("known_at", "moments"),
        ("segments", 0): ("region", "anything"),
        ("features", 0, "name"): ("income", "numbers"),
        ("features", 1, "name"): ("age", "numbers"),
        ("features", 2, "name"): ("product", "anything"),
    }


@pytest.mark.parametrize(
    "value", [None, 7, "x", [], [7], ["x"], {}, {"name": 3}, [{"name": 3, "kind": []}], True, 1e300]
)
@pytest.mark.parametrize("field", SPEC.to_dict())
def test_values_of_any_type_are_read_without_a_traceback(field, value):
    plain = SPEC.to_dict() | {field: value}

    assert all(isinstance(one.column, str) for one in columns_named(plain))
    assert all(fault.reason for fault in faults_of(plain))
