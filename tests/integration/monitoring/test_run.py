"""A run reads each partition once, measures every window, opens breaches and says everything on the trail."""

import secrets
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score

from audit.models import Entry
from inventory.models import Standing
from monitoring.models import Breach, Measurement, Monitor, PartitionProfile, Run, Window
from tests import logs


def figure(window: str, metric: str, column: str = "") -> Measurement:
    return next(
        m
        for m in Measurement.objects.filter(metric=metric, column=column, segment="").select_related("window")
        if m.window.label == window and m.window.is_newest
    )


def test_a_shifted_feature_fires_and_the_others_do_not(define, perform, folder):
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    logs.write_log(folder / "log", seed=seed, months=4, rows=1500, shifts={4: 1.2})
    monitor = define()

    run = perform(monitor)

    assert run.outcome == Run.Outcome.COMPUTED, run.job.message
    red = set(Breach.objects.filter(level="breach").values_list("window__start_on__month", "metric", "column"))
    assert (4, "psi", "income") in red
    assert {month for month, _, _ in red} == {4}
    assert {column for _, metric, column in red if metric == "psi"} == {"income"}


def test_figures_equal_those_of_scipy_and_scikit_learn_on_the_same_rows(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=3)
    perform(define())

    reference = pq.read_table(folder / "reference").to_pandas()
    march = pq.read_table(folder / "log" / "month=2026-03").to_pandas()
    assert figure("Mar 2026", "auc").n == len(march)
    assert figure("Mar 2026", "auc").value == pytest.approx(roc_auc_score(march.label, march.score), abs=1e-5)
    ks = figure("Mar 2026", "ks", "income")
    assert ks.value == pytest.approx(scipy_stats.ks_2samp(reference.income, march.income).statistic, abs=ks.bound)


def test_labels_that_mature_later_restate_the_window_and_the_old_figure_stays(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=3)
    monitor = define()
    early = perform(monitor, labels_as_of=datetime(2026, 4, 15, tzinfo=UTC))

    late = perform(monitor)

    january = Window.objects.filter(monitor=monitor, start_on="2026-01-01").order_by("revision")
    assert [w.revision for w in january] == [1, 2]
    assert [w.is_newest for w in january] == [False, True]
    assert january[0].labelled < january[1].labelled == 1500
    assert [w.run_id for w in january] == [early.pk, late.pk]
    assert Entry.objects.filter(event="monitoring.window_restated").count() == 3


def test_what_changes_the_figures_alone_is_a_new_revision_and_the_old_figures_stay(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)
    Monitor.objects.update(minimum_rows=2000)

    second = perform(Monitor.objects.get())

    windows = Window.objects.filter(start_on="2026-01-01").order_by("revision")
    assert len({window.state_sha256 for window in windows}) == 1
    assert [(w.revision, w.is_newest, w.run_id) for w in windows] == [(1, False, first.pk), (2, True, second.pk)]
    auc = Measurement.objects.filter(metric="auc", window__start_on="2026-01-01").order_by("window__revision")
    assert auc[0].value > 0.7
    assert auc[1].reason == "1500 observations, at least 2000 needed"
    sealed = Entry.objects.filter(event="monitoring.run_completed").order_by("id").last().data["figures"]
    assert sealed["2026-01-01"] == windows[1].figures_sha256


def test_a_window_that_says_what_it_said_before_keeps_its_revision(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)

    second = perform(monitor)

    assert second.result_digest == first.result_digest
    assert set(Window.objects.values_list("revision", "run_id")) == {(1, first.pk)}


def test_a_partition_that_was_read_is_not_read_again(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)
    logs.write_log(folder / "log", seed=7, months=3)

    second = perform(monitor)

    assert (first.partitions_read, first.partitions_reused) == (2, 0)
    assert (second.partitions_read, second.partitions_reused) == (1, 2)
    assert PartitionProfile.objects.count() == 3


def test_a_repeat_gives_the_same_bits_and_says_so(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)

    again = perform(monitor, repeats=first)

    assert again.partitions_read == 2
    assert again.same_bits is True
    assert "the same figures, to the last bit" in again.job.message


def test_a_repeat_on_a_log_that_was_altered_is_no_repeat_of_the_same_inputs(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)
    logs.write_log(folder / "log", seed=8, months=2)

    again = perform(monitor, repeats=first)

    assert again.input_digest != first.input_digest
    assert again.same_bits is None


def test_the_run_and_its_breaches_stand_on_the_models_trail(define, perform, folder, model):
    logs.write_log(folder / "log", seed=7, months=2, shifts={2: 1.5})

    run = perform(define())

    entries = Entry.objects.on_trail(f"inventory.model:{model.pk}").order_by("id")
    events = [entry.event for entry in entries]
    assert events.count("monitoring.run_completed") == 1
    assert "monitoring.breach_opened" in events
    assert not [entry for entry in entries if entry.event == "audit.outside_portal"]
    completed = entries.get(event="monitoring.run_completed")
    assert completed.data["result_digest"] == run.result_digest
    assert completed.data["inputs"] == run.inputs


def test_no_change_of_a_run_is_outside_the_portal(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2, shifts={2: 1.5})

    perform(define())

    assert not Entry.objects.filter(event="audit.outside_portal").exists()


def test_the_models_standing_follows_the_newest_window(define, perform, folder, model):
    logs.write_log(folder / "log", seed=7, months=2, shifts={2: 1.5})

    perform(define())

    standing = Standing.objects.get(model=model)
    assert (standing.light, standing.last_window) == ("breach", "Feb 2026")
    assert standing.latest_auc == pytest.approx(figure("Feb 2026", "auc").value)
    assert len(standing.score_psi_history) == 2


def test_a_corrupt_partition_refuses_the_run_in_words_and_keeps_what_was_computed(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    perform(monitor)
    (folder / "log" / "month=2026-03").mkdir()
    (folder / "log" / "month=2026-03" / "part.parquet").write_bytes(b"PAR1 not really")

    run = perform(monitor)

    assert run.outcome == Run.Outcome.REFUSED
    assert "month=2026-03" in run.reasons[0]
    assert run.job.state == "refused"
    assert Window.objects.newest_revisions().count() == 2
