"""Who and when: a decision's moment has its person, and no person can be deleted away from a record."""

import pytest
from django.apps import apps as registry
from django.apps.registry import Apps
from django.db import models

from audit.governed import GOVERNED
from tests.architecture.source_tree import apps

# Moments of governed records that nobody decides, with what they are instead.
MOMENTS_APART = {
    "accounts.Person.joined_at": "when the person was entered; the entry says by whom",
    "accounts.ApiToken.expires_at": "set when the token was made, by who made it",
    "proposals.Proposal.applied_at": "the service that made the change set it; the entry says by whom",
    "audit.Artefact.filed_at": "a service or the worker filed it; the entry says which",
    "audit.Attachment.filed_at": "as above",
    "inventory.Framework.published_at": "whoever runs the portal loaded its file; the entry holds the digest",
    "inventory.ReviewMark.marked_at": "a person or the portal marked it; the entry says which",
    "monitoring.Reference.fitted_at": "the worker fitted it",
    "monitoring.Breach.opened_at": "the worker opened it: a figure crossed a threshold that a person set",
    "monitoring.Breach.ended_at": "its figure was restated, or its threshold moved; the entry says by whom",
}
PEOPLE = {"Person", "Account"}


def our_models() -> list[type[models.Model]]:
    return [model for model in registry.get_models() if model._meta.app_label in apps()]


def governed_models() -> list[type[models.Model]]:
    tables = {governed.table for governed in GOVERNED}
    return [model for model in our_models() if model._meta.db_table in tables]


def moments_without_a_person(found: list[type[models.Model]], apart: set[str]) -> list[str]:
    """What each `…_at` lacks: its `…_by`, or the constraint that ties the two."""
    faults = []
    for model in found:
        fields = {field.name: field for field in model._meta.get_fields() if hasattr(field, "null")}
        for name, field in fields.items():
            place = f"{model._meta.app_label}.{model.__name__}.{name}"
            if not (isinstance(field, models.DateTimeField) and name.endswith("_at")) or place in apart:
                continue
            person = fields.get(f"{name.removesuffix('_at')}_by")
            if person is None:
                faults.append(f"{place} has no {name.removesuffix('_at')}_by")
            elif field.null and not is_tied(model, name, person.name):
                faults.append(f"{place} and {person.name} are tied by no check constraint")
    return faults


def is_tied(model: type[models.Model], moment: str, person: str) -> bool:
    return any(
        moment in (words := str(constraint.condition)) and person in words
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    )


def people_that_can_be_deleted_away(found: list[type[models.Model]]) -> list[str]:
    return [
        f"{model._meta.label}.{field.name}"
        for model in found
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
        and getattr(field.related_model, "__name__", field.related_model) in PEOPLE
        and field.remote_field.on_delete is not models.PROTECT
    ]


def test_the_moment_of_a_decision_has_its_person_and_the_database_ties_them():
    assert moments_without_a_person(governed_models(), set(MOMENTS_APART)) == []


def test_moments_apart_exist():
    known = {f"{m._meta.app_label}.{m.__name__}.{f.name}" for m in governed_models() for f in m._meta.get_fields()}

    assert set(MOMENTS_APART) <= known


def test_no_person_or_account_can_be_deleted_away_from_a_record():
    assert people_that_can_be_deleted_away(our_models()) == []


def test_no_foreign_key_of_ours_cascades():
    assert [
        f"{model._meta.label}.{field.name}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is models.CASCADE
    ] == []


@pytest.fixture
def seeded():
    """A model with every fault, never in the registry of the apps."""

    class Seeded(models.Model):
        closed_at = models.DateTimeField(null=True)
        closed_by = models.ForeignKey("accounts.Person", models.CASCADE, null=True)
        accepted_at = models.DateTimeField()

        class Meta:
            app_label = "seeded"
            apps = Apps()

    Seeded._meta.get_field("closed_by").remote_field.model = registry.get_model("accounts.Person")
    return Seeded


def test_a_seeded_model_shows_each_fault(seeded):
    assert moments_without_a_person([seeded], set()) == [
        "seeded.Seeded.closed_at and closed_by are tied by no check constraint",
        "seeded.Seeded.accepted_at has no accepted_by",
    ]
    assert people_that_can_be_deleted_away([seeded]) == ["seeded.Seeded.closed_by"]
