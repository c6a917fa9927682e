"""Pages of a model's record: what it says, how complete it is, and edits by one and by two people."""

from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from inventory import services
from inventory.measures.completeness import regimes_by_field, scores_of
from inventory.measures.record import FIELDS, read_record
from inventory.models import NOUNS, FieldDefinition, Framework, Model, Profile, Use, Verdict
from tests import tiering
from tests.integration.inventory.test_parts import VALUES
from tests.pages import browser_of, queries_of, text_of

ROWS = Path(__file__).parents[2] / "unit" / "inventory" / "regime_rows.txt"
# Each line of what a record must contain → the field of the record that holds it.
HOLDS = {
    "ID": "ref",
    "parent entity/legal entity": "legal_entity",
    "type": "kind",
    "version(s) + artefact digest": "versions",
    "intended vs actual use": "actual_use",
    "per-regime scope determination": "scope_verdicts",
    "reviewer/validator": "reviewer",
    "names of validators": "validators",
    "SMF": "senior_manager",
    "rating (provisional/confirmed)": "rating",
    "factor inputs": "rating_inputs",
    "inherent": "inherent_risk",
    "residual": "residual_risk",
    "next re-rating": "next_rating_on",
    "negligible-exemption approval": "negligible_exemption",
    "data sources & description": "data_sources",
    "inputs and components": "inputs",
    "alternative/unstructured data flag": "alternative_data",
    "limitations (each with mitigant and use limit)": "limitations",
    "overlays/PMAs": "overlays",
    "deployed date": "deployed_on",
    "lifecycle stage": "stage",
    "monitoring status with exceptions": "monitoring_status",
    "indicator date": "indicator_on",
    "last review": "last_review_on",
    "next review": "next_review_on",
    "rationale of the frequency": "validation_rationale",
    "expected validity window": "validity_window",
    "conditions of approval": "approval_conditions",
}
ASKED_FOR = {"★": ("e-23",), "◆": ("ss1-23",), "●": ("sr-26-2", "sr-11-7")}


def lines() -> list[tuple[str, str]]:
    """(marks, field of the record) of every line that a record must contain."""
    wanted = ROWS.read_text().partition("[record]\n")[2].splitlines()
    return [(line[: len(line) - len(plain)], key_of_line(plain)) for line in wanted for plain in [line.lstrip("★◆●")]]


def key_of_line(words: str) -> str:
    return HOLDS.get(words, words.replace(" ", "_"))


@pytest.fixture
def model(cast) -> Model:
    call_command("load_frameworks", verbosity=0)
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
def edit(cast, model):
    def edit(by=None, **changes):
        services.edit_record(
            model=model, changes=changes, expected_digest=services.record_digest(model), by=by or cast.owner
        )

    return edit


# ---- every field -------------------------------------------------------------------------------------------------
def test_every_line_that_a_record_must_contain_is_a_field_of_it():
    assert len(lines()) == 51
    assert [key for _, key in lines() if key not in FIELDS] == []


def test_each_regime_asks_for_the_fields_that_it_names(model):
    frameworks = {framework.code: framework for framework in Framework.objects.newest()}
    asked = {code: {*f.asked_of_all, *f.asked_unless_negligible} for code, f in frameworks.items()}

    assert [
        f"{code} {key}"
        for marks, key in lines()
        for mark in marks
        for code in ASKED_FOR[mark]
        if key not in asked[code]
    ] == []
    assert set().union(*asked.values()) <= set(FIELDS)


def test_every_field_says_what_it_is_for():
    assert [key for key, entry in FIELDS.items() if not entry.help] == []


# ---- the page ----------------------------------------------------------------------------------------------------
def test_the_page_shows_what_is_on_record_what_is_missing_and_who_asks(cast, model, edit):
    edit(origin="adapted")
    page = text_of(browser_of(cast.validator).get(reverse("model-record", args=[model.ref])))

    assert "Vendor&#x27;s, adapted here" in page
    assert "Missing" in page
    assert "Fill in" not in page
    assert "SS1/23" in page


