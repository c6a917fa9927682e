"""A run reads each partition once, measures every window, opens breaches and says everything on the trail."""

import json
import re
import secrets
import shutil
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dateutil.relativedelta import relativedelta
from django.conf import settings
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score

from accounts.refusals import NotNow
from audit import effects
from audit.models import Attachment, Entry, RowHistory
from inventory.models import Standing
from jobs.models import Job
from monitoring.models import Breach, Measurement, Monitor, Run, StoredProfile, Window
from monitoring.services import profiles as services
from monitoring.services import runs
from monitoring.verification import verify_figures
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


@pytest.mark.outside_portal
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
    assert StoredProfile.objects.count() == 3


def kept_files() -> set[str]:
    return {path.name for path in settings.ARTEFACT_ROOT.rglob("*") if path.is_file()}


def test_a_later_cut_off_before_which_no_label_changes_reads_and_files_nothing_again(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=6, rows=400)
    monitor = define()
    perform(monitor, labels_as_of=datetime(2026, 12, 1, tzinfo=UTC))
    files, rows = kept_files(), RowHistory.objects.count()

    later = perform(monitor, labels_as_of=datetime(2026, 12, 2, tzinfo=UTC))

    assert (later.partitions_read, later.partitions_reused) == (0, 6)
    assert kept_files() == files
    assert RowHistory.objects.count() == rows + 1  # the manifest hangs on this run too
    assert StoredProfile.objects.count() == 6


def test_only_partitions_with_a_label_that_counts_since_are_read_for_labels(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=4, rows=400)
    monitor = define()
    perform(monitor, labels_as_of=datetime(2026, 5, 10, tzinfo=UTC))
    january, april = (StoredProfile.objects.get(first_day__month=month) for month in (1, 4))

    later = perform(monitor, labels_as_of=datetime(2026, 6, 10, tzinfo=UTC))

    assert january.labels_change_at is None or january.labels_change_at > datetime(2026, 6, 10, tzinfo=UTC)
    assert april.labels_change_at > datetime(2026, 6, 29, tzinfo=UTC)
    assert (later.partitions_read, later.partitions_reused) == (2, 2)  # February and March matured in between
    assert set(Window.objects.filter(revision=2).values_list("start_on__month", flat=True)) == {2, 3}


def test_at_the_very_moment_at_which_a_label_counts_it_is_read(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=1, rows=400)
    monitor = define()
    perform(monitor, labels_as_of=datetime(2026, 4, 10, tzinfo=UTC))
    changes_at = StoredProfile.objects.get().labels_change_at

    before = perform(monitor, labels_as_of=changes_at - timedelta(microseconds=1))
    then = perform(monitor, labels_as_of=changes_at)

    assert (before.partitions_reused, then.partitions_reused) == (1, 0)
    old, new = Window.objects.order_by("revision")
    assert new.labelled == old.labelled + 1


@pytest.mark.parametrize("spoil", ["erased", "altered"])
def test_a_kept_profile_that_is_gone_or_altered_is_made_again(define, perform, folder, spoil):
    logs.write_log(folder / "log", seed=7, months=1)
    monitor = define()
    first = perform(monitor)
    path = effects.path_of(StoredProfile.objects.get().sha256)
    path.unlink()
    if spoil == "altered":
        path.write_bytes(b"other counts")

    second = perform(monitor)

    assert (second.partitions_read, second.partitions_reused) == (1, 0)
    assert second.result_digest == first.result_digest
    assert effects.sha256_of(path) == path.name


def test_what_another_engine_read_is_not_used_again_and_each_run_keeps_its_own(define, perform, folder, monkeypatch):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)
    monkeypatch.setattr(services, "engine_digest", lambda: "0" * 64)

    second, third = perform(monitor), perform(monitor)

    assert (second.partitions_read, second.partitions_reused) == (2, 0)
    assert (third.partitions_read, third.partitions_reused) == (0, 2)
    assert second.result_digest == first.result_digest
    assert StoredProfile.objects.values("engine").distinct().count() == 2


def test_the_rows_of_a_window_are_drawn_from_the_profiles_of_its_own_run(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=1)
    perform(define())
    own = StoredProfile.objects.get()
    another, _ = effects.keep([b"what another engine made of the same file"])
    StoredProfile.objects.create(
        **{field.attname: getattr(own, field.attname) for field in own._meta.fields if not field.primary_key}
        | {"sha256": another, "engine": "1" * 64}
    )

    (profile,) = services.profiles_of(Window.objects.get())

    assert profile.sha256 == own.sha256


