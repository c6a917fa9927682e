"""Measurements are held in the database, and what gets past that is found: the seal over them is read."""

from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit import checkpoints
from audit.models import Entry, subject_name
from audit.services import record_about
from monitoring import events
from monitoring.models import Measurement, Run, Window
from monitoring.verification import verify_figures, verify_run, verify_window
from portal.proof import proof_of
from tests import logs
from tests.pages import browser_of, text_of


@pytest.fixture
def run(define, perform, folder) -> Run:
    """Two months, measured."""
    logs.write_log(folder / "log", seed=7, months=2)
    return perform(define())


def behind(superuser, statement: str) -> None:
    """Done with every guard of the two tables switched off."""
    for table in ("monitoring_measurement", "monitoring_window"):
        superuser.execute(f"alter table {table} disable trigger user")
    superuser.execute(statement)


FORGED_AUC = "update monitoring_measurement set value = 0.99 where metric = 'auc'"


# ---- held ------------------------------------------------------------------------------------------------
HELD = {
    "a better AUC": FORGED_AUC,
    "a reason for no figure": "update monitoring_measurement set value = null, reason = 'none'",
    "a figure less": "delete from monitoring_measurement where metric = 'auc'",
    "no figures": "truncate monitoring_measurement",
    "more rows": "update monitoring_window set rows = rows + 1",
    "another digest": "update monitoring_window set figures_sha256 = ''",
    "another distribution": "update monitoring_window set shares = '{}'",
    "the same run": "update monitoring_window set run_id = run_id",
    "a window less": "delete from monitoring_window",
    "no windows": "truncate monitoring_window cascade",
}


def answers_of(execute) -> dict[str, str]:
    """How the database answers each statement: an error's code, or that it was done."""
    answers = {}
    for what, statement in HELD.items():
        try:
            execute(statement)
            answers[what] = "done"
        except (psycopg.Error, DatabaseError) as refused:
            answers[what] = getattr(refused, "sqlstate", None) or refused.__cause__.sqlstate
    return answers


def test_the_portals_own_role_cannot_touch_what_was_measured(run):
    def execute(statement):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    assert set(answers_of(execute).values()) == {"42501"}  # insufficient_privilege
    assert verify_figures().holds


def test_triggers_refuse_the_same_to_whoever_has_the_right(run, superuser):
    answers = answers_of(superuser.execute)

    assert answers.pop("the same run") == "done"  # which changes nothing
    assert set(answers.values()) == {"42501", "23514"}  # append-only; a column that never changes
    assert verify_figures().holds


@pytest.mark.parametrize("what", ["a better AUC", "more rows"])
def test_twin_without_the_triggers_it_goes_through(run, superuser, what):
    behind(superuser, HELD[what])

    assert not verify_figures().holds


# ---- read ------------------------------------------------------------------------------------------------
def test_what_nobody_touched_holds_with_every_figure_read(run):
    verdict = verify_figures()

    assert verdict.defects == []
    assert (verdict.windows, verdict.figures, verdict.older) == (2, Measurement.objects.count(), 0)


def test_the_entry_of_the_run_names_the_digest_of_each_window(run):
    sealed = Entry.objects.get(event="monitoring.run_completed").data["figures"]

    assert sealed == {f"{w.start_on}": w.figures_sha256 for w in Window.objects.all()}
    assert len(sealed) == 2


