"""What every bank has done for it at set times: a worker that starts adds the schedules that are missing."""

import contextlib
import logging
from datetime import time

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection

from accounts.services import FORGET_ANSWERS
from inventory.services import END_OVERRIDES, REMOVE_EXPIRED
from jobs.models import Schedule
from jobs.schedules import add_schedule
from proposals.services import EXPIRE_OVERDUE

logger = logging.getLogger(__name__)

EXPIRY = "Expire overdue proposals"
FORGETTING = "Forget answers of old requests"
# name, task, and at which time of the bank's day
STANDING = (
    (EXPIRY, EXPIRE_OVERDUE, time(0, 10)),
    ("End overdue overrides of tiers", END_OVERRIDES, time(0, 20)),
    (FORGETTING, FORGET_ANSWERS, time(3, 40)),
    ("Remove files of models that were handed out", REMOVE_EXPIRED, time(1, 20)),
)


def add_standing_schedules(**_sent) -> None:
    """worker_init receiver. Where the database is away, the next worker that starts adds them."""
    try:
        known = set(Schedule.objects.values_list("name", flat=True))
        for name, task, at in STANDING:
            if name not in known:
                with contextlib.suppress(IntegrityError):  # another worker, starting at the same moment, was first
                    add_schedule(
                        name=name,
                        task=task,
                        arguments={},
                        cadence=Schedule.Cadence.DAILY,
                        at_local_time=at,
                        time_zone=settings.BANK_TIME_ZONE,
                    )
    except DatabaseError as problem:
        logger.error("standing schedules are not looked after: %s", problem)
    finally:
        connection.close()  # the pool's children open their own