def test_the_profiles_of_a_run_are_filed_as_one_manifest_that_its_entry_names(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=3)

    run = perform(define())

    (filed,) = Attachment.objects.of(run).select_related("artefact")
    manifest = json.loads(effects.path_of(filed.artefact.sha256).read_bytes())
    assert {p["partition"]: p["file"] for p in manifest["profiles"]} == run.inputs
    assert {p["profile"] for p in manifest["profiles"]} == set(StoredProfile.objects.values_list("sha256", flat=True))
    assert Entry.objects.get(event="monitoring.run_completed").data["profiles"] == filed.artefact.sha256


def test_a_repeat_gives_the_same_bits_and_says_so(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)

    again = perform(monitor, repeats=first)

    assert again.partitions_read == 2
    assert again.same_bits is True
    assert again.differences == []
    assert "the same figures, to the last bit" in again.job.message
    entry = Entry.objects.get(event="monitoring.run_repeated")
    assert (entry.data["repeats"], entry.data["same_bits"]) == (first.ref, True)


def test_a_repeat_on_a_log_that_was_altered_says_which_file_and_which_figures_differ(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)
    shutil.rmtree(folder / "log" / "month=2026-02")
    logs.write_log(folder / "other", seed=8, months=2)
    shutil.move(folder / "other" / "month=2026-02", folder / "log")

    again = perform(monitor, repeats=first)

    assert again.input_digest != first.input_digest
    assert again.same_bits is None
    file, window = again.differences
    assert file.startswith(f"month=2026-02/part.parquet is another file than {first.ref} read: ")
    assert re.match(r"Feb 2026: \d+ of \d+ figures differ, first PSI of income: 0\.\d+ now, 0\.\d+ then\.", window)
    assert "the inputs are not those of then" in again.job.message


def what_stands() -> list:
    """Every row that somebody may rely on."""
    tables = (Window, Measurement, Breach, StoredProfile, Standing)
    return [sorted(map(str, table.objects.values_list())) for table in tables]


@pytest.mark.parametrize("is_altered", [False, True], ids=["the same log", "an altered log"])
def test_a_repeat_of_an_older_run_only_compares(define, perform, folder, is_altered):
    logs.write_log(folder / "log", seed=7, months=2, shifts={2: 1.5})
    monitor = define()
    first = perform(monitor, labels_as_of=datetime(2026, 4, 15, tzinfo=UTC))
    logs.write_log(folder / "log", seed=7, months=3, shifts={2: 1.5})
    perform(monitor)
    if is_altered:
        logs.write_log(folder / "log", seed=8, months=3, shifts={1: 1.5})
    before, files = what_stands(), kept_files()

    again = perform(monitor, repeats=first)

    assert again.same_bits is (None if is_altered else True)
    assert set(again.inputs) == set(first.inputs)  # March came since
    assert what_stands() == before
    assert kept_files() == files
    assert verify_figures().holds


