"""Changes of many models: a file or a choice is planned, shown row by row, and applied whole or not at all."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts import services as accounts
from audit.models import Entry
from audit.reading import entries_on
from inventory import events, services
from inventory.models import ChangeSet, Model
from inventory.services.change_rows import Row
from jobs.services import claim
from tests.cast import end_role
from tests.pages import browser_of, queries_of, text_of
from web.sheets import file_chunks
from web.xlsx import Formula
from worker.running import run_claimed
from worker.tasks import inventory as tasks

HEADS = "external_id,name,kind,unit,owner"
NEW = "cards/pd,Card PD,statistical,retail,HR-olivia-owner"


@pytest.fixture
def register(cast):
    def register(name="Card PD", **changes) -> Model:
        wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer}
        return services.register_model(external_id=name.lower().replace(" ", "-"), name=name, **(wanted | changes))[0]

    return register


def send(account, content, name="models.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    return browser_of(account).post("/models/import/", {"file": SimpleUploadedFile(name, content)}, follow=True)


def planned(account, *lines: str, heads=HEADS) -> ChangeSet:
    answer = send(account, "\n".join([heads, *lines]))
    assert answer.status_code == 200, answer.content
    return ChangeSet.objects.latest("pk")


def apply(account, change_set):
    return browser_of(account).post(f"/changes/{change_set.pk}/apply/", follow=True)


def problems_of(change_set) -> dict[int, dict]:
    return {row.line: row.problems for row in change_set.rows.all() if row.problems}


# ---- what is shown --------------------------------------------------------------------------------------------
def test_a_dry_run_shows_creates_changes_and_what_stays_and_writes_nothing(cast, register):
    register("Card PD", description="Old words")
    register("Fraud score")
    entries = Entry.objects.count()

    found = planned(
        cast.officer,
        "card-pd,Card PD,statistical,retail,HR-olivia-owner,New words",
        "fraud-score,Fraud score,statistical,retail,HR-olivia-owner,",
        "new/one,New one,Vendor,retail,HR-dan-developer,",
        heads=f"{HEADS},description",
    )

    assert [row.verb for row in found.rows.all()] == ["change", "same", "create"]
    assert found.rows.get(line=2).differences == [["description", "Old words", "New words"]]
    assert Model.objects.count() == 2
    assert Entry.objects.count() == entries
    page = text_of(browser_of(cast.officer).get(f"/changes/{found.pk}/"))
    assert '<del class="q">Old words</del> → New words' in page
    assert "Apply to 2 models" in page


FAULTS = {
    "a formula": (f"{HEADS}", "x/1,=1+1,statistical,retail,HR-olivia-owner", "name", "formula '=1+1'; paste its value"),
    "an unknown kind": (HEADS, "x/1,X,magic,retail,HR-olivia-owner", "kind", "One of statistical"),
    "an unknown unit": (HEADS, "x/1,X,vendor,moon,HR-olivia-owner", "unit", "no unit with the code 'moon'"),
    "nobody": (HEADS, "x/1,X,vendor,retail,HR-9", "owner", "nobody with the HR number 'HR-9'"),
    "no owner": (HEADS, "x/1,X,vendor,retail,", "owner", "nobody with the HR number ''"),
    "an id without an address": (HEADS, "MDL-1,X,vendor,retail,HR-olivia-owner", "external_id", "given by the portal"),
    "no id": (HEADS, ",X,vendor,retail,HR-olivia-owner", "external_id", "An external id has letters"),
    "no kind for a new one": ("external_id,name,unit,owner", "x/1,X,retail,HR-olivia-owner", "kind", "needs kind"),
    "a ref that is not there": ("ref,name", "MDL-1999-0001,X", "ref", "no model 'MDL-1999-0001'"),
    "too many cells": (HEADS, "x/1,X,vendor,retail,HR-olivia-owner,more", "row", "has 6 cells, the first row 5"),
    "too many tags": (f"{HEADS},tags", f"x/1,X,vendor,retail,HR-olivia-owner,{'t' * 41}", "tags", "at most 40"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_by_row_and_column_in_a_sentence(cast, fault):
    heads, line, column, sentence = FAULTS[fault]

    found = planned(cast.officer, line, heads=heads)

    assert sentence in problems_of(found)[2][column]
    assert sentence.replace("'", "&#x27;") in text_of(browser_of(cast.officer).get(f"/changes/{found.pk}/"))


def test_all_faults_of_all_rows_are_shown_at_once(cast):
    found = planned(cast.officer, "x/1,,magic,moon,HR-9", "x/2,=2,vendor,retail,HR-olivia-owner", "x/3,X,vendor,,HR-8")

    assert {line: set(problems) for line, problems in problems_of(found).items()} == {
        2: {"name", "kind", "unit", "owner"},
        3: {"name"},
        4: {"unit", "owner"},
    }


def test_ids_that_stand_twice_in_a_file_are_both_refused(cast):
    found = planned(cast.officer, NEW, "y/1,Y,vendor,retail,HR-olivia-owner", NEW)

    sentence = "Rows 2, 4 have the same id 'cards/pd'; keep one of them."
    assert problems_of(found) == {2: {"external_id": sentence}, 4: {"external_id": sentence}}


def test_one_model_by_its_id_and_by_its_ref_is_named_twice(cast, register):
    model = register()

    found = planned(cast.officer, "card-pd,,A", f",{model.ref},B", heads="external_id,ref,name")

    assert set(problems_of(found)) == {2, 3}


def test_an_owner_who_left_the_bank_is_told_by_name(cast):
    gone = accounts.add_person(hr_number="HR-gone", full_name="Greta Gone", mail="", unit=cast.retail, by=None)
    accounts.disable_person(person=gone, reason="Left", by=cast.administrator)

    found = planned(cast.officer, "x/1,X,vendor,retail,HR-gone")

    assert problems_of(found)[2]["owner"] == "Greta Gone (HR-gone) has left the bank; name an owner who is there."


def test_a_spreadsheets_formula_is_refused_whatever_value_it_last_had(cast):
    found = services.plan_changes(
        kind="import",
        rows=[Row(2, {"external_id": "x/1", "name": Formula("=A1&B1"), "kind": "vendor"})],
        by=cast.officer,
    )

    assert "holds the formula '=A1&B1'" in problems_of(found)[2]["name"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (",".join(f"c{n}" for n in range(200)), "200 columns; at most 100 are read"),
        ("external_id,nmae\nx,y", "There is no column nmae. Columns that are read: external_id, name"),
        ("name,kind\nx,y", "No column says which model a row is about"),
        (f"{HEADS}\n", "There is no row"),
        ("external_id,name\nx,Tomás".encode("latin-1"), "may be “á” in Latin-1. Save it as “CSV UTF-8”"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_on_its_own_page(cast, content, sentence):
    answer = send(cast.officer, content)

    assert answer.status_code == 200
    assert sentence in text_of(answer)
    assert ChangeSet.objects.count() == 0


def test_a_model_of_another_unit_is_neither_changed_nor_shown(cast, register):
    register("Retail PD", description="Secret")

    found = planned(cast.stranger, "retail-pd,Mine", heads="external_id,name")

    assert "that you may see" in problems_of(found)[2]["external_id"]
    assert "Secret" not in text_of(browser_of(cast.stranger).get(f"/changes/{found.pk}/"))


def test_an_owner_imports_what_is_theirs_and_nothing_else(cast, register):
    register("Others", owner=cast.developer.person)

    found = planned(cast.owner, NEW, "others,Mine now,statistical,retail,HR-dan-developer")

    assert [row.verb for row in found.rows.all()] == ["create", "error"]
    assert "Your roles do not permit this" in problems_of(found)[3]["row"]


def test_planning_takes_as_many_queries_for_thirty_rows_as_for_three(cast, django_assert_max_num_queries):
    def rows(count):
        return [
            Row(
                n,
                {"external_id": f"x/{n}", "name": "X", "kind": "vendor", "unit": "retail", "owner": "HR-olivia-owner"},
            )
            for n in range(count)
        ]

    services.plan_changes(kind="import", rows=rows(1), by=cast.officer)
    with django_assert_max_num_queries(14):
        services.plan_changes(kind="import", rows=rows(30), by=cast.officer)


def test_the_page_takes_as_many_queries_for_thirty_rows_as_for_three(cast, register):
    for number in range(30):
        register(f"Model {number:02}")
    few = planned(cast.officer, *(f"model-{n:02},Renamed" for n in range(3)), heads="external_id,name")
    many = planned(cast.officer, *(f"model-{n:02},Renamed" for n in range(30)), heads="external_id,name")
    client = browser_of(cast.officer)

    assert queries_of(client, f"/changes/{many.pk}/") == queries_of(client, f"/changes/{few.pk}/")


# ---- what is applied ------------------------------------------------------------------------------------------
def test_what_was_shown_is_applied_and_each_model_says_so_on_its_trail(cast, register):
    old = register("Card PD", tags=["basel"])
    found = planned(
        cast.officer,
        'card-pd,Card PD two,statistical,retail,HR-olivia-owner,"basel, ifrs 9"',
        "new/one,New one,vendor,retail,HR-dan-developer,",
        heads=f"{HEADS},tags",
    )

    page = text_of(apply(cast.officer, found))

    new = Model.objects.get(external_id="new/one")
    old.refresh_from_db()
    assert (old.name, old.tags, new.stage) == ("Card PD two", ["basel", "ifrs 9"], "in_development")
    assert new.standing.light == "unknown"
    assert entries_on(old).first().event == events.MODEL_EDITED.name
    assert entries_on(new).first().event == events.MODEL_REGISTERED.name
    applied = Entry.objects.get(event=events.CHANGES_APPLIED.name)
    assert (applied.data["created"], applied.data["changed"], applied.data["sha256"]) == (1, 1, found.sha256)
    assert applied.sealed_in_id == entries_on(old).first().sealed_in_id
    assert "All of it was applied together: 2 models" in page


def test_a_record_that_moved_since_it_was_shown_stops_all_of_it(cast, register):
    moved, other = register("Card PD"), register("Fraud score")
    found = planned(cast.officer, "card-pd,Mine", "fraud-score,Mine too", heads="external_id,name")
    services.edit_model(
        model=moved, changes={"name": "Theirs"}, expected_digest=services.digest_of(moved), by=cast.officer
    )

    answer = apply(cast.officer, found)

    assert answer.status_code in (409, 412)
    assert f"Changed since this was shown: {moved.ref}" in text_of(answer)
    other.refresh_from_db()
    assert other.name == "Fraud score"


def test_twin_without_the_digests_the_others_change_is_overwritten(cast, register, monkeypatch):
    moved = register("Card PD")
    found = planned(cast.officer, "card-pd,Mine", heads="external_id,name")
    services.edit_model(
        model=moved, changes={"name": "Theirs"}, expected_digest=services.digest_of(moved), by=cast.officer
    )
    row = found.rows.get()
    monkeypatch.setattr("inventory.services.change_sets.hold_heads", lambda names: dict.fromkeys(names, row.digest))

    apply(cast.officer, found)

    moved.refresh_from_db()
    assert moved.name == "Mine"


def test_an_id_that_was_registered_meanwhile_stops_all_of_it(cast, register):
    found = planned(cast.officer, "card-pd,Mine,vendor,retail,HR-olivia-owner", NEW)
    register("Card PD")

    answer = apply(cast.officer, found)

    assert "Registered since this was shown: card-pd" in text_of(answer)
    assert Model.objects.count() == 1


def test_rows_with_errors_let_nothing_through(cast):
    found = planned(cast.officer, NEW, "x/1,=1,vendor,retail,HR-olivia-owner")

    answer = apply(cast.officer, found)

    assert answer.status_code == 409
    assert "1 row(s) have errors" in text_of(answer)
    assert Model.objects.count() == 0


def test_nobody_applies_what_another_person_planned(cast):
    found = planned(cast.officer, NEW)

    assert apply(cast.auditor, found).status_code == 404
    assert Model.objects.count() == 0


def test_roles_that_ended_meanwhile_count(cast):
    found = planned(cast.owner, NEW)
    end_role(cast.owner.person.roles.in_force().get())

    assert apply(cast.owner, found).status_code == 403
    assert Model.objects.count() == 0


def test_changes_are_applied_once(cast):
    found = planned(cast.officer, NEW)

    assert apply(cast.officer, found).status_code == 200
    assert apply(cast.officer, found).status_code == 409


def test_what_was_discarded_is_not_applied(cast):
    found = planned(cast.officer, NEW)

    browser_of(cast.officer).post(f"/changes/{found.pk}/discard/")

    assert apply(cast.officer, found).status_code == 409
    assert Model.objects.count() == 0


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_what_was_exported_is_imported_as_it_is(cast, register, form):
    register("=Card PD", tags=["basel", "ifrs 9"], developer=cast.developer.person, purpose="Lines,\n“quotes”")
    answer = browser_of(cast.officer).post("/models/export/", {"query": "", "form": form, "columns": "all"})

    page = send(cast.officer, b"".join(answer.streaming_content), f"models.{form}")

    found = ChangeSet.objects.get()
    assert [row.verb for row in found.rows.all()] == ["same"]
    assert "Not read, since it is not changed by a file: Tier, Status" in text_of(page)


def test_many_rows_are_applied_by_a_worker(cast, monkeypatch):
    monkeypatch.setattr("inventory.views.changes.MOST_AT_ONCE", 1)
    found = planned(cast.officer, NEW, "x/1,X,vendor,retail,HR-olivia-owner")

    waiting = text_of(apply(cast.officer, found))
    found.refresh_from_db()
    run_claimed(claim(job_id=found.job_id), tasks.apply_changes)

    assert 'hx-trigger="every 2s"' in waiting
    assert Model.objects.count() == 2
    found.job.refresh_from_db()
    assert found.job.state == "done"


def test_a_worker_that_finds_a_moved_record_ends_with_the_sentence(cast, register):
    model = register()
    found = services.apply_later(
        change_set=planned(cast.officer, "card-pd,Mine", heads="external_id,name"), by=cast.officer
    )
    services.edit_model(
        model=model, changes={"name": "Theirs"}, expected_digest=services.digest_of(model), by=cast.officer
    )

    run_claimed(claim(job_id=found.job_id), tasks.apply_changes)

    page = text_of(browser_of(cast.officer).get(f"/changes/{found.pk}/"))
    assert "Nothing was applied." in page
    assert f"Changed since this was shown: {model.ref}" in page


def test_a_workbook_of_thousands_of_rows_is_applied_as_one_record_of_the_trail(cast):
    heads = ("external_id", "name", "kind", "unit", "owner", "tags")
    rows = [(f"bulk/{n}", f"Model {n}", "statistical", "retail", "HR-olivia-owner", "bulk") for n in range(2_000)]

    send(cast.officer, b"".join(file_chunks("xlsx", heads, rows)))
    services.apply_changes(change_set=ChangeSet.objects.get(), by=cast.officer)

    registered = Entry.objects.filter(event=events.MODEL_REGISTERED.name)
    assert registered.count() == 2_000
    assert registered.values("sealed_in").distinct().count() == 1


# ---- from the list --------------------------------------------------------------------------------------------
def test_ticked_models_get_an_owner_and_tags_after_a_look(cast, register):
    first, second, third = register("A", tags=["old", "x"]), register("B"), register("C")
    wanted = {"owner": "HR-dan-developer", "add_tags": "new", "drop_tags": "old", "reason": "Olivia moves on"}

    page = browser_of(cast.officer).post("/models/change/", {"model": [first.ref, second.ref], **wanted}, follow=True)
    found = ChangeSet.objects.get()
    assert "Apply to 2 models" in text_of(page)
    apply(cast.officer, found)

    for model in (first, second, third):
        model.refresh_from_db()
    assert [m.owner.hr_number for m in (first, second, third)] == ["HR-dan-developer"] * 2 + ["HR-olivia-owner"]
    assert (first.tags, second.tags, third.tags) == (["x", "new"], ["new"], [])
    assert Entry.objects.get(event=events.CHANGES_APPLIED.name).data["reason"] == "Olivia moves on"


def test_all_that_match_are_those_that_the_list_shows(cast, register):
    register("A", kind="vendor")
    register("B")

    browser_of(cast.officer).post(
        "/models/change/", {"which": "all", "query": "kind=vendor", "add_tags": "bought", "reason": "Sorted"}
    )

    assert [row.external_id for row in ChangeSet.objects.get().rows.all()] == ["a"]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"which": "all", "add_tags": "x"}, "Say why"),
        ({"which": "all", "reason": "Because"}, "Say what is to change"),
        ({"add_tags": "x", "reason": "Because"}, "No model is chosen"),
    ],
)
def test_a_bulk_change_without_its_parts_is_refused_with_a_sentence(cast, register, sent, sentence):
    register()

    answer = browser_of(cast.officer).post("/models/change/", sent)

    assert answer.status_code == 422
    assert sentence in text_of(answer)


def test_who_may_change_no_model_is_not_offered_it(cast, register):
    register()

    page = text_of(browser_of(cast.auditor).get("/models/"))

    assert "Change several" not in page
    assert "/models/import/" not in page
    for address in ("/models/import/", "/models/change/"):
        assert browser_of(cast.auditor).post(address).status_code == 403
    assert ChangeSet.objects.count() == 0
