import json
from dataclasses import replace

import pytest

from engines.log import Feature, LogSpec, LogSpecError
from tests.spec.engines.logs import SPEC


def test_a_definition_survives_json():
    plain = json.loads(json.dumps(SPEC.to_dict()))

    assert LogSpec.from_dict(plain) == SPEC
    assert LogSpec.from_dict(plain).to_dict() == plain


@pytest.mark.parametrize(
    ("change", "column", "sentence"),
    [
        ({"features": ()}, None, "at least one feature"),
        ({"features": (Feature("x", "numeric"),)}, "x", "number or category, got 'numeric'"),
        ({"features": (Feature("x", "number"), Feature("x", "category"))}, "x", "used for two things"),
        ({"score": "default"}, "default", "used for two things"),
        ({"segments": ("region", "region")}, "region", "used for two things"),
        ({"row_id": ""}, None, "name the column of the row id"),
        ({"cut_offs": (0.0,)}, "score", "between 0 and 1, got 0.0"),
        ({"cut_offs": (0.5, 0.5)}, "score", "cut-offs must differ"),
        ({"label": None}, "known_at", "without a label"),
        ({"label_maturity_days": -1}, "default", "whole number of days, got -1"),
        ({"time_zone": "Europe/Atlantis"}, None, "unknown time zone 'Europe/Atlantis'"),
    ],
)
def test_a_contradiction_is_named_with_its_column(change, column, sentence):
    with pytest.raises(LogSpecError, match=sentence) as refused:
        replace(SPEC, **change)

    assert refused.value.column == column


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"colour": 1}, "unknown field 'colour'"), ({"features": [{"nom": "x"}]}, "cannot be read")],
)
def test_a_definition_with_fields_of_its_own_is_refused(change, sentence):
    with pytest.raises(LogSpecError, match=sentence):
        LogSpec.from_dict({**SPEC.to_dict(), **change})


def test_a_definition_without_a_field_names_it():
    plain = {name: value for name, value in SPEC.to_dict().items() if name != "features"}

    with pytest.raises(LogSpecError, match="has no 'features'"):
        LogSpec.from_dict(plain)
