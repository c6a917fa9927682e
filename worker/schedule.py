"""What every bank has done for it at set times: a worker that starts adds the schedules that are missing."""

import contextlib
import logging
from datetime import time

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection

from accounts.services import FORGET_ANSWERS
from jobs.models import Schedule
from jobs.schedules import add_schedule
from proposals.services import EXPIRE_OVERDUE

logger = logging.getLogger(__name__)

EXPIRY = "Expire overdue proposals"
FORGETTING = "Forget answers of old requests"
AT = {EXPIRY: time(0, 10), FORGETTING: time(3, 40)}  # every day, at the bank's own time


def add_standing_schedules(**_sent) -> None:
    """worker_init receiver. Where the database is away, the next worker that starts adds them."""
    try:
        for name in AT:
            if not Schedule.objects.filter(name=name).exists():
                _add(name)
    except DatabaseError as problem:
        logger.error("standing schedules are not looked after: %s", problem)
    finally:
        connection.close()  # the pool's children open their own


def _add(name: str) -> None:
    with contextlib.suppress(IntegrityError):  # another worker, starting at the same moment, was first
        add_schedule(
            name=name,
            task={EXPIRY: EXPIRE_OVERDUE, FORGETTING: FORGET_ANSWERS}[name],
            arguments={},
            cadence=Schedule.Cadence.DAILY,
            at_local_time=AT[name],
            time_zone=settings.BANK_TIME_ZONE,
        )
