"""Tasks of monitoring: the reading and the explaining happen here, the storing in the services."""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from accounts.refusals import NotNow
from engines.local import fit_reference_and_sample, profile_partitions, refresh_labels
from engines.partition import MergeRefused
from engines.partition import PartitionProfile as Profile
from engines.refusals import LogRefused
from engines.sample import merge_samples
from engines.sources import Partition, take_digests
from inventory.effects import ArtefactUnavailable, MlflowAway, MlflowServer
from inventory.models import ModelVersion
from inventory.policies import check_not_refused
from jobs.models import Job
from jobs.refusals import JobRefused
from jobs.services import report_progress
from monitoring.measures.windows import measure_windows
from monitoring.models import Monitor, Reference, Run, StoredProfile, Window
from monitoring.services import explanations, runs
from monitoring.services.definitions import spec_of
from monitoring.sources import LocationRefused, find_log
from sandbox.evidently_report import ReportRefused, evidently_report
from sandbox.explain import ExplanationRefused, explain
from sandbox.explanation import ExplanationTarget, global_importance
from sandbox.handed_out import Refusal
from sandbox.outcomes import SandboxUnavailable
from worker.running import job_task

SAMPLE_ROWS = 1000
BUDGET_SECONDS = 240
REPORT_EVERY = 0.5  # seconds between progress rows in the database


@job_task(runs.RUN)
def run_monitor(job: Job) -> None:
    """Read what is new of the log, measure every window, store it all at once."""
    run = runs.run_of(job)
    try:
        check_not_refused(run.monitor.version)
        partitions = _partitions(run.monitor, run.monitor.location)
        progress = Progress(job, partitions)
        reference, profile = _reference(run.monitor, job, progress)
        profiles, reused = _profiles(run, reference, profile, partitions, progress)
        progress.say("Measuring windows")
        windows = measure_windows(
            profiles,
            lambda kept: explanations.load_profile(kept.sha256),
            profile,
            span=run.monitor.span,
            minimum_rows=run.monitor.minimum_rows,
        )
    except (LogRefused, LocationRefused, MergeRefused, NotNow) as refusal:
        runs.refuse_run(run=run, reason=str(refusal), job=job)
        return
    inputs = {partition.key: partition.sha256 for partition in partitions}
    runs.complete_run(
        run=run, reference=reference, profiles=profiles, windows=windows, inputs=inputs, reused=reused, job=job
    )


class Progress:
    """Bytes done of all bytes, shown at most twice a second; raises JobCancelled when somebody asked for it."""

    def __init__(self, job: Job, partitions: list[Partition]):
        self.job, self.count = job, len(partitions)
        self.total = sum(partition.bytes for partition in partitions)
        self.done, self.place, self.step, self._shown_at = 0, 0, "", 0.0

    def start(self, place: int, partition: Partition, what: str) -> None:
        self.place, self.step = place, f"Partition {place} of {self.count}: {what} {partition.key}"
        self._show(self.done)

    def rows(self, partition: Partition, read: int, rows: int | None) -> None:
        if time.monotonic() - self._shown_at > REPORT_EVERY:
            share = read / rows if rows else 0.0
            self._show(self.done + int(partition.bytes * min(share, 1.0)), f"{self.step}, {read:,} rows")

    def end(self, partition: Partition) -> None:
        self.done += partition.bytes

    def say(self, step: str) -> None:
        self.step = step
        self._show(self.done)

    def _show(self, done: int, step: str | None = None) -> None:
        self._shown_at = time.monotonic()
        report_progress(job=self.job, done=min(done, self.total), total=self.total, step=(step or self.step)[:200])


def _partitions(monitor: Monitor, location: str) -> list[Partition]:
    return take_digests(find_log(location, monitor.format, monitor.model.unit))


def _reference(monitor: Monitor, job: Job, progress: Progress):
    """The monitor's reference, fitted on its first run and kept."""
    reference = monitor.references.order_by("-number").first()
    if reference:
        return reference, explanations.load_reference(reference)[0]
    progress.say("Fitting the reference")
    partitions = _partitions(monitor, monitor.reference_location)
    profile, sample = fit_reference_and_sample(
        partitions,
        spec_of(monitor),
        since=monitor.reference_since,
        until=monitor.reference_until,
        seed=monitor.seed,
        labels_as_of=runs.run_of(job).labels_as_of,
    )
    inputs = {partition.key: partition.sha256 for partition in partitions}
    return runs.store_reference(monitor=monitor, profile=profile, sample=sample, inputs=inputs, job=job), profile