def test_its_own_people_are_led_from_what_is_missing_to_where_it_is_filled_in(cast, model):
    page = text_of(browser_of(cast.owner).get(reverse("model-record", args=[model.ref])))

    assert f'href="/models/{model.ref}/record/edit/#id_origin"' in page
    assert f'href="/models/{model.ref}/uses-and-limits/#limitations"' in page


def test_the_page_takes_as_many_queries_whatever_the_record_holds(cast, model, edit):
    address = reverse("model-record", args=[model.ref])
    before = queries_of(browser_of(cast.owner), address)
    for key, noun in NOUNS.items():
        extra = {"person": cast.validator.person} if key == "responsibilities" else {}
        for _ in range(3):
            services.add_part(model=model, noun=noun, values=VALUES[key] | extra, by=cast.owner)
    for framework in Framework.objects.judged_by():
        services.give_verdict(model=model, framework=framework, scope="in", rationale="Yes", by=cast.owner)

    assert queries_of(browser_of(cast.owner), address) <= before


@pytest.mark.parametrize("name", ["model-record", "edit-record", "model-parts", "give-verdict"])
def test_a_person_of_another_unit_does_not_find_it(cast, model, name):
    assert browser_of(cast.stranger).get(reverse(name, args=[model.ref])).status_code == 404


@pytest.mark.parametrize("name", ["edit-record", "give-verdict"])
def test_who_may_only_read_is_told_so(cast, model, name):
    assert browser_of(cast.validator).get(reverse(name, args=[model.ref])).status_code == 403


# ---- completeness --------------------------------------------------------------------------------------------------
def score(model: Model, name: str):
    model = Model.objects.select_related("standing", "owner", "developer").get(pk=model.pk)
    return next(s for s in scores_of(read_record(model), Framework.objects.judged_by()) if s.name == name)


def test_completeness_moves_with_the_record(model, edit):
    before = score(model, "E-23")
    edit(origin="internal", data_sources="Card system", dependencies="none")

    after = score(model, "E-23")
    assert {f.key for f in before.missing} - {f.key for f in after.missing} == {
        "origin",
        "data_sources",
        "dependencies",
    }
    assert (len(before.asked), after.filled - before.filled) == (18, 3)
    assert after.share == pytest.approx(after.filled / 18)


def test_a_use_counts_once_another_person_approved_it(cast, model):
    use = services.add_part(model=model, noun=NOUNS["uses"], values=VALUES["uses"], by=cast.owner)
    assert "approved_uses" in {f.key for f in score(model, "E-23").missing}
    proposal = services.ask_for_approval(part=use, reason="Ready", by=cast.owner)
    services.decide_approval(proposal=proposal, accept=True, reason="Agreed", by=cast.officer)

    assert "approved_uses" not in {f.key for f in score(model, "E-23").missing}


def test_a_closed_limitation_is_none(cast, model):
    part = services.add_part(model=model, noun=NOUNS["limitations"], values=VALUES["limitations"], by=cast.owner)
    assert "limitations" not in {f.key for f in score(model, "E-23").missing}
    services.close_part(part=part, reason="Solved", by=cast.owner)

    assert "limitations" in {f.key for f in score(model, "E-23").missing}


def test_a_negligible_model_needs_the_first_lines_alone(cast, model, edit):
    edit(by=cast.officer, negligible_exemption="Board of 3 March, until 2027")

    assert len(score(model, "E-23").asked) == 7


def test_a_model_that_is_not_deployed_yet_lacks_no_day_of_deployment(cast, model):
    assert "deployed_on" not in {f.key for f in score(model, "E-23").missing}
    for stage in ("in_validation", "approved", "in_use"):
        services.move_stage(model=model, stage=stage, reason="Agreed", by=cast.officer)

    assert "deployed_on" in {f.key for f in score(model, "E-23").missing}


