"""Ask for the exact figures of one column of one window: its rows are read again, by a worker."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.refusals import InvalidInput, NotNow
from audit.services import record
from inventory.permissions import check_can_monitor
from jobs.models import Job
from jobs.services import effects_of, enqueue, finish, refuse, retry
from monitoring import events
from monitoring.measures.digests import code_version
from monitoring.models import ExactCheck, Window

EXACT = "monitoring.exact"
OF_SCORE = "the score"


@transaction.atomic
def ask_for_exact(*, window: Window, column: str = "", by: Account) -> ExactCheck:
    """Enqueue the reading of a numeric feature's, or the score's, rows; one that failed is asked again.

    Raises InvalidInput for a column that has no figure with a bound, NotNow where nothing can be read, or is to be.
    """
    model = window.monitor.model
    check_can_monitor(by, model)
    check_has_bounds(window, column)
    if not window.rows:
        raise NotNow(f"{window.label} has no rows to read again.")
    check = ExactCheck.objects.select_for_update().filter(window=window, column=column).select_related("job").first()
    if check and not check.job.is_retryable:
        raise NotNow(f"The exact figures of {column or OF_SCORE} are {check.job.get_state_display().lower()} already.")
    if check:
        retry(job=check.job, by=by)
    else:
        job = enqueue(task=EXACT, arguments={"window_id": window.pk, "column": column}, by=by)
        check = ExactCheck.objects.create(model=model, window=window, column=column, job=job)
    record(
        events.EXACT_ASKED,
        subject=check,
        trails=[model],
        by=by,
        data={"what": column or OF_SCORE, "window": window.label, "revision": window.revision},
    )
    return check


def check_has_bounds(window: Window, column: str) -> None:
    kinds = {feature["name"]: feature["kind"] for feature in window.monitor.columns["features"]}
    if column and column not in kinds:
        raise InvalidInput({"column": f"There is no feature {column!r}."})
    if kinds.get(column) == "category":
        raise InvalidInput({"column": f"{column} is a category: its figures are counts, and exact already."})


def complete_exact(*, check: ExactCheck, figures: list[dict], inputs: dict, job: Job) -> None:
    """Store the exact figures beside those of the profile, and say on the trail whether the bounds hold."""
    with effects_of(job):
        check.figures, check.code_version, check.made_at = figures, code_version(), timezone.now()
        check.save(update_fields=["figures", "code_version", "made_at"])
        verdict = "every value within its bound" if check.holds else "NOT every value within its bound"
        record(
            events.EXACT_COMPUTED,
            subject=check,
            trails=[check.model],
            by=None,
            data={
                "what": check.column or OF_SCORE,
                "window": check.window.label,
                "revision": check.window.revision,
                "verdict": verdict,
                "figures": figures,
                "inputs": inputs,
                "code_version": check.code_version,
            },
        )
        finish(job=job, message=f"{len(figures)} figures: {verdict}")


def refuse_exact(*, check: ExactCheck, reason: str, job: Job) -> None:
    with effects_of(job):
        data = {"what": check.column or OF_SCORE, "window": check.window.label, "reason": reason}
        record(events.EXACT_REFUSED, subject=check, trails=[check.model], by=None, data=data)
        refuse(job=job, message=reason)
