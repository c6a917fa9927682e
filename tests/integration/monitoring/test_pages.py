"""A model's monitoring, one feature, a run and the breaches, as pages."""

import re
import secrets

import pytest
from django.db import transaction

from audit.models import Entry
from jobs import services as jobs
from jobs.models import Job
from monitoring.models import Breach, Measurement, Run, Window
from monitoring.services import explanations, runs
from monitoring.views.headlines import bound_text
from monitoring.wording import words_of
from tests import logs
from tests.pages import HTMX, browser_of, queries_of, text_of

TARGET = {"flavour": "sklearn", "method": "predict_proba", "output": 1, "link": "logit"}
SHIFT = {"feature": "income", "months": ["2026-03"], "what": "Incomes rose.", "why": "A test put it in."}


@pytest.fixture
def monitor(define, folder):
    """A monitor over three months, income shifted in the last."""
    logs.write_log(folder / "log", seed=secrets.randbelow(10**6), months=3, rows=800, shifts={3: 1.5})
    return define(explained=TARGET, announced_shifts=[SHIFT])


@pytest.fixture
def done(monitor, perform) -> Run:
    return perform(monitor)


@pytest.fixture
def address(model):
    return f"/models/{model.ref}/monitoring/"


# ---- the model's tab ------------------------------------------------------------------------------------
def test_the_tab_shows_figures_with_their_intervals_and_the_breaches(cast, done, address):
    page = text_of(browser_of(cast.validator).get(address))

    auc = Measurement.objects.get(window__start_on="2026-03-01", metric="auc", segment="")
    assert f"{auc.value:.3f}" in page
    assert f"{auc.low:.3f} to {auc.high:.3f}" in page
    assert "PSI of <a" in page
    assert "Incomes rose." in page
    assert "In this window" in page
    assert done.ref in page


def test_a_value_that_is_not_exact_shows_its_bound(cast, done, address):
    ks = Measurement.objects.get(window__start_on="2026-03-01", metric="ks", column="income", segment="")
    assert ks.bound

    page = text_of(browser_of(cast.validator).get(address))

    assert f"<small>±{bound_text(ks.bound)}</small>" in page


@pytest.mark.parametrize("bound", [0.00041, 0.0009999, 0.4, 0.96, 1e-9, 3.2, 0.0005])
def test_a_bound_is_rounded_up_so_that_it_stays_true(bound):
    shown = float(bound_text(bound).replace("−", "-"))

    assert bound <= shown * (1 + 1e-12)
    assert shown < 2 * bound + 1e-12


def test_a_value_that_was_not_computed_shows_its_reason(cast, monitor, perform, address):
    perform(monitor, labels_as_of=logs.datetime(2026, 1, 31, tzinfo=logs.UTC))

    page = text_of(browser_of(cast.validator).get(address))

    assert "Mar: outcomes not known yet." in page


def test_an_earlier_window_is_chosen_by_the_address(cast, done, address):
    page = text_of(browser_of(cast.validator).get(f"{address}?window=2026-01-01"))

    assert "No threshold was crossed in Jan 2026." in page
    assert 'aria-label="Later window, Feb 2026"' in page


@pytest.mark.parametrize("asked", ["1900-01-01", "nonsense", ""])
def test_a_window_that_is_not_there_gives_the_newest(cast, done, address, asked):
    page = text_of(browser_of(cast.validator).get(f"{address}?window={asked}&monitor=nonsense"))

    assert "Mar 2026" in page


def test_without_a_monitor_the_page_says_what_one_is_for(cast, model, address):
    assert "See how to define one" in text_of(browser_of(cast.owner).get(address))
    assert "See how to define one" not in text_of(browser_of(cast.validator).get(address))
    assert "Nothing watches this model yet" in text_of(browser_of(cast.validator).get(address))


def test_without_a_window_the_page_says_when_one_comes(cast, monitor, address):
    page = text_of(browser_of(cast.owner).get(address))

    assert "No window measured yet" in page
    assert "None is scheduled." in page


def test_a_run_that_was_refused_is_said_with_its_reason(cast, monitor, perform, folder, address):
    perform(monitor)
    (folder / "log" / "month=2026-04").mkdir()
    (folder / "log" / "month=2026-04" / "part.parquet").write_bytes(b"PAR1 not really")
    perform(monitor)

    page = text_of(browser_of(cast.owner).get(address))

    assert "was refused.</b> month=2026-04/part.parquet is not a whole Parquet file. Ask the owner of the log" in page
    assert "magic bytes" not in page


