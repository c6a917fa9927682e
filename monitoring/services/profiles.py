"""Profiles and references by digest: what a reading left is kept, found again, and sampled from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pyarrow as pa

from audit import effects
from audit.reading import attachments_of
from audit.services import Retention, attach, record
from engines.partition import ALL, PartitionProfile
from engines.sample import Sample, merge_samples
from engines.sources import Partition
from jobs.models import Job
from jobs.refusals import JobRefused
from jobs.services import effects_of
from monitoring import events
from monitoring.measures.digests import code_version, engine_digest
from monitoring.models import Monitor, Reference, Run, StoredProfile, Window
from stats.reference import ReferenceProfile

SAMPLE_ROWS = 1000


def store_reference(
    *, monitor: Monitor, profile: ReferenceProfile, sample: Sample, inputs: dict, job: Job
) -> Reference:
    """Keep a fitted reference as the monitor's next one."""
    sha256, _ = effects.keep([profile.to_bytes()])
    sample_sha256, _ = effects.keep([sample.to_bytes()])
    with effects_of(job):
        number = monitor.references.count() + 1
        reference = Reference.objects.create(
            model_id=monitor.model_id,
            monitor=monitor,
            number=number,
            sha256=sha256,
            sample_sha256=sample_sha256,
            rows=profile.rows,
            inputs=inputs,
        )
        filed = [
            attach(
                sha256=digest,
                media_type="application/octet-stream",
                name=f"{role} {number}",
                role=role,
                subject=reference,
                trail=monitor.model,
                inputs=inputs,
                code_version=code_version(),
                how_to_repeat="Run the monitor again with a new reference",
                retention=retention,
            )
            for role, digest, retention in (
                ("reference profile", sha256, Retention.RECORD),
                ("reference sample", sample_sha256, Retention.SAMPLE),
            )
        ]
        record(
            events.REFERENCE_FITTED,
            subject=reference,
            trails=[monitor.model],
            rows=filed,
            by=None,
            data={"monitor": monitor.name, "number": number, "rows": profile.rows, "sha256": sha256, "inputs": inputs},
        )
    return reference


def store_profile(*, run: Run, reference: Reference, profile: PartitionProfile, job: Job) -> StoredProfile:
    """Keep what one reading of one partition left, so that a killed run goes on from here."""
    sha256, _ = effects.keep([profile.to_bytes()])
    days = profile.days
    with effects_of(job):
        stored, _ = StoredProfile.objects.get_or_create(
            reference=reference,
            key=profile.partition,
            file_sha256=profile.partition_sha256,
            engine=engine_digest(),
            labels_as_of=run.labels_as_of,
            sha256=sha256,
            defaults={
                "monitor": run.monitor,
                "labels_change_at": profile.labels_change_at,
                "first_day": days[0] if days else None,
                "last_day": days[-1] if days else None,
                "rows_read": profile.rows_read,
                "rows_refused": sum(profile.refused.values()),
                "reasons": reasons_of(profile),
            },
        )
    return stored


def reasons_of(profile: PartitionProfile) -> list[str]:
    """Why rows were left out and why the partition is only partly computed, as sentences."""
    refused = [f"{profile.partition}: {count:,} rows left out, {why}" for why, count in profile.refused.items()]
    return refused + [f"{profile.partition}: {why}" for why in profile.reasons]


def load_reference(reference: Reference) -> ReferenceProfile:
    """Raises PackedBytesError where it was fitted with another key than its monitor's."""
    data = effects.path_of(reference.sha256).read_bytes()
    return ReferenceProfile.from_bytes(data, seed=reference.monitor.seed)


def _sample_of(reference: Reference) -> Sample:
    """Raises JobRefused where it was erased; runs need the profile alone."""
    path = effects.path_of(reference.sample_sha256)
    if not path.exists():
        raise JobRefused(f"The sample of reference no. {reference.number} was erased, so there is nothing to compare.")
    return Sample.from_bytes(path.read_bytes())


def profiles_of(window: Window) -> Iterator[PartitionProfile]:
    """The profiles that hold the window's days, of the run that measured it, in file order, one at a time."""
    run, used = window.run, _used_by(window.run)
    stored = StoredProfile.objects.filter(
        reference=run.reference,
        sha256__in=used.values(),
        first_day__lte=window.end_on,
        last_day__gte=window.start_on,
    )
    within = set(stored.values_list("key", flat=True))
    return (load_profile(used[key]) for key in run.inputs if key in within and is_kept(used[key]))


def _used_by(run: Run) -> dict[str, str]:
    """Partition key to the profile that the run used of it, by its manifest; nothing where that is gone."""
    manifest = attachments_of(run).filter(role="partition profiles").first()
    if manifest is None or not is_kept(manifest.artefact.sha256):
        return {}
    listed = json.loads(effects.path_of(manifest.artefact.sha256).read_bytes())["profiles"]
    return {one["partition"]: one["profile"] for one in listed}


def load_profile(sha256: str) -> PartitionProfile:
    return PartitionProfile.from_bytes(effects.path_of(sha256).read_bytes())


def is_kept(sha256: str) -> bool:
    """Whether the file is there and is what its name says: one that was erased or altered is read anew."""
    path = effects.path_of(sha256)
    return path.exists() and effects.sha256_of(path) == sha256


def known_profiles(run: Run, reference: Reference, partitions: list[Partition]) -> dict[str, StoredProfile]:
    """Partition key to the newest stored profile of these very bytes by this very engine, where its file is whole."""
    wanted = {(partition.key, partition.sha256) for partition in partitions}
    stored = StoredProfile.objects.filter(
        reference=reference, engine=engine_digest(), labels_as_of__lte=run.labels_as_of
    )
    newest = {row.key: row for row in stored.order_by("labels_as_of", "pk") if (row.key, row.file_sha256) in wanted}
    return {key: row for key, row in newest.items() if is_kept(row.sha256)}


def samples_of(window: Window) -> tuple[pa.Table, pa.Table]:
    """(rows of the window, rows of the reference), each spread over the score as its rows are: the same every time.

    Raises JobRefused where the profiles that hold the window's rows, or the reference's sample, are gone.
    """
    following = window.end_on + timedelta(days=1)
    inside, by_band = [], 0
    for profile in profiles_of(window):
        # Cut to the window first: merged whole, the other windows' rows would crowd its own out.
        inside.append(profile.sample.between(window.start_on, following))
        by_band = by_band + _rows_by_band(profile, window)
    if not inside:
        raise JobRefused(f"The profiles of {window.label} are gone; run the monitor again.")
    reference, sample = load_reference(window.run.reference), _sample_of(window.run.reference)
    current = merge_samples(inside).draw(SAMPLE_ROWS, shares=by_band)
    return current, sample.draw(SAMPLE_ROWS, shares=reference.state.score.by_band)


def _rows_by_band(profile: PartitionProfile, window: Window) -> np.ndarray:
    """(bands,) rows of the window in this partition, by reference score band."""
    states = [
        state
        for (day, segment), state in profile.states.items()
        if segment == ALL and window.start_on <= day <= window.end_on
    ]
    return sum(state.score.by_band for state in states)
