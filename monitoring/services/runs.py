"""Ask for runs, and store what they found: everything of one run in one transaction, under the job's fence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from django.db import models, transaction
from django.utils import timezone

from accounts.models import Account
from accounts.refusals import NotNow
from audit import effects
from audit.services import attach, canonical, record
from engines.partition import MISSING
from inventory.permissions import check_can_monitor
from inventory.policies import check_not_refused
from jobs.models import Job
from jobs.services import ask_to_cancel, effects_of, enqueue, finish, refuse
from monitoring import events
from monitoring.measures.digests import code_version, figures_digest, result_digest
from monitoring.measures.windows import MeasuredWindow
from monitoring.models import Measurement, Monitor, Reference, Run, StoredProfile, Window
from monitoring.services.judging import judge_windows
from monitoring.services.standing import move_standing

RUN = "monitoring.run"
EXPLAIN = "monitoring.explain"
REPORT = "monitoring.report"


@transaction.atomic
def ask_for_run(
    *, monitor: Monitor, labels_as_of: datetime | None = None, repeats: Run | None = None, by: Account
) -> Run:
    """Enqueue a run. A repeat reads again what another run read, up to its label cut-off, and only compares.

    Raises NotNow where there is nothing to compare with.
    """
    check_can_monitor(by, monitor.model)
    check_not_refused(monitor.version)
    if repeats:
        check_repeatable(repeats)
    moment = repeats.labels_as_of if repeats else labels_as_of or timezone.now()
    job = enqueue(task=RUN, arguments={"monitor_id": monitor.pk}, by=by)
    run = Run.objects.create(model_id=monitor.model_id, monitor=monitor, job=job, labels_as_of=moment, repeats=repeats)
    record(
        events.RUN_ASKED,
        subject=run,
        trails=[monitor.model],
        by=by,
        data={"run": run.ref, "monitor": monitor.name, "labels_as_of": moment.isoformat()},
    )
    return run


def check_repeatable(run: Run) -> None:
    if run.repeats:
        raise NotNow(f"{run.ref} is a repeat itself; repeat {run.repeats.ref}.")
    if not run.result_digest:
        raise NotNow(f"{run.ref} has measured nothing that a repeat could be compared with.")


@transaction.atomic
def cancel_run(*, run: Run, by: Account) -> None:
    """Stop a run where it next reports progress; what was read so far is kept and need not be read again."""
    check_can_monitor(by, run.model)
    if run.job.is_finished:
        raise NotNow(f"{run.ref} has ended already: {run.job.get_state_display().lower()}.")
    ask_to_cancel(job=run.job, by=by)
    record(events.RUN_CANCELLED, subject=run, trails=[run.model], by=by, data={"run": run.ref})


def run_of(job: Job) -> Run:
    """The run that a job does; a scheduled job gets its run here, once."""
    known = Run.objects.select_related("monitor__model__unit", "monitor__version", "repeats__reference")
    run = known.filter(job=job).first()
    if run:
        return run
    monitor = Monitor.objects.get(pk=job.arguments["monitor_id"])
    due_at = datetime.fromisoformat(job.arguments["due_at"])
    Run.objects.get_or_create(
        job=job, defaults={"model_id": monitor.model_id, "monitor": monitor, "labels_as_of": due_at}
    )
    return run_of(job)


def complete_run(
    *,
    run: Run,
    reference: Reference,
    profiles: list[StoredProfile],
    windows: list[MeasuredWindow],
    inputs: dict,
    reused: int,
    job: Job,
) -> Run:
    """Store windows, figures and breaches, move the model's standing, announce: one transaction, once."""
    reasons = [reason for profile in profiles for reason in profile.reasons]
    manifest, _ = effects.keep([_manifest_of(reference, profiles)])
    with effects_of(job):
        windows, overtaken = _not_overtaken(run, windows)
        reasons += [*overtaken, *_unregistered(run, windows)]
        digests = [figures_digest(window, window.figures, reference=reference.sha256) for window in windows]
        figures = {window.start_on.isoformat(): digest for window, digest in zip(windows, digests, strict=True)}
        run.reference = reference
        run.inputs, run.reasons = inputs, reasons[:200]
        run.input_digest = input_digest(run, reference, inputs)
        run.result_digest = result_digest(figures)
        run.code_version = code_version()
        run.rows_read = sum(profile.rows_read for profile in profiles)
        run.rows_refused = sum(profile.rows_refused for profile in profiles)
        run.partitions_read, run.partitions_reused = len(profiles) - reused, reused
        run.outcome = Run.Outcome.PARTLY if reasons else Run.Outcome.COMPUTED
        run.finished_at = timezone.now()
        run.save()
        record(
            events.RUN_COMPLETED,
            subject=run,
            trails=[run.monitor.model],
            rows=[_attach_manifest(run, manifest)],
            by=None,
            data={
                "run": run.ref,
                "outcome": run.get_outcome_display().lower(),
                "rows_read": run.rows_read,
                "partitions": len(profiles),
                "windows": len(windows),
                "without_rows": [window.start_on.isoformat() for window in windows if not window.rows],
                "figures": figures,
                "profiles": manifest,
                "inputs": inputs,
                "input_digest": run.input_digest,
                "result_digest": run.result_digest,
                "code_version": run.code_version,
            },
        )
        stored = [_store_window(run, *pair) for pair in zip(windows, digests, strict=True)]
        judge_windows(monitor=run.monitor, windows=run.windows.all(), by=None)
        move_standing(model=run.monitor.model)
        if with_rows := [window for window in stored if window.rows]:
            _ask_for_reports(with_rows[-1])
        finish(job=job, message=_words(run))
    return run