def test_a_refused_run_says_what_to_do_next_and_hides_what_was_not_found(cast, monitor, perform, folder):
    perform(monitor)
    (folder / "log" / "month=2026-04").mkdir()
    (folder / "log" / "month=2026-04" / "part.parquet").write_bytes(b"PAR1 not really")
    refused = perform(monitor)

    page = text_of(browser_of(cast.owner).get(f"/runs/{refused.pk}/"))

    assert "is not a whole Parquet file." in page
    assert "then press Run again. Earlier figures stand." in page
    assert "<dt>Result</dt>" not in page
    assert "<dt>Rows</dt>" not in page


def test_an_earlier_window_without_reports_leads_to_the_newest(cast, done, address):
    page = text_of(browser_of(cast.validator).get(f"{address}?window=2026-01-01"))

    assert "SHAP and Evidently are made for the newest window only." in page
    assert 'window=2026-03-01#importance">Mar 2026</a>' in page
    assert 'id="files"' not in page


def test_the_charts_speak_of_the_window_that_was_chosen(cast, done, address):
    chosen = text_of(browser_of(cast.validator).get(f"{address}features/income/?window=2026-01-01"))
    newest = text_of(browser_of(cast.validator).get(f"{address}features/income/"))

    assert re.search(r"<figcaption>PSI was \d\.\d{3} nats in Jan 2026, within its thresholds", chosen)
    assert re.search(r"<figcaption>PSI was \d\.\d{3} nats in Mar 2026, above the breach threshold of 0.25", newest)
    assert "Dotted: income shift begins, Mar 2026." in newest
    assert "shift begins" not in text_of(browser_of(cast.validator).get(f"{address}features/channel/"))


def test_breaches_stand_before_the_charts(cast, done, address):
    page = text_of(browser_of(cast.validator).get(address))

    assert page.index('id="breaches"') < page.index('id="auc"')


def test_a_run_under_way_asks_for_itself(cast, monitor, address):
    run = runs.ask_for_run(monitor=monitor, by=cast.officer)

    page = text_of(browser_of(cast.officer).get(address))

    assert f'hx-get="/runs/{run.pk}/"' in page
    assert "Run now" not in page