def test_a_regime_that_it_does_not_fall_under_is_not_counted(cast, model):
    framework = Framework.objects.get(code="sr-26-2")
    services.give_verdict(model=model, framework=framework, scope="out", rationale="No US entity", by=cast.officer)

    assert not score(model, "SR 26-2").counts
    assert score(model, "SS1/23").counts


def test_the_banks_own_fields_are_asked_of_the_tiers_that_must_have_them(cast, model, edit):
    services.define_field(key="zone", label="Zone", type="text", required_tiers=[1], by=cast.officer)
    names = {s.name for s in scores_of(read_record(model), [])}
    tiering.publish(cast)
    tiering.rate(model, cast.owner, height=3)
    model.refresh_from_db()

    assert names == set()
    assert [f.key for f in scores_of(read_record(model), [])[0].missing] == ["own_zone"]


def test_a_rescinded_regime_asks_for_nothing(model):
    asking = regimes_by_field(Framework.objects.judged_by())

    assert "SR 11-7" not in {name for names in asking.values() for name in names}


# ---- edits ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def filled(model):
    """What the form holds as a browser sends it, from the page as it stands for somebody."""

    def filled(browser) -> dict:
        form = browser.get(reverse("edit-record", args=[model.ref])).context["form"]
        values = {name: form[name].value() for name in form.fields}
        return {name: "" if value is None else str(value) for name, value in values.items()}

    return filled


def send(browser, model, data):
    return browser.post(reverse("edit-record", args=[model.ref]), data)


def test_what_is_filled_in_is_stored_and_leads_back_to_the_record(cast, model, filled):
    browser = browser_of(cast.owner)

    answer = send(browser, model, filled(browser) | {"origin": "vendor", "deployed_on": "2026-03-01"})

    assert answer["Location"] == reverse("model-record", args=[model.ref])
    assert Profile.objects.get(model=model).deployed_on == date(2026, 3, 1)


def test_the_second_of_two_editors_is_told_what_changed_and_keeps_the_typing(cast, model, filled):
    first, second = browser_of(cast.developer), browser_of(cast.owner)
    typed = filled(second) | {"purpose": "Mine", "users": "Underwriting"}
    send(first, model, filled(first) | {"purpose": "Theirs", "method": "Trees"})

    answer = send(second, model, typed)

    page, form = text_of(answer), answer.context["form"]
    model.refresh_from_db()
    assert "Dan Developer changed this while you were editing" in page
    assert [(m.label, m.was, m.now, m.is_kept) for m in answer.context["moved"]] == [
        ("Method", "", "Trees", False),
        ("Purpose", "", "Theirs", True),
    ]
    assert (form["purpose"].value(), form["users"].value(), form["method"].value()) == ("Mine", "Underwriting", "Trees")
    assert model.purpose == "Theirs"


def test_sent_again_the_typing_is_stored_and_the_others_change_stays(cast, model, filled):
    first, second = browser_of(cast.developer), browser_of(cast.owner)
    typed = filled(second) | {"purpose": "Mine"}
    send(first, model, filled(first) | {"purpose": "Theirs", "method": "Trees"})
    form = send(second, model, typed).context["form"]

    again = {name: str(form[name].value() or "") for name in form.fields}
    answer = send(second, model, again)

    model.refresh_from_db()
    assert answer.status_code == 302
    assert (model.purpose, model.profile.method) == ("Mine", "Trees")


def test_twin_without_the_digest_the_second_would_overwrite_the_first(cast, model, filled, monkeypatch):
    first, second = browser_of(cast.developer), browser_of(cast.owner)
    typed = filled(second) | {"purpose": "Mine"}
    send(first, model, filled(first) | {"method": "Trees"})
    monkeypatch.setattr("inventory.services.records.record_digest", lambda model: typed["read"])

    send(second, model, typed)

    assert Profile.objects.get(model=model).method == ""