def refuse_run(*, run: Run, reason: str, job: Job) -> None:
    """Nothing can be computed: the reason stays on the run, on the trail and in the job."""
    with effects_of(job):
        run.outcome, run.reasons, run.finished_at = Run.Outcome.REFUSED, [reason], timezone.now()
        run.code_version = code_version()
        run.save(update_fields=["outcome", "reasons", "finished_at", "code_version"])
        record(
            events.RUN_REFUSED,
            subject=run,
            trails=[run.monitor.model],
            by=None,
            data={"run": run.ref, "reason": reason},
        )
        refuse(job=job, message=reason)


def _not_overtaken(run: Run, windows: list[MeasuredWindow]) -> tuple[list[MeasuredWindow], list[str]]:
    """The windows that no run up to a later label cut-off has measured, and a sentence about the others.

    The monitor is locked: of two runs that end at once the second sees what the first stored.
    """
    Monitor.objects.select_for_update(of=("self",)).get(pk=run.monitor_id)
    later = Window.objects.newest_revisions().filter(monitor=run.monitor, run__labels_as_of__gt=run.labels_as_of)
    stay = {window.start_on: window.label for window in later.order_by("start_on").defer("shares")}
    labels = [stay[window.start_on] for window in windows if window.start_on in stay]
    if not labels:
        return windows, []
    which = labels[0] if len(labels) == 1 else f"{len(labels)} windows, {labels[0]} to {labels[-1]},"
    said = f"{which} measured before with outcomes known later than {run.labels_as_of:%Y-%m-%d %H:%M} UTC: that stands"
    return [window for window in windows if window.start_on not in stay], [said]


def _unregistered(run: Run, windows: list[MeasuredWindow]) -> Iterator[str]:
    """A sentence for each version that scored rows and that the model's register does not have."""
    if not any(window.versions for window in windows):
        return
    registered = set(run.monitor.model.versions.values_list("label", flat=True))
    for version in sorted({name for window in windows for name in window.versions} - registered):
        rows = [(window.versions[version], window.start_on) for window in windows if version in window.versions]
        what = "by no version that the log names" if version == MISSING else f"by {version!r}, which is not registered"
        yield f"{sum(count for count, _ in rows):,} rows from {rows[0][1]:%b %Y} on were scored {what}"


def input_digest(run: Run, reference: Reference, inputs: dict) -> str:
    named = {
        "partitions": inputs,
        "columns": run.monitor.columns,
        "reference": reference.sha256,
        "labels_as_of": run.labels_as_of.isoformat(),
        "span": run.monitor.span,
        "minimum_rows": run.monitor.minimum_rows,
    }
    return hashlib.sha256(canonical(named)).hexdigest()


def _manifest_of(reference: Reference, profiles: list[StoredProfile]) -> bytes:
    """Which profile was used of which file. The same profiles give the same bytes, whatever the label cut-off."""
    return canonical(
        {
            "format": "assay-partition-profiles-v1",
            "reference": reference.sha256,
            "profiles": [{"partition": p.key, "file": p.file_sha256, "profile": p.sha256} for p in profiles],
        }
    )


def _attach_manifest(run: Run, sha256: str) -> models.Model:
    return attach(
        sha256=sha256,
        media_type="application/json",
        name="profiles of its partitions",
        role="partition profiles",
        subject=run,
        trail=run.monitor.model,
        inputs={"reference": run.reference.sha256},
        code_version=code_version(),
        how_to_repeat=f"Repeat {run.ref}",
    )


def _store_window(run: Run, measured: MeasuredWindow, digest: str) -> Window:
    """The window's row; a window that says what it said before, to the last bit, keeps its revision."""
    known = Window.objects.filter(monitor=run.monitor, start_on=measured.start_on)
    newest = known.filter(is_newest=True).first()
    if newest and newest.figures_sha256 == digest:
        return newest
    if newest:
        known.filter(pk=newest.pk).update(is_newest=False)
    window = Window.objects.create(
        monitor=run.monitor,
        run=run,
        start_on=measured.start_on,
        end_on=measured.end_on,
        revision=newest.revision + 1 if newest else 1,
        rows=measured.rows,
        labelled=measured.labelled,
        state_sha256=measured.state_sha256,
        figures_sha256=digest,
        shares=measured.shares,
        versions=measured.versions,
    )
    if newest:
        record(
            events.WINDOW_RESTATED,
            subject=run,
            trails=[run.monitor.model],
            by=None,
            data={"window": window.label, "revision": window.revision, "labelled": measured.labelled},
        )
    _store_figures(window, measured)
    return window


def _store_figures(window: Window, measured: MeasuredWindow) -> None:
    Measurement.objects.bulk_create(
        Measurement(
            window=window,
            metric=figure.metric,
            column=figure.column or "",
            segment=figure.segment,
            value=figure.value,
            n=figure.n,
            bound=figure.bound,
            low=figure.low,
            high=figure.high,
            reason=figure.reason or "",
        )
        for figure in measured.figures
    )


def _ask_for_reports(window: Window) -> None:
    """SHAP and Evidently reports of the newest window, once for each revision, on the `ml` queue."""
    tasks = [REPORT, EXPLAIN] if window.monitor.explained else [REPORT]
    for task in tasks:
        enqueue(task=task, arguments={"window_id": window.pk}, queue=Job.Queue.ML, key=f"{task}:{window.pk}", by=None)


def _words(run: Run) -> str:
    words = f"{run.rows_read:,} rows in {run.partitions_read + run.partitions_reused} partitions"
    if run.rows_refused:
        words += f"; {run.rows_refused:,} rows left out, see the run's reasons"
    return words
