"""Every table of the portal is governed, or says why not; what is listed exists."""

from collections.abc import Iterable, Mapping

import pytest
from django.apps import apps as registry

from audit.governed import GOVERNED, NOT_GOVERNED, Governed
from tests.architecture.source_tree import apps


def our_tables() -> dict[str, set[str]]:
    """Columns of each table that an app of ours makes. The trail's own belong to audit_owner, who guards them."""
    return {
        model._meta.db_table: {field.column for field in model._meta.concrete_fields}
        for model in registry.get_models(include_auto_created=True)
        if model._meta.app_label in apps() and model._meta.managed and not model._meta.proxy
    }


def faults(tables: Mapping[str, set[str]], governed: Iterable[Governed], apart: Mapping[str, str]) -> list[str]:
    listed = {entry.table: entry for entry in governed}
    said = [f"{table} is neither governed nor apart with a reason" for table in tables.keys() - listed - apart.keys()]
    said += [f"{table} is both governed and apart" for table in listed.keys() & apart.keys()]
    said += [f"{table} is listed and is no table" for table in (listed.keys() | apart.keys()) - tables.keys()]
    said += [f"{table} is apart without a reason" for table, reason in apart.items() if not reason.strip()]
    for table, entry in listed.items():
        named = {*entry.without, *filter(None, [entry.trail_column]), "id"}
        said += [f"{table} has no column {column}" for column in named - tables.get(table, named)]
    return sorted(said)


def test_every_table_is_governed_or_says_why_not():
    assert faults(our_tables(), GOVERNED, NOT_GOVERNED) == []


@pytest.mark.parametrize("forgotten", [governed.table for governed in GOVERNED])
def test_a_table_taken_out_of_the_governed_is_found(forgotten):
    rest = [governed for governed in GOVERNED if governed.table != forgotten]

    assert faults(our_tables(), rest, NOT_GOVERNED) == [f"{forgotten} is neither governed nor apart with a reason"]


@pytest.mark.parametrize(
    ("governed", "apart", "fault"),
    [
        ([Governed("x", "a.x")], {"x": "derived"}, "x is both governed and apart"),
        ([Governed("x", "a.x"), Governed("y", "a.y")], {}, "y is listed and is no table"),
        ([], {"x": " "}, "x is apart without a reason"),
        ([Governed("x", "a.x", "model_id", "a.model")], {}, "x has no column model_id"),
        ([Governed("x", "a.x", without=("secret",))], {}, "x has no column secret"),
    ],
)
def test_a_list_that_does_not_fit_the_tables_is_found(governed, apart, fault):
    assert faults({"x": {"id", "name"}}, governed, apart) == [fault]