def _profiles(
    run: Run, reference: Reference, profile, partitions, progress: Progress
) -> tuple[list[StoredProfile], int]:
    """A kept profile of every partition, and how many needed no reading. A repeat reads everything again."""
    known = {} if run.repeats else _known(run, reference, partitions)
    unread = [partition for partition in partitions if partition.key not in known]
    found, reused = [], 0
    with closing(_read(run, profile, unread, progress)) as reading:
        for place, partition in enumerate(partitions, start=1):
            row = known.get(partition.key)
            if row and row.holds_at(run.labels_as_of):
                progress.start(place, partition, "known")
                found.append(row)
                reused += 1
            else:
                progress.start(place, partition, "newer labels of" if row else "reading")
                read = _with_newer_labels(run, profile, row, partition) if row else next(reading)
                found.append(runs.store_profile(run=run, reference=reference, profile=read, job=progress.job))
            progress.end(partition)
    return found, reused


def _known(run: Run, reference: Reference, partitions: list[Partition]) -> dict[str, StoredProfile]:
    """Partition key to the newest stored profile of these very bytes, where its file still is what it was."""
    wanted = {(partition.key, partition.sha256) for partition in partitions}
    stored = StoredProfile.objects.filter(reference=reference, labels_as_of__lte=run.labels_as_of)
    newest = {row.key: row for row in stored.order_by("labels_as_of", "pk") if (row.key, row.file_sha256) in wanted}
    return {key: row for key, row in newest.items() if explanations.is_kept(row.sha256)}


def _read(run: Run, reference, unread: list[Partition], progress: Progress) -> Iterator[Profile]:
    """Profiles of partitions that no run has read, in their order."""
    return profile_partitions(
        unread, spec_of(run.monitor), reference, labels_as_of=run.labels_as_of, progress=progress.rows
    )


def _with_newer_labels(run: Run, reference, known: StoredProfile, partition: Partition) -> Profile:
    before = explanations.load_profile(known.sha256)
    return refresh_labels(partition, spec_of(run.monitor), reference, before, labels_as_of=run.labels_as_of)


# ---- explaining ---------------------------------------------------------------------------------------
@job_task(runs.EXPLAIN)
def explain_window(job: Job) -> None:
    """SHAP values of a sample of the window, in the sandbox, from the registered artefact."""
    window = _window(job)
    if hasattr(window, "explanation"):
        raise JobRefused(f"{window.label}, revision {window.revision}, is explained already.")
    try:
        with tempfile.TemporaryDirectory(prefix="assay-artefact-") as folder:
            report_progress(job=job, done=0, total=3, step="Fetching the model")
            MlflowServer.configured().fetch(window.monitor.version.mlflow_uri, Path(folder))
            _explain(window, Path(folder), job)
    except MlflowAway:
        raise
    except (ArtefactUnavailable, ExplanationRefused, SandboxUnavailable) as refusal:
        explanations.refuse_explanation(window=window, reason=str(refusal), job=job)


def _explain(window: Window, folder: Path, job: Job) -> None:
    monitor = window.monitor
    check_verified(monitor.version)
    spec = spec_of(monitor)
    current, background = (as_the_model_takes(table, monitor.version.signature) for table in _samples(window))
    features = [feature.name for feature in spec.features]
    target = ExplanationTarget(**monitor.explained)
    shared = {
        "background": background.select(features),
        "target": target,
        "seed": monitor.seed,
        "budget_seconds": BUDGET_SECONDS,
        "expected_digest": monitor.version.digest,
    }
    reference_importance = explanations.known_reference_importance(window)
    if reference_importance is None:
        report_progress(job=job, done=1, total=3, step="Explaining the reference")
        reference_importance = global_importance(_explained(folder, background, spec, features, shared))
    report_progress(job=job, done=2, total=3, step=f"Explaining {window.label}")
    explained = _explained(folder, current, spec, features, shared)
    explanations.store_explanation(
        window=window,
        explained=explained,
        reference_importance=reference_importance,
        feature_values=_as_numbers(current.select(list(explained.features)))[explained.rows],
        sample_digest=_digest_of(current),
        job=job,
    )


