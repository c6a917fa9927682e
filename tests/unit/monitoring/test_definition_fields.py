"""The API's description of a definition names what the engine and the sandbox take: no field more, none less."""

from dataclasses import MISSING, fields

import pytest
from drf_spectacular.generators import SchemaGenerator

from engines.log import Feature, LogSpec
from monitoring.api import definitions
from monitoring.services.definitions import USUAL_LIMITS, Limit
from sandbox.explanation import ExplanationTarget

PAIRS = [
    (definitions.Columns, LogSpec),
    (definitions.Feature, Feature),
    (definitions.Explained, ExplanationTarget),
    (definitions.Limit, Limit),
]


@pytest.fixture(scope="module")
def schemas() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]


@pytest.mark.parametrize(("serializer", "read_by"), PAIRS)
def test_the_fields_are_those_that_are_read(serializer, read_by):
    assert set(serializer().fields) == {field.name for field in fields(read_by)}


@pytest.mark.parametrize(("serializer", "read_by"), PAIRS)
def test_what_has_no_default_must_be_sent(serializer, read_by):
    required = {name for name, field in serializer().fields.items() if field.required}

    assert required == {field.name for field in fields(read_by) if field.default is MISSING}


def test_every_choice_of_what_is_explained_is_taken_and_no_other():
    choices = {name: list(definitions.Explained().fields[name].choices) for name in ("flavour", "method", "link")}

    for flavour in choices["flavour"]:
        for method in choices["method"]:
            for link in choices["link"]:
                assert ExplanationTarget(flavour, method, None, link)
    with pytest.raises(ValueError, match="must be one of"):
        ExplanationTarget("keras", "predict")


def test_the_usual_limits_are_such_as_the_api_takes():
    wanted = definitions.Limit(data=[limit.__dict__ for limit in USUAL_LIMITS], many=True)

    assert wanted.is_valid(), wanted.errors


@pytest.mark.parametrize("name", ["Columns", "Feature", "Explained", "Limit", "MonitorInput", "RunInput"])
def test_every_field_of_the_schema_is_typed_and_says_what_it_is(schemas, name):
    for field, shape in schemas[f"{name}Request"]["properties"].items():
        assert shape.get("description"), f"{name}.{field} says nothing"
        assert {"type", "$ref", "allOf", "oneOf"} & set(shape), f"{name}.{field} is of no type"
        assert shape.get("additionalProperties") != {}, f"{name}.{field} is an object of anything"
