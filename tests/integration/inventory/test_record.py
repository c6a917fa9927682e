"""What a model's record says: edits bound to what was read, further fields with their types, and verdicts of scope."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.models import Entry, subject_name
from inventory import services
from inventory.models import FieldDefinition, Framework, Model, Profile, Verdict
from inventory.policies import today
from inventory.refusals import ChangedSince
from inventory.sources import framework_files


@pytest.fixture
def register(cast):
    def register(name="cards/pd", **changes) -> Model:
        wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.owner}
        model, _ = services.register_model(external_id=name, name=name, **(wanted | changes))
        return model

    return register


@pytest.fixture
def model(cast, register) -> Model:
    register("noise")
    return register(developer=cast.developer.person)


@pytest.fixture
def edit(cast, model):
    def edit(changes, *, by=None, read=None, of=None) -> Model:
        of = of or model
        digest = read or services.record_digest(of)
        return services.edit_record(model=of, changes=changes, expected_digest=digest, by=by or cast.owner)

    return edit


def last_entry(subject) -> Entry:
    return Entry.objects.on_trail(subject_name(subject)).order_by("-id").first()


# ---- edits ------------------------------------------------------------------------------------------------------
def test_an_edit_reaches_both_rows_of_the_record_and_says_what_changed(cast, model, edit):
    edit({"purpose": "Declines", "origin": "internal", "deployed_on": date(2026, 3, 1), "owner": cast.developer.person})

    model.refresh_from_db()
    entry = last_entry(model)
    assert (model.purpose, model.profile.origin, model.owner) == ("Declines", "internal", cast.developer.person)
    assert entry.event == "inventory.record_edited"
    assert "Deployed: – → 01 Mar 2026" in entry.data["changes"]
    assert "Owner: HR-olivia-owner → HR-dan-developer" in entry.data["changes"]


def test_an_edit_that_changes_nothing_leaves_nothing(cast, model, edit):
    before = Entry.objects.count()

    edit({"name": "cards/pd", "origin": ""})

    assert (Entry.objects.count(), Profile.objects.count()) == (before, 0)


def test_an_edit_of_a_record_that_moved_is_refused_whichever_of_its_rows_did(cast, model, edit):
    read = services.record_digest(model)
    edit({"origin": "vendor"})
    with pytest.raises(ChangedSince):
        edit({"purpose": "Other"}, read=read)

    read = services.record_digest(model)
    edit({"name": "Card PD"})
    with pytest.raises(ChangedSince):
        edit({"origin": "internal"}, read=read)


def test_the_record_as_it_was_read_can_be_had_again(cast, model, edit):
    edit({"origin": "vendor", "deployed_on": date(2026, 3, 1)})
    read = services.record_digest(model)
    edit({"origin": "adapted", "name": "Card PD", "owner": cast.developer.person})

    was = services.record_values_at(model, read)

    assert (was["origin"], was["name"], was["deployed_on"]) == ("vendor", "cards/pd", date(2026, 3, 1))
    assert was["owner"] == cast.owner.person


@pytest.mark.parametrize("digest", ["", "nonsense", "zz.zz", "00.00"])
def test_of_a_digest_that_never_was_the_record_is_as_it_stands(model, digest):
    assert services.record_values_at(model, digest) == services.record_values(Model.objects.get(pk=model.pk))


@pytest.mark.parametrize("field", ["rating_basis", "negligible_exemption"])
def test_how_far_a_model_is_trusted_is_not_for_its_own_people_to_say(cast, model, edit, field):
    value = {"rating_basis": "confirmed", "negligible_exemption": "Board, until 2027"}[field]
    for own in (cast.owner, cast.developer):
        with pytest.raises(NotPermitted, match="another person decides"):
            edit({field: value}, by=own)

    edit({field: value}, by=cast.officer)

    assert getattr(Profile.objects.get(model=model), field) == value


def test_a_record_is_edited_by_its_own_people_and_officers_alone(cast, model, edit):
    for who in (cast.validator, cast.auditor, cast.stranger):
        with pytest.raises(NotPermitted):
            edit({"origin": "vendor"}, by=who)


def test_a_retired_models_record_stays_as_it_ended(cast, model, edit):
    services.move_stage(model=model, stage="retired", reason="Replaced", by=cast.officer)

    with pytest.raises(NotNow, match="is retired"):
        edit({"origin": "vendor"})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stage": "in_use"}, "stage"),
        ({"origin": "found"}, "origin"),
        ({"name": ""}, "name"),
        ({"validation_months": 0}, "validation_months"),
        ({"valid_from": date(2027, 1, 1), "valid_until": date(2026, 1, 1)}, "__all__"),
    ],
)
def test_what_cannot_be_stored_is_said_at_its_field(edit, changes, field):
    with pytest.raises(InvalidInput) as refused:
        edit(changes)

    assert field in refused.value.problems


# ---- further fields ---------------------------------------------------------------------------------------------
@pytest.fixture
def define(cast):
    def define(key="zone", type="text", *, by=None, **more) -> FieldDefinition:
        return services.define_field(key=key, label=key.title(), type=type, **more, by=by or cast.officer)

    return define


@pytest.mark.parametrize(
    ("type", "value", "stored"),
    [
        ("text", "Nordic", "Nordic"),
        ("number", "12.50", 12.5),
        ("number", 7, 7),
        ("day", date(2026, 3, 1), "2026-03-01"),
        ("yes_no", True, True),
        ("choice", "EU", "EU"),
    ],
)
def test_a_further_field_keeps_its_value_as_its_type_is_stored(edit, model, define, type, value, stored):
    define("zone", type, choices=["EU", "UK"] if type == "choice" else [])

    edit({"own": {"zone": value}})

    assert Profile.objects.get(model=model).own == {"zone": stored}


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("number", "many"),
        ("number", "nan"),
        ("number", True),
        ("day", "2026-02-30"),
        ("yes_no", "maybe"),
        ("choice", "US"),
    ],
)
def test_a_value_that_is_not_of_the_fields_type_is_refused(edit, define, type, value):
    define("zone", type, choices=["EU", "UK"] if type == "choice" else [])

    with pytest.raises(InvalidInput) as refused:
        edit({"own": {"zone": value}})

    assert list(refused.value.problems) == ["own/zone"]


def test_one_further_field_is_changed_without_the_others_and_emptied_again(edit, model, define):
    define("zone")
    define("team")
    edit({"own": {"zone": "Nordic", "team": "A"}})

    edit({"own": {"zone": ""}})

    assert Profile.objects.get(model=model).own == {"team": "A"}


def test_a_pack_is_for_its_kind_of_model_alone(cast, edit, register):
    call_command("load_frameworks", verbosity=0)
    agent = register("agents/helper", kind="agent")
    asked = set(FieldDefinition.objects.asked_of(agent).values_list("key", flat=True))

    edit({"own": {"guardrails": "Toxicity filter", "customer_facing": False}}, of=agent)

    assert {"guardrails", "stop_authority"} <= asked
    assert "vendor_name" not in asked
    with pytest.raises(InvalidInput, match="has no such field"):
        edit({"own": {"guardrails": "None"}})


def test_packs_are_loaded_once(cast):
    call_command("load_frameworks", verbosity=0)
    counted = FieldDefinition.objects.count()
    call_command("load_frameworks", verbosity=0)

    assert FieldDefinition.objects.count() == counted == 16
    assert Entry.objects.filter(event="inventory.field_defined").count() == 16


def test_fields_are_defined_changed_and_retired_by_officers(cast, define):
    field = define(by=cast.officer)
    services.change_field(field=field, changes={"label": "Zone of data", "required_tiers": [1]}, by=cast.officer)
    services.retire_field(field=field, reason="Nobody asks", by=cast.officer)

    events = [e.event for e in Entry.objects.on_trail(subject_name(field)).order_by("id")]
    assert events == ["inventory.field_defined", "inventory.field_changed", "inventory.field_retired"]
    with pytest.raises(NotNow, match="was retired"):
        services.change_field(field=field, changes={"label": "Zone"}, by=cast.officer)
    with pytest.raises(InvalidInput, match="key stays taken"):
        define()


@pytest.mark.parametrize("who", ["owner", "validator", "auditor", "administrator"])
def test_others_define_no_fields(cast, define, who):
    with pytest.raises(NotPermitted):
        define(by=getattr(cast, who))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"type": "choice"}, "choices"),
        ({"choices": ["EU"]}, "choices"),
        ({"kinds": ["oracle"]}, "kinds"),
        ({"required_tiers": [5]}, "required_tiers"),
        ({"key": "no spaces"}, "key"),
        ({"type": "picture"}, "type"),
    ],
)
def test_a_definition_that_does_not_hold_together_is_refused(define, more, field):
    with pytest.raises(InvalidInput) as refused:
        define(**more)

    assert field in refused.value.problems


def test_a_fields_key_and_type_never_change(cast, define):
    field = define()

    with pytest.raises(InvalidInput, match="never changes"):
        services.change_field(field=field, changes={"type": "number"}, by=cast.officer)
    with pytest.raises(IntegrityError, match="never changes"):
        FieldDefinition.objects.filter(pk=field.pk).update(type="number")


# ---- verdicts ---------------------------------------------------------------------------------------------------
@pytest.fixture
def regime(cast):
    call_command("load_frameworks", verbosity=0)
    return {framework.code: framework for framework in Framework.objects.newest()}


@pytest.fixture
def judge(cast, model, regime):
    def judge(code, scope, *, by=None, **more) -> Verdict:
        return services.give_verdict(
            model=model,
            framework=regime[code],
            scope=scope,
            rationale=more.pop("rationale", "As its method says"),
            by=by or cast.officer,
            **more,
        )

    return judge


def test_a_model_can_be_out_under_one_regime_and_in_under_another(model, judge):
    judge("sr-26-2", "out", rationale="Deterministic rules")
    judge("ss1-23", "in")

    assert {v.framework.code: v.scope for v in model.verdicts.newest()} == {"sr-26-2": "out", "ss1-23": "in"}
    assert last_entry(model).event == "inventory.verdict_given"


def test_the_latest_verdict_counts_and_those_before_it_stay(model, judge):
    judge("ss1-23", "in", decided_on=today())
    judge("ss1-23", "open", decided_on=today() - timedelta(days=400))
    judge("ss1-23", "out", decided_on=today())

    assert [v.scope for v in model.verdicts.newest()] == ["out"]
    assert model.verdicts.count() == 3


def test_a_verdict_on_an_older_version_gives_way_to_a_later_one_on_the_newer(cast, model, judge, regime):
    file = next(f for f in framework_files() if f.content["code"] == "e-23")
    newer, _ = services.publish_framework(
        file=replace(file, content=file.content | {"version": 2}, sha256="2" * 64), by=None
    )
    judge("e-23", "out", decided_on=today() - timedelta(days=1))
    services.give_verdict(model=model, framework=newer, scope="in", rationale="Now", by=cast.officer)

    assert [(v.framework.version, v.scope) for v in model.verdicts.newest()] == [(2, "in")]


def test_no_model_answers_the_three_criteria_and_fails_one(judge):
    asked = {"is_complex_method": True, "applies_theory": False, "gives_estimates": True}

    with pytest.raises(InvalidInput) as refused:
        judge("sr-26-2", "not_a_model", criteria={"is_complex_method": True})
    with pytest.raises(InvalidInput, match="so it is a model"):
        judge("sr-26-2", "not_a_model", criteria=dict.fromkeys(asked, True))

    assert set(refused.value.problems) == {"applies_theory", "gives_estimates"}
    assert judge("sr-26-2", "not_a_model", criteria=asked).applies_theory is False


def test_the_database_refuses_no_model_without_its_criteria(cast, model, regime):
    with pytest.raises(IntegrityError, match="not_a_model_answers"):
        Verdict.objects.create(
            model=model,
            framework=regime["e-23"],
            scope="not_a_model",
            decided_on=today(),
            decided_by=cast.officer.person,
        )


@pytest.mark.parametrize("scope", ["out", "in_part", "not_a_model"])
def test_its_own_people_do_not_take_duties_off_a_model(cast, judge, scope):
    answers = {"is_complex_method": False, "applies_theory": False, "gives_estimates": False}
    for own in (cast.owner, cast.developer):
        with pytest.raises(NotPermitted, match="another person decides"):
            judge("ss1-23", scope, criteria=answers, by=own)

    assert judge("ss1-23", "in", by=cast.owner).scope == "in"


def test_twin_without_the_check_its_own_people_would_take_a_model_out_of_scope(cast, judge, monkeypatch):
    monkeypatch.setattr("inventory.permissions._check_another_person", lambda *_: None)

    assert judge("ss1-23", "out", by=cast.owner).scope == "out"


def test_a_verdict_has_a_rationale_and_a_day_that_is_not_ahead(judge):
    with pytest.raises(InvalidInput, match="Say why"):
        judge("ss1-23", "in", rationale=" ")
    with pytest.raises(InvalidInput, match="must not be ahead"):
        judge("ss1-23", "in", decided_on=today() + timedelta(days=1))


def test_answers_are_to_the_regimes_own_questions(judge):
    assert judge("ss1-23", "in", answers={"output": "Yes", "entity": ""}).answers == {"output": "Yes"}
    with pytest.raises(InvalidInput, match="asks no such question"):
        judge("ss1-23", "in", answers={"colour": "blue"})


def test_a_verdict_never_changes(judge):
    verdict = judge("ss1-23", "in")

    with pytest.raises(IntegrityError, match="never changes"):
        Verdict.objects.filter(pk=verdict.pk).update(scope="out")
