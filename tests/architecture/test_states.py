"""Each status stands in its table of transitions, and the database refuses every step that does not."""

from datetime import date
from itertools import product as pairs_of

import pytest
from django.apps import apps as registry
from django.db import IntegrityError, transaction
from django.utils import timezone

from inventory.models import Assessment, Model, ModelVersion, TieringScheme
from jobs.models import Job
from portal.management.commands.draw_states import PAGE
from portal.states import state_tables, states_page
from proposals.models import Conflict, Proposal
from tests.architecture.source_tree import apps


# A row of each noun in a state of one's choice: inserting is free, only moving is held.
def model_in(stage: str, cast) -> Model:
    number = Model.objects.count()
    return Model.objects.create(
        ref=f"MDL-{number}",
        external_id=f"{number}",
        name="M",
        stage=stage,
        unit=cast.retail,
        owner=cast.owner.person,
        registered_by=cast.owner.person,
    )


def version_in(state: str, cast) -> ModelVersion:
    number = ModelVersion.objects.count()
    model = Model.objects.first() or model_in(Model.Stage.IN_DEVELOPMENT, cast)
    return ModelVersion.objects.create(
        model=model, label=f"{number}", digest="a" * 64, digest_state=state, registered_by=cast.owner.person
    )


def job_in(state: str, cast) -> Job:
    return Job.objects.create(task="x.y", state=state, lease_until=timezone.now())


def proposal_in(state: str, cast) -> Proposal:
    asked = {"kind": "x", "subject": "x", "change": {}, "asked_by": cast.owner.person, "expires_on": date(2999, 12, 31)}
    proposal = Proposal.objects.create(state=state, **asked, **decision(state, cast))
    Conflict.objects.create(proposal=proposal, person=cast.owner.person, why=Conflict.Why.ASKED)
    return proposal


def decision(state: str, cast) -> dict:
    is_by_nobody = state in (Proposal.State.OPEN, Proposal.State.EXPIRED)
    return {
        "decided_by": None if is_by_nobody else cast.officer.person,
        "decided_at": None if is_by_nobody else timezone.now(),
    }


def scheme_in(state: str, cast) -> TieringScheme:
    """A scheme begins as a draft, and comes into force by a proposal alone, in place of another."""
    number = TieringScheme.objects.count() + 1
    scheme = TieringScheme.objects.create(number=number, name="S", content={}, note="x", drafted_by=cast.officer.person)
    published = {"state": "published"} | publication("published", cast)
    Proposal.objects.create(
        kind="tiering scheme",
        subject=f"inventory.tieringscheme:{scheme.pk}",
        change={},
        asked_by=cast.owner.person,
        state=Proposal.State.ACCEPTED,
        **decision(Proposal.State.ACCEPTED, cast),
    )
    TieringScheme.objects.filter(state="published").update(state="superseded")
    for step in {"published": [published], "superseded": [published, {"state": "superseded"}]}.get(state, []):
        TieringScheme.objects.filter(pk=scheme.pk).update(**step)
    if state == "discarded":
        TieringScheme.objects.filter(pk=scheme.pk).update(state=state)
    return scheme


def assessment_in(state: str, cast) -> Assessment:
    model = model_in(Model.Stage.IN_DEVELOPMENT, cast)
    return Assessment.objects.create(
        model=model,
        scheme=TieringScheme.objects.first() or scheme_in("draft", cast),
        answers={},
        tier=1,
        bands={},
        scores={},
        answered_at=timezone.now(),
        answered_by=cast.owner.person,
        rated_by=cast.owner.person,
        state=state,
        **judgement(state, cast),
    )


def judgement(state: str, cast) -> dict:
    is_by_nobody = state == Assessment.State.PROVISIONAL
    return {
        "judged_at": None if is_by_nobody else timezone.now(),
        "judged_by": None if is_by_nobody else cast.officer.person,
    }


def publication(state: str, cast) -> dict:
    if state != TieringScheme.State.PUBLISHED:
        return {}
    return {"published_at": timezone.now(), "published_by": cast.officer.person}


MAKERS = {
    "inventory.Assessment.state": (assessment_in, judgement),
    "inventory.Model.stage": (model_in, lambda state, cast: {}),
    "inventory.ModelVersion.digest_state": (version_in, lambda state, cast: {}),
    "inventory.TieringScheme.state": (scheme_in, publication),
    "jobs.Job.state": (job_in, lambda state, cast: {}),
    "proposals.Proposal.state": (proposal_in, decision),
}


def test_every_state_is_in_its_table_and_nothing_else_is():
    assert {table.name: set(table.edges) for table in state_tables()} == {
        table.name: set(table.states) for table in state_tables()
    }
    assert all(ends <= set(table.states) for table in state_tables() for ends in table.edges.values())


# Copies for the list, written with what they are copied from.
COPIES = {"inventory.Standing.latest_digest_state"}


def test_every_field_that_holds_a_state_has_a_table():
    fields = {
        f"{model._meta.label}.{field.name}"
        for model in registry.get_models()
        if model._meta.app_label in apps()
        for field in model._meta.fields
        if field.choices and field.name.endswith(("state", "status", "stage"))
    }

    assert fields - COPIES == {table.name for table in state_tables()}
    assert fields >= COPIES


def test_the_page_of_states_is_what_the_tables_say():
    assert PAGE.read_text() == states_page(), "run: manage.py draw_states"


def test_a_step_that_a_table_gains_changes_the_page(monkeypatch):
    table = next(table for table in state_tables() if table.name == "proposals.Proposal.state")
    before = states_page()

    monkeypatch.setitem(table.edges, Proposal.State.DECLINED, {Proposal.State.OPEN})

    assert "declined --> open" in states_page()
    assert states_page() != before


def test_every_table_has_a_row_to_try_it_on():
    assert {table.name for table in state_tables()} == set(MAKERS)


@pytest.mark.parametrize("name", MAKERS)
def test_the_database_takes_the_listed_steps_and_refuses_all_others(cast, name):
    table = next(table for table in state_tables() if table.name == name)
    make, beside = MAKERS[name]

    taken = [
        (start, end)
        for start, end in pairs_of(table.states.values, repeat=2)
        if start != end and moves(table, make(start, cast), end, beside(end, cast))
    ]

    assert sorted(taken) == sorted(table.pairs())


def moves(table, row, end: str, beside: dict) -> bool:
    """Whether the portal's own role can move the row, going past every service."""
    try:
        with transaction.atomic():
            table.model.objects.filter(pk=row.pk).update(**{table.field: end}, **beside)
    except IntegrityError as refusal:
        if "cannot go from" not in str(refusal):  # refused for another reason, which is no answer
            raise
        return False
    return True


def test_twin_without_the_trigger_the_database_takes_any_step(cast, superuser):
    superuser.execute("alter table proposals_proposal disable trigger hold_state")

    declined = proposal_in(Proposal.State.DECLINED, cast)

    table = next(table for table in state_tables() if table.name == "proposals.Proposal.state")
    assert moves(table, declined, Proposal.State.ACCEPTED, {})
