"""SHAP and Evidently reports of a window: from the registered artefact, in the sandbox, filed by digest."""

import io
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from accounts.refusals import NotNow
from audit import effects
from audit.models import Attachment, Entry, subject_name
from inventory import services as inventory
from inventory.models import Standing
from jobs import services as jobs
from jobs.models import Job
from monitoring.models import Breach, Explanation, Run, Window
from monitoring.services import runs
from monitoring.services.profiles import samples_of
from tests import logs
from tests.conftest import put_into_registry
from worker.running import run_claimed
from worker.tasks.inventory import compute_digest
from worker.tasks.monitoring import explain_window, report_window, run_monitor

TARGET = {"flavour": "sklearn", "method": "predict_proba", "output": 1, "link": "logit"}


@pytest.fixture
def version(cast, model, registered_scorecard):
    """A version that is bound to its artefact's digest."""
    version, _ = inventory.register_version(model=model, label="1.0.0", mlflow_uri=registered_scorecard, by=cast.owner)
    do(f"digest:{version.pk}", compute_digest)
    version.refresh_from_db()
    assert version.digest_state == "verified"
    return version


def do(key: str, work) -> Job:
    job = Job.objects.get(key=key)
    run_claimed(jobs.claim(job_id=job.pk), work)
    job.refresh_from_db()
    return job


@pytest.fixture
def window(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=1)
    perform(define(explained=TARGET))
    return Window.objects.get()


def test_a_window_is_explained_in_the_sandbox_and_filed_by_digest(window, model):
    job = do(f"{runs.EXPLAIN}:{window.pk}", explain_window)

    assert job.state == "done", job.message
    explanation = Explanation.objects.get()
    assert explanation.rows == 1000
    assert explanation.additivity_error < 1e-4
    assert (explanation.rescored_rows, explanation.rescored_unequal) == (1000, 0)
    assert explanation.importance["income"] > explanation.importance["utilisation"] > 0.1
    assert explanation.importance["channel"] == pytest.approx(0, abs=1e-9)
    filed = Attachment.objects.of(explanation).get(role="shap report")
    assert Entry.objects.get(event="monitoring.explained").data["sha256"] == filed.artefact.sha256
    assert filed_numbers(explanation, "shap report")["shap"].shape == (1000, 3)
    assert not Entry.objects.filter(event="audit.outside_portal").exists()


def filed_numbers(explanation: Explanation, role: str) -> dict[str, np.ndarray]:
    filed = Attachment.objects.of(explanation).get(role=role)
    with np.load(io.BytesIO(effects.path_of(filed.artefact.sha256).read_bytes()), allow_pickle=False) as numbers:
        return dict(numbers)


def test_what_is_kept_for_good_of_an_explanation_holds_no_row_of_a_customer(window):
    do(f"{runs.EXPLAIN}:{window.pk}", explain_window)

    explanation = Explanation.objects.get()
    report, rows = (filed_numbers(explanation, role) for role in ("shap report", "shap rows"))
    income = samples_of(window)[0].column("income").to_numpy()
    assert not {name for name, numbers in report.items() if np.isin(income, numbers).any()}
    assert (np.diff(report["shap"], axis=0) >= 0).all()  # each feature in an order of its own: no line is a row
    assert not np.allclose(report["base"] + report["shap"].sum(axis=1), np.sort(rows["margins"]))
    assert np.allclose(rows["base"] + rows["shap"].sum(axis=1), rows["margins"], atol=1e-4)
    assert Attachment.objects.of(explanation).get(role="shap rows").artefact.retention == "sample"
    assert "values" not in {*report, *rows}


def test_reason_codes_say_ranges_and_no_more_digits_than_are_shown(window):
    do(f"{runs.EXPLAIN}:{window.pk}", explain_window)

    codes = Explanation.objects.get().reason_codes
    reasons = [reason for code in codes for reason in code["reasons"]]
    assert len(codes) == 10
    assert {reason["range"] for reason in reasons if reason["feature"] == "income"} <= set(
        window.shares["income"]["labels"]
    )
    assert all(round(reason["contribution"], 3) == reason["contribution"] for reason in reasons)
    assert all(round(code["score"], 3) == code["score"] for code in codes)


def test_the_sample_is_spread_over_the_score_as_the_window_is(define, perform, folder):
    """Spread as the reference is, it would hide the very shift that is to be explained."""
    logs.write_log(folder / "log", seed=7, months=1, rows=4000, shifts={1: 1.0})
    perform(define(explained=TARGET))
    window = Window.objects.get()

    current, reference = samples_of(window)

    whole = pq.read_table(next((folder / "log").rglob("*.parquet"))).column("score").to_numpy()
    drawn, before = current.column("score").to_numpy(), reference.column("score").to_numpy()
    assert len(drawn) == 1000
    assert abs(drawn.mean() - whole.mean()) < 0.1 * abs(before.mean() - whole.mean())


