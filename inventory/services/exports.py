"""Hand out the list of models as a file: exactly what was filtered, to who asked, for a short while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from accounts.refusals import InvalidInput
from audit import effects
from audit.reading import artefact_filed_as
from audit.services import record
from inventory import events, permissions
from inventory.models import Export, Model
from inventory.services.columns import ALWAYS, COLUMNS, Column, columns_named
from jobs.models import Job
from jobs.services import effects_of, enqueue, finish, report_progress
from web.sheets import Value, file_chunks

WRITE_EXPORT = "inventory.write_export"
REMOVE_EXPIRED = "inventory.remove_expired_exports"
KEPT_FOR = timedelta(hours=24)
MOST_AT_ONCE = 2_000  # models of a file that is written while its reader waits
STEP = 1_000
EVERY = "all"
IDENTIFYING = (*ALWAYS, "external_id")  # so that what was exported can be changed and imported


@transaction.atomic
def ask_for_export(*, query: str, form: str, by: Account) -> Export:
    """Note what is wanted; `write_export` writes it, at once or as the job of `write_later`."""
    if form not in Export.Form.values:
        raise InvalidInput({"form": f"One of {', '.join(Export.Form.values)} is wanted, got {form!r}."})
    return Export.objects.create(asked_by=by, query=query, form=form, expires_at=timezone.now() + KEPT_FOR)


@transaction.atomic
def write_later(*, export: Export, by: Account) -> Export:
    """Have a worker write the file; the export's page shows how far it is."""
    export.job = enqueue(task=WRITE_EXPORT, arguments={"export_id": export.pk}, key=f"export:{export.pk}", by=by)
    export.save(update_fields=["job"])
    return export


def write_export(*, export: Export, models: QuerySet, columns: str, by: Account) -> Export:
    """Write the file of `models` and announce that it was taken.

    columns  keys parted by commas; empty: the usual ones; `all`: every one
    """
    digest, size, keys = _written(export, models.iterator(chunk_size=STEP), columns)
    return _keep_export(export=export, digest=digest, size=size, keys=keys, by=by)


def write_export_of_job(*, export: Export, models: QuerySet, columns: str, job: Job) -> Export:
    """`write_export` under a job's fence, with its progress."""
    total = models.count()
    rows = _reporting(models.iterator(chunk_size=STEP), job, total)
    digest, size, keys = _written(export, rows, columns)
    with effects_of(job):
        _keep_export(export=export, digest=digest, size=size, keys=keys, by=export.asked_by)
        finish(job=job, message=f"{len(keys):,} models, SHA-256 {digest}")
    return export


@transaction.atomic
def _keep_export(*, export: Export, digest: str, size: int, keys: list[int], by: Account) -> Export:
    export.sha256, export.size, export.model_keys = digest, size, keys
    export.expires_at = timezone.now() + KEPT_FOR
    export.save(update_fields=["sha256", "size", "model_keys", "expires_at"])
    record(
        events.MODELS_EXPORTED,
        subject=export,
        by=by,
        data={"rows": len(keys), "form": export.form, "query": export.query or "nothing", "sha256": digest},
    )
    return export


def _written(export: Export, models: Iterable[Model], columns: str) -> tuple[str, int, list[int]]:
    """Digest and size of the file, and the keys of what it holds."""
    chosen, keys = columns_of(columns), []
    rows = _rows(models, chosen, keys)
    digest, size = effects.keep(file_chunks(export.form, [column.key for column in chosen], rows))
    return digest, size, keys


def columns_of(columns: str) -> list[Column]:
    """The columns of a file, in the order of all of them."""
    wanted = set(COLUMNS) if columns == EVERY else {c.key for c in columns_named(columns.split(","))} | {*IDENTIFYING}
    return [column for key, column in COLUMNS.items() if key in wanted]


def _rows(models: Iterable[Model], columns: list[Column], keys: list[int]) -> Iterator[list[Value]]:
    for model in models:
        keys.append(model.pk)
        yield [column.of(model) for column in columns]


def _reporting(models: Iterable[Model], job: Job, total: int) -> Iterator[Model]:
    for number, model in enumerate(models):
        if number % STEP == 0:
            report_progress(job=job, done=number, total=total, step=f"{number:,} of {total:,} models written")
        yield model


def check_handed_out(*, export: Export, by: Account) -> None:
    """A file goes to who asked, while that account still sees every model in it. Raises NotPermitted."""
    permissions.check_export(by, export)


def remove_expired(*, job: Job) -> None:
    """Remove the files whose time is over; what else is filed under the same digest stays."""
    with effects_of(job):
        expired = list(Export.objects.expired().filter(is_removed=False).select_for_update())
        Export.objects.filter(pk__in=[export.pk for export in expired]).update(is_removed=True)
        gone = {export.sha256 for export in expired if export.sha256}
        kept = set(Export.objects.filter(sha256__in=gone, is_removed=False).values_list("sha256", flat=True))
        unused = [sha256 for sha256 in gone - kept if artefact_filed_as(sha256) is None]
        transaction.on_commit(lambda: [effects.remove(sha256) for sha256 in unused])
        finish(job=job, message=f"{len(unused)} file(s) removed")