def test_a_fault_is_said_at_its_field_and_nothing_typed_is_lost(cast, model, filled):
    browser = browser_of(cast.owner)

    answer = send(browser, model, filled(browser) | {"owner": "Nobody Known", "users": "Underwriting"})

    assert "No active person is called “Nobody Known”" in text_of(answer)
    assert answer.context["form"]["users"].value() == "Underwriting"
    assert not Profile.objects.filter(model=model).exists()


def test_a_further_field_is_filled_in_by_its_type(cast, model, filled):
    services.define_field(key="audited", label="Audited", type="yes_no", by=cast.officer)
    services.define_field(key="zone", label="Zone", type="choice", choices=["EU", "UK"], by=cast.officer)
    browser = browser_of(cast.owner)

    send(browser, model, filled(browser) | {"own_audited": "no", "own_zone": "EU"})

    assert Profile.objects.get(model=model).own == {"audited": False, "zone": "EU"}


def test_its_own_people_are_told_that_another_says_how_the_rating_stands(cast, model, filled):
    browser = browser_of(cast.owner)

    assert send(browser, model, filled(browser) | {"rating_basis": "confirmed"}).status_code == 403


# ---- parts ----------------------------------------------------------------------------------------------------------
def part_page(model, noun, item=1, act="part"):
    return reverse(act, args=[model.ref, noun, item])


@pytest.mark.parametrize("key", NOUNS)
def test_a_part_is_added_read_edited_and_closed_by_pages(cast, model, key):
    browser = browser_of(cast.owner)
    data = {name: str(value) for name, value in VALUES[key].items()}
    data |= {"person": "Ingrid Validator"} if key == "responsibilities" else {}
    added = browser.post(reverse("add-part", args=[model.ref, key]), data)
    form = browser.get(part_page(model, key)).context["form"]
    values = {n: str(getattr(form[n].value(), "pk", form[n].value()) or "") for n in form.fields}
    changed = browser.post(part_page(model, key), values | {NOUNS[key].editable[-1]: later(key)})
    closed = browser.post(part_page(model, key, act="close-part"), {"reason": "Over"})

    assert added["Location"] == part_page(model, key)
    assert (changed.status_code, closed.status_code) == (302, 302)
    assert "Closed" in text_of(browser.get(reverse("model-parts", args=[model.ref])))


def later(key: str) -> str:
    return "2099-12-31" if key == "exceptions" else "Otherwise"


def test_a_use_is_asked_for_and_approved_by_pages(cast, model):
    services.add_part(model=model, noun=NOUNS["uses"], values=VALUES["uses"], by=cast.owner)
    browser_of(cast.owner).post(part_page(model, "uses", act="ask-for-approval"), {"reason": "Ready"})
    page = text_of(browser_of(cast.officer).get(part_page(model, "uses")))
    decided = {"decision": "accept", "reason": "Agreed"}
    own = browser_of(cast.owner).post(part_page(model, "uses", act="decide-approval"), decided)
    other = browser_of(cast.officer).post(part_page(model, "uses", act="decide-approval"), decided)

    assert "Decline" in page
    assert (own.status_code, other.status_code) == (403, 302)
    assert Use.objects.get().approved_by == cast.officer.person


def test_an_overlay_is_sized_and_renewed_by_pages_and_faults_are_said(cast, model):
    services.add_part(model=model, noun=NOUNS["overlays"], values=VALUES["overlays"], by=cast.owner)
    browser = browser_of(cast.owner)
    value, renewal = (reverse(n, args=[model.ref, 1]) for n in ("set-overlay-value", "renew-overlay"))
    browser.post(value, {"value": "12.5", "effective_on": "2026-01-01", "reason": "Review"})
    browser.post(renewal, {"expires_on": "2100-01-01", "reason": "Needed"})
    refused = browser.post(renewal, {"expires_on": "2020-01-01", "reason": "Needed"})

    page = text_of(browser.get(part_page(model, "overlays")))
    assert "12.5" in page
    assert "1 for the same cause" in page
    assert "give a later day" in text_of(refused)


