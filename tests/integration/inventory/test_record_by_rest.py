"""The record of a model by the REST API: fields, records below it, verdicts and change classes."""

import pytest
from django.core.management import call_command
from django.test import Client

from inventory import services
from inventory.models import NOUNS, Model, Profile
from tests.integration.inventory.test_parts import VALUES


@pytest.fixture
def model(cast) -> Model:
    call_command("load_frameworks", verbosity=0)
    model, _ = services.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        by=cast.owner,
    )
    services.register_version(model=model, label="1.0", mlflow_uri="models:/pd/1", by=cast.owner)
    return model


@pytest.fixture
def call(cast, model):
    """Call an address below the model's as a person; keyword arguments are the body."""

    def call(method, tail="", *, by=None, etag=None, **body):
        client = Client()
        client.force_login(by or cast.owner, backend="accounts.backends.ActiveAccountBackend")
        headers = {"if-match": etag} if etag else {}
        options = {"data": body, "content_type": "application/json"} if method != "get" else {}
        return getattr(client, method)(f"/api/v1/models/cards/pd/{tail}", headers=headers, **options)

    return call


def values_of(cast, key: str) -> dict:
    person = {"person": cast.validator.person.hr_number} if key == "responsibilities" else {}
    return VALUES[key] | person


def pointers(answer) -> set[str]:
    return {error["pointer"] for error in answer.json()["errors"]}


def test_the_record_is_read_edited_and_read_again(cast, call):
    read = call("get", "record/")
    edited = call("patch", "record/", etag=read["ETag"], origin="vendor", deployed_on="2026-03-01", purpose="Declines")

    fields = edited.json()["fields"]
    assert (fields["origin"], fields["deployed_on"], fields["purpose"]) == ("vendor", "2026-03-01", "Declines")
    assert edited["ETag"] != read["ETag"]
    e23 = next(score for score in edited.json()["completeness"] if score["regime"] == "e-23")
    assert (e23["asked"], "origin" in e23["missing"], "limitations" in e23["missing"]) == (18, False, True)


def test_an_edit_names_what_it_read_and_is_refused_on_anything_else(cast, call):
    read = call("get", "record/")["ETag"]
    call("patch", "record/", etag=read, origin="vendor")

    assert call("patch", "record/", origin="internal").status_code == 428
    assert call("patch", "record/", etag=read, origin="internal").status_code == 412
    assert Profile.objects.get().origin == "vendor"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"origin": "found"}, "/origin"),
        ({"stage": "in_use"}, "/stage"),
        ({"deployed_on": "yesterday"}, "/deployed_on"),
        ({"own": {"colour": "blue"}}, "/own/colour"),
        ({"owner": "HR-0"}, "/owner"),
    ],
)
def test_a_fault_points_at_its_field(call, body, pointer):
    answer = call("patch", "record/", etag=call("get", "record/")["ETag"], **body)

    assert (answer.status_code, pointers(answer)) == (422, {pointer})


def test_further_fields_keep_their_type(cast, call):
    services.define_field(key="score_scale", label="Scale", type="number", by=cast.officer)
    answer = call("patch", "record/", etag=call("get", "record/")["ETag"], own={"score_scale": 20})

    assert answer.json()["fields"]["own"] == {"score_scale": 20}


@pytest.mark.parametrize("key", NOUNS)
def test_a_part_is_added_read_edited_and_closed(cast, call, key):
    added = call("post", f"{key}/", **values_of(cast, key))
    changed = NOUNS[key].editable[-1]
    value = "2099-12-31" if key == "exceptions" else "Otherwise"
    edited = call("patch", f"{key}/1/", etag=added["ETag"], **{changed: value})
    closed = call("post", f"{key}/1/closing/", reason="Over")

    assert (added.status_code, added.json()["number"]) == (201, 1)
    assert (edited.status_code, edited.json()[changed]) == (200, value)
    assert closed.json()["closing_reason"] == "Over"
    assert call("get", f"{key}/").json() == []
    assert len(call("get", f"{key}/?closed=true").json()) == 1


@pytest.mark.parametrize("key", NOUNS)
def test_a_part_with_what_nobody_may_set_is_refused(cast, call, key):
    answer = call("post", f"{key}/", **values_of(cast, key), closed_at="2026-01-01T00:00:00Z")

    assert (answer.status_code, pointers(answer)) == (422, {"/closed_at"})


def test_who_may_only_read_adds_and_closes_nothing(cast, call):
    call("post", "uses/", **VALUES["uses"])

    assert call("post", "uses/", by=cast.validator, **VALUES["uses"]).status_code == 403
    assert call("post", "uses/1/closing/", by=cast.validator, reason="Over").status_code == 403
    assert call("get", "uses/1/", by=cast.validator).status_code == 200
    assert call("get", "uses/1/", by=cast.stranger).status_code == 404


def test_an_overlay_names_a_limitation_of_its_model_by_number(cast, call):
    call("post", "limitations/", **VALUES["limitations"])
    named = call("post", "overlays/", **VALUES["overlays"], limitation=1)
    unknown = call("post", "overlays/", **VALUES["overlays"], limitation=9)

    assert named.json()["limitation"] == 1
    assert pointers(unknown) == {"/limitation"}


def test_an_overlay_is_sized_and_renewed(cast, call):
    call("post", "overlays/", **VALUES["overlays"])
    sized = call("post", "overlays/1/values/", value="12.5", effective_on="2026-01-01", reason="Review")
    renewed = call("post", "overlays/1/renewals/", expires_on="2100-01-01", reason="Needed")
    again = call("post", "overlays/1/renewals/", expires_on="2020-01-01", reason="Needed")

    assert sized.json()["values"] == [{"effective_on": "2026-01-01", "value": "12.5000", "reason": "Review"}]
    assert (renewed.json()["expires_on"], renewed.json()["renewals"]) == ("2100-01-01", 1)
    assert pointers(again) == {"/expires_on"}


def test_verdicts_are_given_and_listed(cast, call):
    given = call("post", "verdicts/", regime="ss1-23", scope="in", rationale="Decides on customers")
    call(
        "post",
        "verdicts/",
        by=cast.officer,
        regime="sr-26-2",
        scope="not_a_model",
        rationale="Arithmetic",
        criteria={"is_complex_method": False, "applies_theory": False, "gives_estimates": True},
    )

    listed = call("get", "verdicts/").json()
    assert given.status_code == 201
    assert [(v["regime"], v["scope"], v["is_complex_method"]) for v in listed] == [
        ("sr-26-2", "not_a_model", False),
        ("ss1-23", "in", None),
    ]


def test_a_verdict_that_its_own_people_may_not_give_or_on_no_regime_is_refused(cast, call):
    assert call("post", "verdicts/", regime="sr-26-2", scope="out", rationale="No").status_code == 403
    assert pointers(call("post", "verdicts/", regime="sr-11-7", scope="in", rationale="Old")) == {"/regime"}


def test_a_version_is_classified(call):
    answer = call("post", "versions/1.0/change-class/", change_class="material", reason="New data")
    softer = call("post", "versions/1.0/change-class/", change_class="minor", reason="Softer")

    assert answer.json()["change_class"] == "material"
    assert softer.status_code == 409