def test_a_repeat_whose_files_are_gone_is_refused_and_says_which(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    first = perform(monitor)
    shutil.rmtree(folder / "log" / "month=2026-02")

    again = perform(monitor, repeats=first)

    assert again.outcome == Run.Outcome.REFUSED
    assert again.reasons == [f"month=2026-02/part.parquet that {first.ref} read is not there any more"]


def test_a_repeat_is_not_repeated_nor_a_run_that_measured_nothing(cast, define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=1)
    monitor = define()
    first = perform(monitor)
    again = perform(monitor, repeats=first)
    waiting = runs.ask_for_run(monitor=monitor, by=cast.officer)

    for wrong, why in ((again, f"is a repeat itself; repeat {first.ref}"), (waiting, "has measured nothing")):
        with pytest.raises(NotNow, match=why):
            runs.ask_for_run(monitor=monitor, repeats=wrong, by=cast.officer)


def test_a_run_up_to_an_earlier_cut_off_overtakes_no_window_of_a_later_one(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define()
    perform(monitor)
    before = what_stands()[0]
    logs.write_log(folder / "log", seed=7, months=3)

    early = perform(monitor, labels_as_of=datetime(2026, 4, 15, tzinfo=UTC))

    assert what_stands()[0][: len(before)] == before
    assert [w.label for w in early.windows.all()] == ["Mar 2026"]
    assert early.reasons == [
        "2 windows, Jan 2026 to Feb 2026, measured before with outcomes known later than 2026-04-15 00:00 UTC:"
        " that stands"
    ]
    assert verify_figures().holds


def test_after_the_samples_were_erased_a_monitor_still_runs(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=1)
    monitor = define()
    first = perform(monitor)
    effects.remove(first.reference.sample_sha256)

    assert perform(monitor).outcome == Run.Outcome.COMPUTED


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


def test_a_month_without_rows_leaves_a_window_that_says_so_and_no_figure(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=4)
    shutil.rmtree(folder / "log" / "month=2026-02")

    run = perform(define(explained=None))

    empty = Window.objects.get(start_on="2026-02-01")
    assert (empty.rows, empty.labelled, empty.end_on.isoformat()) == (0, 0, "2026-02-28")
    assert not empty.measurements.exists()
    assert Entry.objects.get(event="monitoring.run_completed").data["without_rows"] == ["2026-02-01"]
    assert run.windows.count() == 4
    assert verify_figures().holds


def test_rows_that_come_later_restate_the_empty_window_and_rows_that_go_leave_one(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=3)
    shutil.move(folder / "log" / "month=2026-02", folder / "aside")
    monitor = define()
    perform(monitor)
    shutil.move(folder / "aside", folder / "log" / "month=2026-02")
    perform(monitor)
    shutil.rmtree(folder / "log" / "month=2026-02")
    perform(monitor)

    assert list(Window.objects.filter(start_on="2026-02-01").values_list("revision", "rows")) == [
        (1, 0),
        (2, 1500),
        (3, 0),
    ]


def test_what_was_due_since_the_monitor_was_defined_and_did_not_come_is_an_empty_window(define, perform, folder, model):
    logs.write_log(folder / "log", seed=7, months=2)
    monitor = define(cadence="monthly")
    defined = monitor.defined_at.date()
    month_end = defined.replace(day=1) + relativedelta(months=1)

    perform(monitor, labels_as_of=datetime.combine(month_end + timedelta(days=2), datetime.min.time(), UTC))

    newest = Window.objects.order_by("start_on").last()
    assert (newest.start_on, newest.rows) == (defined.replace(day=1), 0)
    standing = Standing.objects.get(model=model)
    assert (standing.light, standing.last_window) == ("unknown", newest.label)
    assert Job.objects.filter(arguments__window_id=newest.pk).count() == 0


def test_without_a_cadence_nothing_is_due(define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=2)

    perform(define(), labels_as_of=datetime(2099, 1, 1, tzinfo=UTC))

    assert Window.objects.count() == 2


def with_versions(folder, month: str, versions: list[str | None]) -> None:
    """The month's log with a column of versions, dealt out in turn."""
    path = folder / "log" / f"month={month}" / "part.parquet"
    table = pq.read_table(path)
    dealt = [versions[place % len(versions)] for place in range(table.num_rows)]
    pq.write_table(table.append_column("version", pa.array(dealt, pa.string())), path)


def test_rows_are_counted_by_the_version_that_scored_and_one_that_nobody_registered_is_reported(
    define, perform, folder, version
):
    logs.write_log(folder / "log", seed=7, months=2)
    with_versions(folder, "2026-01", [version.label])
    with_versions(folder, "2026-02", [version.label, "2.0-rc", None])
    logs.write_log(folder / "reference", seed=1, months=2, rows=2000)
    monitor = define_with_versions(define, folder, version)

    run = perform(monitor)

    january, february = Window.objects.order_by("start_on")
    assert january.versions == {"1.0.0": 1500}
    assert february.versions == {"(missing)": 500, "1.0.0": 500, "2.0-rc": 500}
    assert run.outcome == Run.Outcome.PARTLY
    assert "500 rows from Feb 2026 on were scored by '2.0-rc', which is not registered" in run.reasons
    assert "500 rows from Feb 2026 on were scored by no version that the log names" in run.reasons
    cut = set(february.measurements.values_list("segment", flat=True))
    assert {"version=1.0.0", "version=(new)", "version=(missing)"} <= cut
    assert verify_figures().holds


def define_with_versions(define, folder, version):
    """A monitor whose reference names versions too."""
    before = logs.write_log(folder / "before", seed=1, months=2, rows=2000)
    for path in sorted(before.rglob("*.parquet")):
        table = pq.read_table(path)
        pq.write_table(table.append_column("version", pa.array([version.label] * table.num_rows)), path)
    columns = logs.COLUMNS | {"model_version": "version", "segments": ["version"]}
    return define(columns=columns, reference_location=str(before))


def test_the_count_by_version_is_sealed_with_the_figures(define, perform, folder, version, superuser):
    logs.write_log(folder / "log", seed=7, months=1)
    with_versions(folder, "2026-01", [version.label])
    perform(define_with_versions(define, folder, version))
    assert verify_figures().holds

    superuser.execute("alter table monitoring_window disable trigger hold_columns")
    superuser.execute("""update monitoring_window set versions = '{"1.0.0": 1499}'""")

    assert not verify_figures().holds


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