def test_the_second_editor_of_a_part_is_told_what_changed(cast, model):
    services.add_part(model=model, noun=NOUNS["limitations"], values=VALUES["limitations"], by=cast.owner)
    browser = browser_of(cast.owner)
    form = browser.get(part_page(model, "limitations")).context["form"]
    typed = {n: str(form[n].value() or "") for n in form.fields} | {"mitigant": "Mine"}
    browser_of(cast.developer).post(part_page(model, "limitations"), typed | {"mitigant": "Theirs"})

    answer = browser.post(part_page(model, "limitations"), typed)

    assert [(m.was, m.now, m.is_kept) for m in answer.context["moved"]] == [("Referred by hand", "Theirs", True)]
    assert answer.context["form"]["mitigant"].value() == "Mine"


@pytest.mark.parametrize("where", ["parts/colours/add/", "parts/uses/7/", "parts/colours/1/"])
def test_a_part_that_is_not_there_is_not_found(cast, model, where):
    assert browser_of(cast.owner).get(f"/models/{model.ref}/{where}").status_code == 404


@pytest.mark.parametrize("act", ["ask-for-approval", "decide-approval"])
def test_what_takes_no_approval_has_no_address_for_it(cast, model, act):
    services.add_part(model=model, noun=NOUNS["assumptions"], values=VALUES["assumptions"], by=cast.owner)

    answer = browser_of(cast.officer).post(part_page(model, "assumptions", act=act), {"reason": "x"})

    assert answer.status_code == 404


# ---- verdicts, fields, change class ---------------------------------------------------------------------------------
def test_a_verdict_is_given_by_its_page_and_stands_on_the_record(cast, model):
    browser = browser_of(cast.owner)
    data = {"framework": "ss1-23", "scope": "in", "rationale": "Decides on customers", "answer_output": "Yes"}
    answer = browser.post(reverse("give-verdict", args=[model.ref]), data)

    assert answer.status_code == 302
    assert Verdict.objects.get().answers == {"output": "Yes"}
    assert "Decides on customers" in text_of(browser.get(reverse("model-record", args=[model.ref])))


def test_no_model_without_its_criteria_is_said_at_each_of_them(cast, model):
    data = {"framework": "sr-26-2", "scope": "not_a_model", "rationale": "Arithmetic", "applies_theory": "no"}

    answer = browser_of(cast.officer).post(reverse("give-verdict", args=[model.ref]), data)

    assert set(answer.context["form"].errors) == {"is_complex_method", "gives_estimates"}


def test_a_field_is_defined_and_retired_by_its_page(cast, model):
    browser = browser_of(cast.officer)
    browser.post(
        "/record-fields/",
        {"key": "zone", "label": "Zone", "type": "choice", "choices": "EU\nUK", "required_tiers": ["1", "2"]},
    )
    field = FieldDefinition.objects.get(key="zone")
    browser.post("/record-fields/zone/retire/", {"reason": "Nobody asks"})

    assert (field.choices, field.required_tiers) == (["EU", "UK"], [1, 2])
    assert "Retired" in text_of(browser.get("/record-fields/"))


@pytest.mark.parametrize("where", ["/record-fields/", "/record-fields/vendor_name/retire/"])
def test_others_read_the_fields_and_change_none(cast, model, where):
    assert browser_of(cast.owner).post(where, {"reason": "x"}).status_code == 403
    assert "vendor_name" in text_of(browser_of(cast.owner).get("/record-fields/"))


def test_a_version_is_classified_on_its_page(cast, model):
    version, _ = services.register_version(model=model, label="2.0", mlflow_uri="models:/pd/2", by=cast.developer)
    browser = browser_of(cast.owner)
    browser.post(reverse("classify-change", args=[version.pk]), {"change_class": "notify", "reason": "New segment"})

    page = text_of(browser.get(reverse("model-versions", args=[model.ref])))
    assert "To be notified" in page
    assert "New segment" in page