TAMPERING = {
    "every AUC is 0.99": (FORGED_AUC, "Jan 2026 of RUN"),
    "one bit of a value": (
        "update monitoring_measurement set value = value + 1e-16 where metric = 'score_ks'",
        "not those that were sealed",
    ),
    "a figure deleted": ("delete from monitoring_measurement where metric = 'brier'", "not those that were sealed"),
    "a figure added": (
        'insert into monitoring_measurement (window_id, metric, "column", segment, value, n, reason)'
        " select id, 'gini', 'income', '', 0.9, 1, '' from monitoring_window",
        "not those that were sealed",
    ),
    "rows and their digest": (
        "update monitoring_window set rows = 1, figures_sha256 = repeat('a', 64)",
        "not those that were sealed",
    ),
    "a distribution": ("update monitoring_window set shares = '{}'", "do not make the digest that stands with them"),
    "the result of the run": ("update monitoring_run set result_digest = repeat('a', 64)", "its result digest is not"),
    "the code of the run": ("update monitoring_run set code_version = 'assay 9'", "its code version is not"),
    "a window gone": (
        "delete from monitoring_measurement where window_id in (select min(id) from monitoring_window);"
        " delete from monitoring_window where id in (select min(id) from monitoring_window)",
        "is gone, or not as sealed",
    ),
    "a window that no run measured": (
        "insert into monitoring_window (monitor_id, run_id, start_on, end_on, revision, is_newest, rows, labelled,"
        " state_sha256, figures_sha256, shares, versions)"
        " select monitor_id, run_id, '2026-03-01', '2026-03-31', 1, true, 1, 0, '', '', '{}', '{}'"
        " from monitoring_window limit 1",
        "Mar 2026 of RUN",
    ),
    "the newest revision hidden": ("update monitoring_window set is_newest = false", "is not shown as the newest"),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_what_gets_past_the_guards_is_found(run, superuser, kind):
    statement, sentence = TAMPERING[kind]

    behind(superuser, statement)

    assert any(sentence in defect for defect in verify_figures().defects), verify_figures().defects


def test_a_second_announcement_of_a_run_does_not_stand_in_for_the_first(run, superuser):
    behind(superuser, FORGED_AUC)
    forged = Entry.objects.get(event="monitoring.run_completed").data
    record_about(events.RUN_COMPLETED, subject=subject_name(run), trails=[], by=None, data=forged)

    assert any("2 entries say what it measured" in defect for defect in verify_figures().defects)


def test_a_run_that_nobody_announced_is_found(run, superuser):
    superuser.execute("alter table audit.entry disable trigger all")
    superuser.execute(
        "update audit.entry set event = 'monitoring.run_refused' where event = 'monitoring.run_completed'"
    )

    assert any("no entries say what it measured" in defect for defect in verify_figures().defects)


def test_windows_of_before_the_seal_are_counted_and_no_defect(run, superuser):
    superuser.execute("alter table audit.entry disable trigger all")
    superuser.execute(
        "update audit.entry set body = convert_to((convert_from(body, 'UTF8')::jsonb - 'figures')::text, 'UTF8')"
        " where event = 'monitoring.run_completed'"
    )

    assert (verify_figures().older, verify_figures().defects) == (2, [])
    assert verify_window(Window.objects.first()).older == 1


# ---- where it is read --------------------------------------------------------------------------------------
def test_verify_audit_reports_forged_figures(run, superuser):
    checkpoints.checkpoint_if_needed(checkpoints.log_signer())
    holds, forged = StringIO(), StringIO()
    call_command("verify_audit", stdout=holds)

    behind(superuser, FORGED_AUC)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", stdout=forged)

    assert f"{Measurement.objects.count()} figures of 2 windows" in holds.getvalue()
    assert holds.getvalue().endswith("VERIFIED\n")
    assert ended.value.code == 1
    assert "DEFECT  Jan 2026 of RUN" in forged.getvalue()
    assert "NOT VERIFIED" in forged.getvalue()


def test_the_proof_of_a_runs_entry_reads_its_figures(run, superuser):
    checkpoints.checkpoint_if_needed(checkpoints.log_signer())
    entry = Entry.objects.select_related("sealed_in").get(event="monitoring.run_completed")
    honest = proof_of(entry)

    behind(superuser, FORGED_AUC)
    forged = proof_of(entry)

    assert honest.holds
    assert f"{Measurement.objects.count():,} stored figures of 2 windows" in honest.steps[-1].words
    assert not forged.holds
    assert "not those that were sealed" in forged.steps[-1].why


def test_a_run_that_found_an_earlier_ones_windows_reads_those(run, perform, superuser):
    again = perform(run.monitor)

    assert verify_run(again).windows == 2
    behind(superuser, FORGED_AUC)
    assert not verify_run(again).holds


def test_the_page_of_a_window_says_whether_it_stands_as_sealed(cast, run, model, superuser):
    reader = browser_of(cast.validator)
    honest = text_of(reader.get(f"/models/{model.ref}/monitoring/"))

    behind(superuser, FORGED_AUC)
    forged = text_of(reader.get(f"/models/{model.ref}/monitoring/"))

    assert "As sealed" in honest
    assert "Not as sealed" in forged
    assert "its figures are not those that were sealed" in forged