def test_logged_scores_that_the_model_does_not_give_are_a_breach(define, perform, folder, model):
    log = logs.write_log(folder / "log", seed=7, months=1)
    path = next(log.rglob("*.parquet"))
    table = pq.read_table(path)
    scores = np.clip(table.column("score").to_numpy() + 0.01, 0, 1)
    pq.write_table(table.set_column(table.column_names.index("score"), "score", [scores]), path)
    monitor = define(explained=TARGET)
    perform(monitor)

    do(f"{runs.EXPLAIN}:{Window.objects.get().pk}", explain_window)

    assert Explanation.objects.get().rescored_unequal == 1000
    assert Breach.objects.filter(metric="rescoring_mismatch", level="breach").exists()
    assert Standing.objects.get(model=model).light == "breach"
    perform(monitor)
    assert Standing.objects.get(model=model).light == "breach"
    assert Entry.objects.filter(event="monitoring.scores_differ").exists()


def test_an_artefact_that_changed_after_registration_is_never_loaded(window, mlflow_server):
    for path in mlflow_server.artefacts.rglob("MLmodel"):
        shutil.copy(path, path.with_suffix(".kept"))
        path.write_text(path.read_text() + "\n# altered\n")

    job = do(f"{runs.EXPLAIN}:{window.pk}", explain_window)

    for path in mlflow_server.artefacts.rglob("MLmodel.kept"):
        path.replace(path.with_suffix(""))
    assert job.state == "refused"
    assert "was registered, so it was not loaded" in job.message
    assert Entry.objects.filter(event="monitoring.explanation_refused").exists()
    assert not Explanation.objects.exists()


def test_an_evidently_report_is_filed_as_page_and_figures(window):
    job = do(f"{runs.REPORT}:{window.pk}", report_window)

    assert job.state == "done", job.message
    files = {a.role: a for a in Attachment.objects.filter(subject=subject_name(window)).select_related("artefact")}
    assert set(files) == {"evidently page", "evidently figures"}
    entry = Entry.objects.get(event="monitoring.report_filed")
    assert entry.data["html_sha256"] == files["evidently page"].artefact.sha256
    assert b"<html" in effects.path_of(files["evidently page"].artefact.sha256).read_bytes()[:2000].lower()


def test_a_pickled_model_is_explained_and_marked_as_loaded_by_code(cast, define, perform, folder, model, mlflow_server):
    uri = put_into_registry(mlflow_server, "card_pd_opaque", "opaque")
    version, _ = inventory.register_version(model=model, label="2.0.0", mlflow_uri=uri, by=cast.owner)
    do(f"digest:{version.pk}", compute_digest)
    version.refresh_from_db()
    logs.write_log(folder / "log", seed=7, months=1)
    perform(define(version=version, explained=TARGET))

    do(f"{runs.EXPLAIN}:{Window.objects.get().pk}", explain_window)

    assert Explanation.objects.get().is_loaded_by_code


@pytest.fixture
def wrongly_claimed(cast, model, registered_scorecard):
    """A version with a claim that its artefact will not bear out; nobody has looked yet."""
    version, _ = inventory.register_version(
        model=model, label="2.0.0", mlflow_uri=registered_scorecard, claimed_digest="0" * 64, by=cast.owner
    )
    return version


def test_a_version_that_is_refused_while_it_is_monitored_is_not_run_any_more(define, perform, folder, wrongly_claimed):
    logs.write_log(folder / "log", seed=7, months=1)
    monitor = define(explained=TARGET, version=wrongly_claimed)
    do(f"digest:{wrongly_claimed.pk}", compute_digest)
    monitor.refresh_from_db()

    with pytest.raises(NotNow, match="was refused: The client said 0000"):
        perform(monitor)


def test_a_run_that_was_asked_for_before_the_refusal_is_refused(cast, define, folder, wrongly_claimed):
    logs.write_log(folder / "log", seed=7, months=1)
    run = runs.ask_for_run(monitor=define(version=wrongly_claimed), by=cast.officer)
    do(f"digest:{wrongly_claimed.pk}", compute_digest)

    run_claimed(jobs.claim(job_id=run.job_id), run_monitor)

    run.refresh_from_db()
    assert run.outcome == Run.Outcome.REFUSED
    assert "was refused: The client said 0000" in run.reasons[0]
    assert not Window.objects.exists()


@pytest.mark.parametrize("is_settled", [True, False], ids=["refused", "pending"])
def test_a_version_that_is_not_verified_is_never_loaded(define, perform, folder, wrongly_claimed, is_settled):
    logs.write_log(folder / "log", seed=7, months=1)
    perform(define(explained=TARGET, version=wrongly_claimed))
    if is_settled:
        do(f"digest:{wrongly_claimed.pk}", compute_digest)

    job = do(f"{runs.EXPLAIN}:{Window.objects.get().pk}", explain_window)

    assert job.state == "refused"
    assert "is not verified" in job.message
    assert not Explanation.objects.exists()
