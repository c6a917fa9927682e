"""Exact figures of one window: its rows are read again and held against the bounds; altered ones are refused."""

import pyarrow.parquet as pq
import pytest
from rest_framework.test import APIClient
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.events import say
from audit.models import Entry
from jobs import services as jobs
from monitoring.models import ExactCheck, Window
from monitoring.services.exact import ask_for_exact
from tests import logs
from tests.pages import browser_of, text_of
from worker.running import run_claimed
from worker.tasks.monitoring import compute_exactly


@pytest.fixture
def window(define, perform, folder) -> Window:
    """March, income shifted; the log holds two other months."""
    logs.write_log(folder / "log", seed=7, months=3, shifts={3: 1.0})
    perform(define())
    return Window.objects.select_related("monitor__model__unit").get(start_on="2026-03-01")


def done(check: ExactCheck) -> ExactCheck:
    run_claimed(jobs.claim(job_id=check.job_id), compute_exactly)
    return ExactCheck.objects.select_related("job").get(pk=check.pk)


def exact_of(check: ExactCheck) -> dict[str, float]:
    return {figure["metric"]: figure["exact"] for figure in check.figures}


def test_a_features_exact_figures_are_those_of_its_rows_and_within_every_bound(cast, window, folder):
    check = done(ask_for_exact(window=window, column="income", by=cast.owner))

    before = pq.read_table(folder / "reference").to_pandas().income
    now = pq.read_table(folder / "log" / "month=2026-03").to_pandas().income
    exact = exact_of(check)
    assert check.job.state == "done", check.job.message
    assert exact["ks"] == pytest.approx(scipy_stats.ks_2samp(before, now).statistic, abs=1e-12)
    assert exact["wasserstein"] == pytest.approx(
        scipy_stats.wasserstein_distance(before, now) / before.std(ddof=0), rel=1e-9
    )
    assert exact["quantile@0.5"] == now.quantile(0.5, interpolation="lower")
    assert {"psi", "quantile@0.05", "quantile@0.95"} <= exact.keys()
    assert check.holds
    entry = Entry.objects.get(event="monitoring.exact_computed")
    assert say(entry.event, entry.data) == "income in Mar 2026: every value within its bound"
    assert list(entry.data["inputs"]) == ["month=2026-03/part.parquet"]
    assert not Entry.objects.filter(event="audit.outside_portal").exists()


def test_the_scores_exact_auc_is_that_of_its_rows(cast, window, folder):
    check = done(ask_for_exact(window=window, by=cast.owner))

    march = pq.read_table(folder / "log" / "month=2026-03").to_pandas()
    assert exact_of(check)["auc"] == pytest.approx(roc_auc_score(march.label, march.score), abs=1e-12)
    assert {"score_psi", "score_ks", "score_wasserstein"} <= exact_of(check).keys()
    assert check.holds


def test_a_value_that_is_not_within_its_bound_is_said(cast, window, superuser):
    superuser.execute("alter table monitoring_measurement disable trigger refuse_rows")
    superuser.execute("update monitoring_measurement set value = value + 0.01 where metric = 'ks'")

    check = done(ask_for_exact(window=window, column="income", by=cast.owner))

    assert [figure["metric"] for figure in check.figures if not figure["is_within"]] == ["ks"]
    assert "NOT every value within its bound" in check.job.message


@pytest.mark.parametrize("part", ["log", "reference"])
def test_a_log_that_was_altered_since_is_refused(cast, window, folder, part):
    logs.write_log(folder / part, seed=8, months=3, rows=2000)

    check = done(ask_for_exact(window=window, column="income", by=cast.owner))

    assert (check.job.state, check.figures) == ("refused", [])
    entry = Entry.objects.get(event="monitoring.exact_refused")
    assert "was altered since" in say(entry.event, entry.data)


def test_another_month_that_was_altered_does_not_matter(cast, window, folder):
    logs.write_log(folder / "log", seed=8, months=2)

    assert done(ask_for_exact(window=window, column="income", by=cast.owner)).holds


def test_what_is_asked_twice_or_has_no_bound_is_refused(cast, window):
    ask_for_exact(window=window, column="income", by=cast.owner)

    with pytest.raises(NotNow, match="The exact figures of income are waiting already"):
        ask_for_exact(window=window, column="income", by=cast.owner)
    with pytest.raises(InvalidInput, match="channel is a category"):
        ask_for_exact(window=window, column="channel", by=cast.owner)
    with pytest.raises(InvalidInput, match="There is no feature 'label'"):
        ask_for_exact(window=window, column="label", by=cast.owner)
    with pytest.raises(NotPermitted):
        ask_for_exact(window=window, column="utilisation", by=cast.validator)


def test_the_feature_page_asks_and_shows(cast, window, model):
    owner = browser_of(cast.owner)
    page = f"/models/{model.ref}/monitoring/features/income/?window=2026-03-01"
    assert "Compute exactly" in text_of(owner.get(page))
    assert "Compute exactly" not in text_of(browser_of(cast.validator).get(page))

    answer = owner.post(f"/windows/{window.pk}/exact/", {"column": "income"})
    waiting = text_of(owner.get(page))
    done(ExactCheck.objects.get())

    assert answer["Location"].endswith("#exact")
    assert "Waiting for a worker" in waiting
    asked = Entry.objects.get(event="monitoring.exact_asked")
    assert say(asked.event, asked.data) == "income in Mar 2026, revision 1"
    state = owner.get(f"/windows/{window.pk}/exact/state/?column=income", headers={"HX-Request": "true"})
    assert state["HX-Refresh"] == "true"
    assert "Holds" in text_of(browser_of(cast.validator).get(page))


def test_pages_that_read_the_trail_say_what_was_computed(cast, window, model):
    done(ask_for_exact(window=window, column="income", by=cast.owner))
    entry = Entry.objects.get(event="monitoring.exact_computed")
    officer = browser_of(cast.officer)

    pages = [
        officer.get(at) for at in (f"/models/{model.ref}/trail/?entry={entry.pk}", "/audit/", f"/models/{model.ref}/")
    ]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "income in Mar 2026: every value within its bound" in text_of(pages[0])
    assert browser_of(cast.officer).get("/").status_code == 200


def test_programs_ask_and_read(cast, window):
    client, address = APIClient(), f"/api/v1/windows/{window.pk}/exact/"
    client.force_authenticate(cast.officer)

    asked = client.post(address, {"column": "income"}, format="json")
    done(ExactCheck.objects.get())
    read = client.get(address).json()

    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert [(check["column"], check["state"]) for check in read] == [("income", "done")]
    assert {figure["metric"] for figure in read[0]["figures"]} >= {"psi", "ks", "quantile@0.5"}
    refused = client.post(address, {"column": "channel"}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/column")