def test_the_tab_takes_as_many_queries_for_many_windows_as_for_few(cast, define, perform, folder, address):
    logs.write_log(folder / "log", seed=3, months=3, rows=400)
    monitor = define(explained=TARGET)
    perform(monitor)
    few = queries_of(browser_of(cast.officer), address)
    Window.objects.bulk_create(
        Window(
            monitor=monitor,
            run=Run.objects.get(),
            start_on=logs.datetime(2020 + n // 12, n % 12 + 1, 1).date(),
            end_on=logs.datetime(2020 + n // 12, n % 12 + 1, 28).date(),
            revision=1,
            rows=1,
            labelled=0,
            state_sha256="0" * 64,
        )
        for n in range(30)
    )

    assert queries_of(browser_of(cast.officer), address) == few


def test_the_tab_of_another_units_model_is_not_there(cast, done, address):
    assert browser_of(cast.stranger).get(address).status_code == 404
    assert browser_of(cast.administrator).get(address).status_code == 404


def test_the_tab_asks_strangers_to_sign_in_and_only_reads(cast, done, address):
    assert browser_of(None).get(address).status_code == 302
    assert browser_of(cast.officer).post(address).status_code == 405


# ---- a feature ------------------------------------------------------------------------------------------
def test_a_feature_shows_its_distribution_from_what_was_counted(cast, done, address):
    window = Window.objects.get(start_on="2026-03-01")

    page = text_of(browser_of(cast.validator).get(f"{address}features/income/"))

    kept = window.shares["income"]
    assert sum(kept["current"]) == 800
    assert len(kept["labels"]) == len(kept["reference"]) == len(kept["current"])
    assert all(f">{label}</th>" in page for label in kept["labels"])
    assert "the largest change" in page


def test_a_category_shows_its_levels(cast, done, address):
    page = text_of(browser_of(cast.validator).get(f"{address}features/channel/?window=2026-01-01"))

    assert ">branch</th>" in page
    assert ">missing</th>" in page


def test_a_feature_whose_counts_are_gone_says_so(cast, done, address, superuser):
    superuser.execute("alter table monitoring_window disable trigger hold_columns")
    superuser.execute("update monitoring_window set shares = '{}'")

    assert "are not kept any more" in text_of(browser_of(cast.validator).get(f"{address}features/income/"))


def test_a_feature_that_the_model_does_not_have_is_not_there(cast, done, address):
    assert browser_of(cast.validator).get(f"{address}features/age/").status_code == 404
    assert browser_of(cast.stranger).get(f"{address}features/income/").status_code == 404


# ---- asking for runs ------------------------------------------------------------------------------------
def test_an_owner_asks_for_a_run_and_is_led_to_it(cast, monitor):
    answer = browser_of(cast.owner).post(f"/monitors/{monitor.pk}/run/")

    run = Run.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/runs/{run.pk}/")
    assert run.job.asked_by == cast.owner


@pytest.mark.parametrize("who", ["validator", "auditor", "member"])
def test_a_reader_cannot_ask_for_a_run(cast, monitor, who):
    answer = browser_of(getattr(cast, who)).post(f"/monitors/{monitor.pk}/run/")

    assert answer.status_code == 403
    assert "Your roles do not permit this" in text_of(answer)
    assert not Run.objects.exists()


def test_a_stranger_cannot_ask_for_a_run_nor_read_one(cast, done, monitor):
    stranger = browser_of(cast.stranger)

    assert stranger.post(f"/monitors/{monitor.pk}/run/").status_code == 404
    assert stranger.get(f"/runs/{done.pk}/").status_code == 404
    assert stranger.post(f"/runs/{done.pk}/repeat/").status_code == 404
    assert stranger.post(f"/runs/{done.pk}/cancel/").status_code == 404


def test_a_run_is_not_asked_for_by_reading(cast, monitor):
    assert browser_of(cast.owner).get(f"/monitors/{monitor.pk}/run/").status_code == 405


# ---- a run ----------------------------------------------------------------------------------------------
def test_a_run_shows_what_it_read_and_found(cast, done):
    page = text_of(browser_of(cast.auditor).get(f"/runs/{done.pk}/"))

    assert "month=2026-01/part.parquet" in page
    assert done.result_digest in page
    assert done.code_version in page
    assert page.count(">profiles of its partitions<") == 1


def test_a_run_shows_how_far_it_is(cast, monitor):
    run = runs.ask_for_run(monitor=monitor, by=cast.owner)
    job = jobs.claim(job_id=run.job_id)
    jobs.report_progress(job=job, done=300, total=1000, step="Partition 2 of 3: reading month=2026-02, 1,000 rows")

    answer = browser_of(cast.validator).get(f"/runs/{run.pk}/", headers=HTMX)

    assert "Partition 2 of 3" in text_of(answer)
    assert 'value="0.3000"' in text_of(answer)
    assert "Reading the log" in text_of(answer)
    assert "left</span>" in text_of(answer)
    assert "<html" not in text_of(answer)
    assert "HX-Refresh" not in answer


def test_a_run_that_has_read_nothing_yet_says_what_it_does(cast, monitor):
    run = runs.ask_for_run(monitor=monitor, by=cast.owner)
    job = jobs.claim(job_id=run.job_id)
    jobs.report_progress(job=job, done=0, total=1000, step="Fitting the reference")

    page = text_of(browser_of(cast.validator).get(f"/runs/{run.pk}/", headers=HTMX))

    assert "Fitting the reference" in page
    assert "Reading the log" not in page
    assert "0 %" not in page.replace("\u00a0", " ")


def test_a_run_that_is_being_cancelled_says_so_once(cast, monitor):
    run = runs.ask_for_run(monitor=monitor, by=cast.owner)
    jobs.claim(job_id=run.job_id)
    runs.cancel_run(run=run, by=cast.owner)

    page = text_of(browser_of(cast.owner).get(f"/runs/{run.pk}/"))

    assert "Cancelling</button>" in page
    assert "It stops after this partition." in page


def test_the_page_is_read_again_once_the_run_has_ended(cast, done):
    assert browser_of(cast.validator).get(f"/runs/{done.pk}/", headers=HTMX)["HX-Refresh"] == "true"


def test_a_repeat_says_that_every_bit_is_the_same(cast, done, monitor, perform):
    again = perform(monitor, repeats=done)

    page = text_of(browser_of(cast.validator).get(f"/runs/{again.pk}/"))

    assert "The same figures, to the last bit." in page
    assert "Same bits" in text_of(browser_of(cast.validator).get(f"/runs/{done.pk}/"))


def test_a_repeat_on_an_altered_log_says_that_the_inputs_differ(cast, done, monitor, perform, folder):
    logs.write_log(folder / "log", seed=1_000_001, months=3, rows=800)
    again = perform(monitor, repeats=done)

    assert "Not the same inputs." in text_of(browser_of(cast.validator).get(f"/runs/{again.pk}/"))


def test_a_waiting_run_is_cancelled_by_who_may(cast, monitor):
    run = runs.ask_for_run(monitor=monitor, by=cast.owner)

    assert browser_of(cast.validator).post(f"/runs/{run.pk}/cancel/").status_code == 403
    assert browser_of(cast.developer).post(f"/runs/{run.pk}/cancel/").status_code == 302
    assert Entry.objects.get(event="monitoring.run_cancelled").actor == cast.developer.person_name


def test_a_run_that_has_ended_is_not_cancelled(cast, done):
    answer = browser_of(cast.owner).post(f"/runs/{done.pk}/cancel/")

    assert answer.status_code == 409
    assert f"{done.ref} has ended already" in text_of(answer)


# ---- reports of a window --------------------------------------------------------------------------------
@pytest.fixture
def window(done) -> Window:
    return Window.objects.get(start_on="2026-03-01")


@pytest.fixture
def refused(window) -> Job:
    """The explanation's job, refused by the worker."""
    job = jobs.claim(job_id=Job.objects.get(key=f"{runs.EXPLAIN}:{window.pk}").pk)
    explanations.refuse_explanation(window=window, reason="No sandbox on this machine.", job=job)
    job.refresh_from_db()
    return job


def test_a_refused_explanation_says_why_and_can_be_asked_for_again(cast, window, refused, address):
    owner = browser_of(cast.owner)
    assert "No sandbox on this machine." in text_of(owner.get(address))

    answer = owner.post(f"/windows/{window.pk}/explain/again/")

    refused.refresh_from_db()
    assert (answer.status_code, refused.state) == (302, "queued")


def test_a_reader_is_told_who_can_ask_again(cast, window, refused, address):
    reader = browser_of(cast.validator)

    assert "can ask again." in text_of(reader.get(address))
    assert reader.post(f"/windows/{window.pk}/explain/again/").status_code == 403


def test_a_report_that_is_not_refused_is_not_asked_for_again(cast, window):
    assert browser_of(cast.owner).post(f"/windows/{window.pk}/report/again/").status_code == 409


def test_the_state_of_a_report_is_a_fragment_and_ends_with_a_new_reading(cast, window, refused):
    reader = browser_of(cast.validator)

    waiting = reader.get(f"/windows/{window.pk}/report/", headers=HTMX)
    ended = reader.get(f"/windows/{window.pk}/explain/", headers=HTMX)

    assert "Waiting for the worker" in text_of(waiting)
    assert "HX-Refresh" not in waiting
    assert ended["HX-Refresh"] == "true"
    assert reader.get(f"/windows/{window.pk}/report/").status_code == 302


def test_reports_of_another_units_window_are_not_there(cast, window, refused):
    stranger = browser_of(cast.stranger)

    assert stranger.get(f"/windows/{window.pk}/explain/", headers=HTMX).status_code == 404
    assert stranger.post(f"/windows/{window.pk}/explain/again/").status_code == 404


# ---- breaches -------------------------------------------------------------------------------------------
def breach_texts(page: str) -> int:
    return page.split("<tbody>")[-1].count("<tr>") if "<tbody>" in page else 0


def test_breaches_are_listed_with_value_threshold_and_run(cast, done):
    page = text_of(browser_of(cast.auditor).get("/monitoring/?state=all"))

    assert breach_texts(page) == Breach.objects.count() > 0
    assert "Card PD" in page
    assert "above 0.250" in page
    assert done.ref in page


def test_what_is_past_is_listed_on_request_alone(cast, monitor, perform, folder):
    perform(monitor)
    logs.write_log(folder / "log", seed=9, months=4, rows=800, shifts={3: 1.5})
    perform(monitor)
    reader = browser_of(cast.auditor)

    standing = text_of(reader.get("/monitoring/"))
    past = text_of(reader.get("/monitoring/?state=past"))

    assert "Mar 2026</td>" not in standing
    assert "Mar 2026</td>" in past
    assert '<span class="q">Past</span>' in past
    assert "<b>Stands</b>" not in past
    chip = re.search(r'<span>State</span> Stands<a href="([^"]+)"', text_of(reader.get("/monitoring/?q=income")))
    assert "state=all" in chip[1]
    assert "q=income" in chip[1]


def test_a_crossing_that_was_measured_anew_keeps_the_moment_it_was_first_opened(cast, monitor, perform, folder):
    perform(monitor)
    first = Breach.objects.get(column="income", metric="psi", level="breach")
    logs.write_log(folder / "log", seed=10**6 + 9, months=3, rows=900, shifts={3: 1.5})
    perform(monitor)

    again = Breach.objects.standing().get(column="income", metric="psi", level="breach")

    assert (again.pk, again.window.revision) == (first.pk, 2)
    assert again.opened_at == first.opened_at
    assert "restated</small>" in text_of(browser_of(cast.auditor).get("/monitoring/"))


def test_the_newest_window_comes_first_and_in_it_the_breaches(cast, done):
    reader = browser_of(cast.auditor)

    page = text_of(reader.get("/monitoring/?state=all"))

    rows = re.findall(r'<tr> <td data-l="Level"><span class="st (breach|watch)">.*?data-l="Window">(\w{3} \d{4})', page)
    months = {"Jan 2026": 1, "Feb 2026": 2, "Mar 2026": 3}
    assert rows == sorted(rows, key=lambda row: (-months[row[1]], row[0]))
    assert len(rows) > 1


def test_a_stranger_sees_no_breach_of_another_unit(cast, done):
    page = text_of(browser_of(cast.stranger).get("/monitoring/"))

    assert "Card PD" not in page
    assert "No threshold is crossed" in page


FOUND = ("level=breach", "q=income", "q=CARD", "metric=psi", "unit=retail", "unit=retail&q=card&level=breach")
NOT_FOUND = ("state=nonsense", "unit=markets", "q=nothing", "level=nonsense", "metric=nonsense", "unit=nowhere")


def test_breaches_are_narrowed_by_the_address(cast, done):
    reader = browser_of(cast.auditor)

    counts = {
        query: breach_texts(text_of(reader.get(f"/monitoring/?state=all&{query}"))) for query in FOUND + NOT_FOUND
    }

    assert [query for query, count in counts.items() if count] == list(FOUND)


def test_breaches_are_sorted_by_the_address(cast, done):
    reader = browser_of(cast.auditor)
    page = text_of(reader.get("/monitoring/?state=all&sort=-value"))

    values = [float(v.replace("−", "-")) for v in re.findall(r"<b>([−\d.]+)</b>", page)]
    stored = [words_of(m).text(v) for m, v in Breach.objects.order_by("-value", "id").values_list("metric", "value")]

    assert values == [float(text.replace("−", "-")) for text in stored]
    assert 'aria-sort="descending"' in page
    assert reader.get("/monitoring/?sort=nonsense&after=nonsense").status_code == 200


def test_htmx_gets_the_rows_alone(cast, done):
    answer = browser_of(cast.auditor).get("/monitoring/", headers=HTMX)

    assert text_of(answer).startswith('<div id="rows">')


@pytest.mark.outside_portal
def test_the_list_takes_as_many_queries_for_many_breaches_as_for_few(cast, window):
    few = queries_of(browser_of(cast.auditor), "/monitoring/")
    with transaction.atomic():
        Breach.objects.bulk_create(
            Breach(
                model=window.monitor.model, window=window, metric="psi", column=f"more_{n}", value=0.3, level="breach"
            )
            for n in range(30)
        )

    assert queries_of(browser_of(cast.auditor), "/monitoring/") == few


def test_the_list_asks_strangers_to_sign_in_and_only_reads(cast):
    assert browser_of(None).get("/monitoring/").status_code == 302
    assert browser_of(cast.officer).post("/monitoring/").status_code == 405
