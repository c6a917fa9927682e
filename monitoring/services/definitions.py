"""Define a monitor: refused with the column and the reason before anything is stored."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import date, time

from django.conf import settings
from django.db import transaction

from accounts.models import Account
from accounts.refusals import InvalidInput
from audit.services import record
from engines.log import LogSpec, LogSpecError
from inventory.models import Model, ModelVersion
from inventory.permissions import check_can_monitor
from inventory.policies import check_not_refused
from jobs.models import Schedule
from jobs.schedules import add_schedule
from monitoring import events
from monitoring.models import Monitor, Threshold
from monitoring.services.faults import path_of, problems_of, sentence
from monitoring.services.runs import RUN
from monitoring.services.thresholds import USUAL_LIMITS, Limit, check_limits
from sandbox.explanation import ExplanationTarget


@transaction.atomic
def define_monitor(
    *,
    model: Model,
    version: ModelVersion,
    name: str,
    location: str,
    format: str,
    columns: dict,
    reference_location: str,
    reference_since: date | None = None,
    reference_until: date | None = None,
    span: str = Monitor.Span.MONTH,
    minimum_rows: int = 300,
    cadence: str | None = None,
    limits: tuple[Limit, ...] = USUAL_LIMITS,
    explained: dict | None = None,
    announced_shifts: list[dict] | None = None,
    by: Account,
) -> Monitor:
    """Store a monitor whose log was looked at and fits its definition.

    columns   what the log's columns mean, as LogSpec.to_dict writes it
    cadence   a Schedule.Cadence, or None where runs are asked for by hand
    explained the fields of an ExplanationTarget, or None
    Raises InvalidInput with a sentence for each column or field at fault.
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    check_can_monitor(by, model)
    if version.model_id != model.pk:
        raise InvalidInput({"version": f"{version} is a version of another model."})
    check_not_refused(version)
    problems = problems_of(
        model,
        {
            "name": name,
            "columns": columns,
            "format": format,
            "location": location,
            "reference_location": reference_location,
            "reference_since": reference_since,
            "reference_until": reference_until,
            "limits": [limit.__dict__ for limit in limits],
        },
    )
    if problems := _problems_of_explained(explained) | problems:
        raise InvalidInput(problems)
    spec = _read_columns(columns)
    check_limits(limits, spec)
    monitor = Monitor.objects.create(
        model=model,
        version=version,
        name=name,
        location=location,
        format=format,
        columns=spec.to_dict(),
        reference_location=reference_location,
        reference_since=reference_since,
        reference_until=reference_until,
        span=span,
        minimum_rows=minimum_rows,
        seed=secrets.randbits(63),
        explained=explained,
        announced_shifts=announced_shifts or [],
        defined_by=by.person,
    )
    thresholds = [
        Threshold.objects.create(model=model, monitor=monitor, set_by=by.person, **asdict(limit)) for limit in limits
    ]
    if cadence:
        monitor.schedule = _schedule(monitor, cadence)
        monitor.save(update_fields=["schedule"])
    record(
        events.MONITOR_DEFINED,
        subject=monitor,
        trails=[model],
        rows=thresholds,
        by=by,
        data={
            "name": name,
            "version": version.label,
            "features": len(spec.features),
            "span": monitor.get_span_display().lower(),
            "thresholds": len(limits),
            "cadence": cadence or "by hand",
        },
    )
    return monitor


def spec_of(monitor: Monitor) -> LogSpec:
    return LogSpec.from_dict(monitor.columns)


def _read_columns(columns: dict) -> LogSpec:
    try:
        return LogSpec.from_dict({"time_zone": settings.BANK_TIME_ZONE} | columns)
    except LogSpecError as wrong:
        problems = {path_of("columns", fault.place): sentence(fault.reason) for fault in wrong.faults}
        raise InvalidInput(problems) from wrong


def _problems_of_explained(explained: dict | None) -> dict[str, str]:
    try:
        ExplanationTarget(**(explained or {"flavour": "pyfunc", "method": "predict"}))
    except (TypeError, ValueError) as wrong:
        return {"explained": sentence(str(wrong))}
    return {}


def _schedule(monitor: Monitor, cadence: str) -> Schedule:
    """In the bank's night: the log of the day before is complete by then."""
    return add_schedule(
        name=f"Monitor {monitor.pk}",
        task=RUN,
        arguments={"monitor_id": monitor.pk},
        cadence=cadence,
        at_local_time=time(4, 0),
        time_zone=settings.BANK_TIME_ZONE,
    )
