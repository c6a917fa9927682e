"""Records below a model's: uses, assumptions, limitations, overlays, exceptions and responsibilities."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.models import Entry, subject_name
from inventory import services
from inventory.models import NOUNS, Limitation, Model, OverlayRenewal, Use
from inventory.policies import today
from inventory.refusals import ChangedSince
from proposals.models import Proposal

VALUES = {
    "uses": {"purpose": "Declines card applications", "product": "Credit cards", "restrictions": "none"},
    "assumptions": {"statement": "Applicants of next year are like those of this year"},
    "limitations": {"statement": "Few defaults of the young", "mitigant": "Referred by hand", "use_limit": "Over 21"},
    "overlays": {
        "name": "Under-25 uplift",
        "unit": "basis_points",
        "rationale": "Too few defaults seen",
        "expires_on": date(2099, 6, 30),
    },
    "exceptions": {
        "rule": "Validated every year",
        "reason": "No validator",
        "mitigant": "Watched monthly",
        "expires_on": date(2099, 1, 1),
    },
    "responsibilities": {"duty": "reviewer"},
}


@pytest.fixture
def model(cast) -> Model:
    for name in ("noise", "cards/pd"):
        model, _ = services.register_model(
            external_id=name,
            name=name,
            kind="statistical",
            unit=cast.retail,
            owner=cast.owner.person,
            developer=cast.developer.person,
            by=cast.owner,
        )
    return model


@pytest.fixture
def add(cast, model):
    """Add a part by the owner; keyword arguments override its values."""

    def add(key, *, by=None, **changes):
        values = VALUES[key] | ({"person": cast.validator.person} if key == "responsibilities" else {}) | changes
        return services.add_part(model=model, noun=NOUNS[key], values=values, by=by or cast.owner)

    return add


def last_entry(subject) -> Entry:
    return Entry.objects.on_trail(subject_name(subject)).order_by("-id").first()


@pytest.mark.parametrize("key", NOUNS)
def test_a_part_is_added_under_the_next_number_and_stands_on_the_models_trail(cast, model, add, key):
    first, second = add(key), add(key)

    entry = last_entry(model)
    assert (first.number, second.number) == (1, 2)
    assert entry.event == "inventory.part_added"
    assert entry.data["ref"] == f"{first.LETTER}-2"
    assert "Ingrid" not in str(entry.data)


@pytest.mark.parametrize("key", NOUNS)
def test_a_part_is_closed_with_a_reason_and_stays(cast, model, add, key):
    part = services.close_part(part=add(key), reason="Not any more", by=cast.owner)

    assert type(part).objects.get(pk=part.pk).closing_reason == "Not any more"
    assert type(part).objects.open().count() == 0
    assert last_entry(model).event == "inventory.part_closed"
    with pytest.raises(NotNow, match="was closed: Not any more"):
        services.close_part(part=part, reason="Again", by=cast.owner)


def test_who_does_not_own_the_model_adds_nothing(cast, add):
    for who in (cast.validator, cast.auditor, cast.stranger):
        with pytest.raises(NotPermitted):
            add("uses", by=who)

    assert Use.objects.count() == 0


def test_a_retired_model_takes_no_part(cast, model, add):
    services.move_stage(model=model, stage="retired", reason="Replaced", by=cast.officer)

    with pytest.raises(NotNow, match="is retired"):
        add("assumptions")


@pytest.mark.parametrize(
    ("key", "changes", "field"),
    [
        ("limitations", {"mitigant": ""}, "mitigant"),
        ("limitations", {"use_limit": ""}, "use_limit"),
        ("overlays", {"unit": "amount"}, "__all__"),
        ("overlays", {"unit": "furlongs"}, "unit"),
        ("uses", {"approved_at": date(2020, 1, 1)}, "approved_at"),
    ],
)
def test_what_a_part_lacks_is_said_at_its_field(add, key, changes, field):
    with pytest.raises(InvalidInput) as refused:
        add(key, **changes)

    assert field in refused.value.problems


def test_an_overlay_rests_on_a_limitation_of_its_own_model(cast, add):
    other = services.add_part(
        model=Model.objects.get(external_id="noise"),
        noun=NOUNS["limitations"],
        values=VALUES["limitations"],
        by=cast.owner,
    )

    with pytest.raises(InvalidInput, match="limitation of the same model"):
        add("overlays", limitation=other)


# ---- edits --------------------------------------------------------------------------------------------------
def test_an_edit_says_what_it_changed(cast, model, add):
    part = add("assumptions")
    services.edit_part(
        part=part, changes={"basis": "Three vintages"}, expected_digest=services.part_digest(part), by=cast.developer
    )

    entry = last_entry(model)
    assert entry.event == "inventory.part_edited"
    assert entry.data["changes"] == "Basis: – → Three vintages"


def test_an_edit_of_what_somebody_else_changed_meanwhile_is_refused(cast, add):
    part = add("assumptions")
    read = services.part_digest(part)
    services.edit_part(part=part, changes={"basis": "One"}, expected_digest=read, by=cast.developer)

    with pytest.raises(ChangedSince):
        services.edit_part(part=part, changes={"basis": "Two"}, expected_digest=read, by=cast.owner)


@pytest.mark.parametrize("change", [{"expires_on": date(2100, 1, 1)}, {"limitation": None}, {"unit": "amount"}])
def test_an_overlay_is_renewed_and_not_edited_to_go_on(cast, add, change):
    part = add("overlays")

    with pytest.raises(InvalidInput, match="cannot be changed here"):
        services.edit_part(part=part, changes=change, expected_digest=services.part_digest(part), by=cast.owner)


# ---- approval -----------------------------------------------------------------------------------------------
@pytest.fixture
def approve(cast):
    def approve(part, by=None):
        proposal = services.ask_for_approval(part=part, reason="Ready", by=cast.owner)
        return services.decide_approval(proposal=proposal, accept=True, reason="Agreed", by=by or cast.officer)

    return approve


@pytest.mark.parametrize("key", ["uses", "exceptions"])
def test_another_person_approves_what_was_asked(cast, model, add, approve, key):
    part = add(key)

    approve(part)

    part.refresh_from_db()
    assert part.approved_by == cast.officer.person
    assert "inventory.part_approved" in {e.event for e in Entry.objects.on_trail(subject_name(model))}


@pytest.mark.parametrize("who", ["owner", "developer", "validator"])
def test_nobody_approves_a_use_of_their_own_model_or_without_the_right(cast, add, approve, who):
    part = add("uses")

    with pytest.raises(NotPermitted):
        approve(part, by=getattr(cast, who))

    part.refresh_from_db()
    assert part.approved_at is None


def test_without_the_check_of_the_builder_the_proposal_still_refuses_who_asked(cast, add, approve, monkeypatch):
    monkeypatch.setattr("inventory.permissions._check_another_person", lambda *_: None)

    with pytest.raises(NotPermitted, match="You asked for this yourself"):
        approve(add("uses"), by=cast.owner)


def test_what_changed_since_it_was_asked_is_overtaken(cast, add):
    part = add("uses")
    proposal = services.ask_for_approval(part=part, reason="Ready", by=cast.owner)
    services.edit_part(
        part=part, changes={"restrictions": "No mortgages"}, expected_digest=services.part_digest(part), by=cast.owner
    )

    decided = services.decide_approval(proposal=proposal, accept=True, reason="Agreed", by=cast.officer)

    part.refresh_from_db()
    assert (decided.state, part.approved_at) == (Proposal.State.OVERTAKEN, None)


@pytest.mark.parametrize(("change", "holds"), [({"actual_use": "Limits too"}, True), ({"restrictions": "None"}, False)])
def test_an_approval_lapses_with_what_it_was_bound_to(cast, add, approve, change, holds):
    part = add("uses")
    approve(part)

    part = services.edit_part(part=part, changes=change, expected_digest=services.part_digest(part), by=cast.owner)

    assert bool(part.approved_at) == holds


def test_one_asks_once_and_not_for_what_is_approved(cast, add, approve):
    part = add("uses")
    proposal = services.ask_for_approval(part=part, reason="Ready", by=cast.owner)
    with pytest.raises(NotNow, match="waits for a decision"):
        services.ask_for_approval(part=part, reason="Ready", by=cast.developer)
    services.decide_approval(proposal=proposal, accept=True, reason="Agreed", by=cast.officer)

    with pytest.raises(NotNow, match="approved already"):
        services.ask_for_approval(part=part, reason="Ready", by=cast.owner)


# ---- overlays -----------------------------------------------------------------------------------------------
def test_an_overlays_size_is_kept_over_time(cast, model, add):
    overlay = add("overlays")
    for value, day in ((Decimal("25"), date(2026, 1, 1)), (Decimal("40.5"), date(2026, 7, 1))):
        services.set_overlay_value(overlay=overlay, value=value, effective_on=day, reason="Review", by=cast.owner)

    assert [value.value for value in overlay.values.all()] == [Decimal("40.5"), Decimal("25")]
    assert last_entry(model).event == "inventory.overlay_valued"


def test_the_third_renewal_for_one_limitation_asks_for_a_review_of_the_model(cast, model, add):
    limitation = add("limitations")
    first, second = add("overlays", limitation=limitation), add("overlays", limitation=limitation)
    for overlay, year in ((first, 2100), (second, 2101), (first, 2102)):
        limitation.refresh_from_db()
        assert limitation.review_asked_on is None
        services.renew_overlay(overlay=overlay, expires_on=date(year, 1, 1), reason="Still needed", by=cast.owner)

    limitation.refresh_from_db()
    assert limitation.review_asked_on == today()
    assert limitation.waits_for_review
    entry = last_entry(model)
    assert (entry.event, entry.data["count"]) == ("inventory.redevelopment_asked", 3)


def test_renewals_for_another_limitation_do_not_count(cast, add):
    limitation, other = add("limitations"), add("limitations")
    overlay = add("overlays", limitation=limitation)
    for year in (2100, 2101):
        services.renew_overlay(overlay=overlay, expires_on=date(year, 1, 1), reason="Needed", by=cast.owner)
    services.renew_overlay(
        overlay=add("overlays", limitation=other), expires_on=date(2100, 1, 1), reason="Needed", by=cast.owner
    )

    assert not Limitation.objects.exclude(review_asked_on=None).exists()


def test_an_overlay_made_anew_for_the_same_limitation_counts_as_a_renewal(cast, model, add):
    limitation = add("limitations")
    services.close_part(part=add("overlays", limitation=limitation), reason="Ended", by=cast.owner)

    add("overlays", limitation=limitation, expires_on=date(2100, 1, 1))

    assert OverlayRenewal.objects.get().reason == "Follows O-1"
    assert last_entry(model).event == "inventory.overlay_renewed"


def test_a_renewal_ends_later_than_what_it_renews(cast, add):
    overlay = add("overlays")

    with pytest.raises(InvalidInput, match="give a later day"):
        services.renew_overlay(overlay=overlay, expires_on=overlay.expires_on, reason="Needed", by=cast.owner)
    with pytest.raises(InvalidInput, match="must be ahead"):
        services.renew_overlay(
            overlay=add("overlays", expires_on=date(2020, 1, 1)),
            expires_on=today() - timedelta(days=1),
            reason="Needed",
            by=cast.owner,
        )


# ---- what the database holds ----------------------------------------------------------------------------------
@pytest.mark.parametrize("key", NOUNS)
def test_the_database_refuses_to_renumber_or_reopen_a_part(cast, add, key):
    part = services.close_part(part=add(key), reason="Over", by=cast.owner)

    for change in ({"number": 9}, {"added_by": cast.officer.person}, {"closing_reason": "Otherwise"}):
        with pytest.raises(IntegrityError, match=r"never changes|is set once"):
            type(part).objects.filter(pk=part.pk).update(**change)


@pytest.mark.outside_portal
def test_twin_without_its_trigger_a_part_could_be_renumbered(cast, add, superuser):
    part = add("uses")
    superuser.execute("alter table inventory_use disable trigger hold_columns")

    assert Use.objects.filter(pk=part.pk).update(number=9) == 1


# ---- change class of a version ----------------------------------------------------------------------------------
@pytest.fixture
def version(cast, model):
    version, _ = services.register_version(model=model, label="2.0", mlflow_uri="models:/pd/2", by=cast.developer)
    return version


def test_a_versions_change_is_classified_with_a_reason(cast, model, version):
    version = services.classify_change(version=version, change_class="minor", reason="New cut-off", by=cast.owner)

    assert (version.change_class, version.classified_by) == ("minor", cast.owner.person)
    assert last_entry(model).event == "inventory.change_classified"


def test_a_change_turns_out_to_be_more_and_never_less(cast, version):
    for change_class in ("minor", "notify", "material"):
        services.classify_change(version=version, change_class=change_class, reason="Review", by=cast.owner)

    with pytest.raises(NotNow, match="it cannot become minor"):
        services.classify_change(version=version, change_class="minor", reason="Softer", by=cast.officer)


def test_the_database_refuses_to_call_a_material_change_minor(cast, version):
    version = services.classify_change(version=version, change_class="material", reason="New data", by=cast.owner)

    with pytest.raises(IntegrityError, match="cannot go from"):
        type(version).objects.filter(pk=version.pk).update(change_class="minor")