def check_verified(version: ModelVersion) -> None:
    """Raises ArtefactUnavailable unless the portal itself found the artefact to be the one that was registered."""
    if version.digest_state != ModelVersion.DigestState.VERIFIED:
        what_next = version.digest_note or "Wait until its digest is computed, then ask for this report again."
        state = version.get_digest_state_display().lower()
        raise ArtefactUnavailable(
            f"The artefact of {version} is not verified ({state}), so the model is not loaded. {what_next}"
        )


def _explained(folder: Path, table: pa.Table, spec, features: list[str], shared: dict):
    return explain(
        folder,
        sample=table.select(features),
        logged_scores=table.column(spec.score).to_numpy().astype(float),
        row_ids=table.column(spec.row_id).to_pylist(),
        **shared,
    )


ARROW_TYPES = {
    "long": pa.int64(),
    "integer": pa.int32(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "string": pa.string(),
}


def as_the_model_takes(table: pa.Table, signature: dict | None) -> pa.Table:
    """The sample with its columns in the types of the model's signature.

    A sample keeps categories as text, whatever they were in the log: a model that was trained on codes would
    take the text "2" for an unknown level, and score the row wrongly.
    Raises ExplanationRefused where a value cannot be read as the type.
    """
    for place, field in enumerate(table.schema):
        wanted = next((c["type"] for c in (signature or {}).get("inputs", ()) if c["name"] == field.name), None)
        kind = ARROW_TYPES.get(wanted)
        if kind is None or kind == field.type:
            continue
        try:
            column = pc.cast(table.column(place), kind)
        except pa.ArrowInvalid as problem:
            raise ExplanationRefused(
                Refusal.MISSING_COLUMNS,
                f"The model takes {field.name} as {wanted}, and the log holds other values: {problem}. "
                "Register a version whose signature fits the log, or correct the log.",
            ) from problem
        table = table.set_column(place, pa.field(field.name, kind), column)
    return table


@job_task(runs.REPORT)
def report_window(job: Job) -> None:
    """An Evidently report of the window against the reference, on the same sample that SHAP uses."""
    window = _window(job)
    spec = spec_of(window.monitor)
    current, reference = _samples(window)
    report_progress(job=job, done=0, total=1, step="Evidently compares window and reference")
    try:
        report = evidently_report(
            current,
            reference,
            numeric=spec.numbers,
            categorical=spec.categories,
            score=spec.score,
        )
    except (ReportRefused, SandboxUnavailable) as refusal:
        explanations.refuse_report(window=window, reason=str(refusal), job=job)
        return
    explanations.store_report(window=window, report=report, sample_digest=_digest_of(current), job=job)


def _window(job: Job) -> Window:
    return Window.objects.select_related("monitor__model__unit", "monitor__version", "run__reference").get(
        pk=job.arguments["window_id"]
    )


def _samples(window: Window) -> tuple[pa.Table, pa.Table]:
    """(rows of the window, rows of the reference), drawn by key: the same every time."""
    following = window.end_on.fromordinal(window.end_on.toordinal() + 1)
    # Cut to the window first: merged whole, the other windows' rows would crowd its own out.
    inside = [profile.sample.between(window.start_on, following) for profile in explanations.profiles_of(window)]
    if not inside:
        raise JobRefused(f"The profiles of {window.label} are gone; run the monitor again.")
    current = merge_samples(inside)
    reference = explanations.load_reference(window.run.reference)[1]
    return current.draw(SAMPLE_ROWS), reference.draw(SAMPLE_ROWS)


def _digest_of(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _as_numbers(table: pa.Table) -> np.ndarray:
    """(n, p) float64 for colouring a beeswarm; text columns by the rank of their value."""
    columns = []
    for column in table.columns:
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            columns.append(column.to_numpy().astype(float))
        else:
            values = np.array([str(value) for value in column.to_pylist()])
            columns.append(np.unique(values, return_inverse=True)[1].astype(float))
    return np.column_stack(columns)
