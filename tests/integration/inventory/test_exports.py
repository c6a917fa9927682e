"""The list of models as a file: exactly what was filtered, to who asked, for a short while."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from audit import effects
from audit.models import Entry
from inventory import events, services
from inventory.models import Export, Model
from inventory.services import exports
from jobs.models import Job
from jobs.services import claim, enqueue
from tests.cast import end_role
from tests.pages import browser_of, text_of
from web.xlsx import read_workbook
from worker.running import run_claimed
from worker.tasks import inventory as tasks


@pytest.fixture
def register(cast):
    def register(name, **changes) -> Model:
        wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer}
        return services.register_model(external_id=name.lower(), name=name, **(wanted | changes))[0]

    return register


def ask(account, query="", form="csv", **more):
    return browser_of(account).post("/models/export/", {"query": query, "form": form, **more})


def content_of(answer) -> bytes:
    return b"".join(answer.streaming_content)


def rows_of(answer) -> list[dict]:
    return list(csv.DictReader(io.StringIO(content_of(answer).decode())))


def run(job: Job, work) -> Job:
    run_claimed(claim(job_id=job.pk), work)
    job.refresh_from_db()
    return job


def test_a_file_holds_exactly_what_is_filtered_in_the_lists_order(cast, register):
    for name, kind in (("B", "vendor"), ("A", "vendor"), ("C", "agent")):
        register(name, kind=kind)

    answer = ask(cast.officer, "kind=vendor&sort=name")

    assert [row["name"] for row in rows_of(answer)] == ["A", "B"]
    assert answer["Content-Disposition"].startswith("attachment; filename=")


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_each_form_has_the_columns_shown_and_the_id_by_which_it_is_imported(cast, register, form, tmp_path):
    register("=A")

    content = content_of(ask(cast.officer, "columns=kind,breaches", form))

    if form == "json":
        heads = list(json.loads(content)[0])
    elif form == "csv":
        heads = content.decode().splitlines()[0].split(",")
        assert "'=A" in content.decode()
    else:
        (tmp_path / "book.xlsx").write_bytes(content)
        heads, row = read_workbook(tmp_path / "book.xlsx")
        assert row[2] == "=A"
    assert heads == ["ref", "external_id", "name", "kind", "breaches"]


def test_every_column_can_be_taken_along(cast, register):
    register("A", tags=["basel"])

    row = rows_of(ask(cast.officer, columns="all"))[0]

    assert row["tags"] == "basel"
    assert row["owner"] == "HR-olivia-owner"
    assert row["unit"] == "retail"


def test_nobody_exports_a_model_that_they_do_not_see(cast, register):
    register("Retail PD")

    assert rows_of(ask(cast.stranger)) == []


def test_that_models_were_taken_stands_on_the_trail_with_the_files_digest(cast, register):
    register("A")

    content = content_of(ask(cast.officer, "kind=statistical"))

    entry = Entry.objects.filter(event=events.MODELS_EXPORTED.name).get()
    export = Export.objects.get()
    assert entry.actor == cast.officer.person_name
    assert entry.data == {"rows": 1, "form": "csv", "query": "kind=statistical", "sha256": export.sha256}
    assert effects.path_of(export.sha256).read_bytes() == content


def test_a_file_is_handed_out_once_more_to_who_asked_and_to_nobody_else(cast, register):
    register("A")
    content = content_of(ask(cast.owner))
    address = f"/exports/{Export.objects.get().pk}/"

    assert content_of(browser_of(cast.owner).get(f"{address}file/")) == content
    for other in (cast.officer, cast.auditor):
        assert browser_of(other).get(address).status_code == 404
        assert browser_of(other).get(f"{address}file/").status_code == 404


def test_a_file_is_not_handed_out_to_who_may_not_see_its_models_any_more(cast, register):
    register("A")
    ask(cast.validator)
    address = f"/exports/{Export.objects.get().pk}/file/"

    end_role(cast.validator.person.roles.in_force().get())
    answer = browser_of(cast.validator).get(address)

    assert answer.status_code == 403
    assert "Of the 1 models in this file you may not see 1 any more." in text_of(answer)


def test_twin_without_the_look_at_what_one_sees_now_the_file_goes_out(cast, register, monkeypatch):
    register("A")
    ask(cast.validator)
    end_role(cast.validator.person.roles.in_force().get())
    monkeypatch.setattr("inventory.permissions.check_export", lambda account, export: None)

    assert browser_of(cast.validator).get(f"/exports/{Export.objects.get().pk}/file/").status_code == 200


def test_a_file_is_kept_for_a_day_and_then_removed(cast, register):
    register("A")
    ask(cast.owner)
    export = Export.objects.get()
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = browser_of(cast.owner).get(f"/exports/{export.pk}/file/")
    job = run(enqueue(task=services.REMOVE_EXPIRED, arguments={}, by=None), tasks.remove_expired_exports)

    assert answer.status_code == 410
    assert job.state == "done"
    assert not effects.path_of(export.sha256).exists()


def test_a_file_that_another_export_still_needs_is_not_removed(cast, register):
    register("A")
    ask(cast.owner)
    ask(cast.owner)
    first, second = Export.objects.order_by("pk")
    Export.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    run(enqueue(task=services.REMOVE_EXPIRED, arguments={}, by=None), tasks.remove_expired_exports)

    assert first.sha256 == second.sha256
    assert effects.path_of(second.sha256).exists()


def test_a_long_list_is_written_by_a_worker_with_its_progress(cast, register, monkeypatch):
    for number in range(5):
        register(f"Model {number}")
    monkeypatch.setattr("inventory.views.exports.MOST_AT_ONCE", 3)
    monkeypatch.setattr(exports, "STEP", 2)
    seen = []
    monkeypatch.setattr(exports, "report_progress", lambda **told: seen.append(told["done"]))

    answer = ask(cast.owner, "sort=-name")
    export = Export.objects.get()
    waiting = text_of(browser_of(cast.owner).get(answer["Location"]))
    job = run(export.job, tasks.write_export)

    assert answer["Location"] == f"/exports/{export.pk}/"
    assert "Waiting for a worker" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert (job.state, seen) == ("done", [0, 2, 4])
    ready = browser_of(cast.owner).get(f"/exports/{export.pk}/file/")
    assert [row["name"] for row in rows_of(ready)] == [f"Model {number}" for number in (4, 3, 2, 1, 0)]
    assert "5 models" in text_of(browser_of(cast.owner).get(f"/exports/{export.pk}/"))


def test_a_job_that_another_worker_holds_by_now_keeps_no_file(cast, register):
    register("A")
    export = services.write_later(export=services.ask_for_export(query="", form="csv", by=cast.owner), by=cast.owner)
    job = claim(job_id=export.job_id)
    Job.objects.filter(pk=job.pk).update(fence=job.fence + 1)

    with pytest.raises(Exception, match="held under another fence"):
        services.write_export_of_job(
            export=export, models=Model.objects.select_related("standing"), columns="", job=job
        )

    assert Export.objects.get().sha256 == ""


def test_an_unknown_form_is_refused_with_a_sentence(cast):
    answer = ask(cast.owner, form="exe")

    assert answer.status_code == 422
    assert "One of csv, xlsx, json is wanted" in text_of(answer)


def test_who_sees_no_models_exports_none(cast):
    assert ask(cast.administrator).status_code == 403


def test_the_export_says_how_many_models_it_takes(cast, register):
    register("A")
    register("B", kind="vendor")

    page = text_of(browser_of(cast.officer).get("/models/?kind=vendor"))

    assert "<b>1</b> model, as filtered" in page
    assert '<input type="hidden" name="query" value="kind=vendor">' in page
