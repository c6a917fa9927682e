"""Leases and pauses of seconds instead of tens of seconds, so that a drill of a recovery takes few of them."""

from datetime import timedelta

from jobs import services
from jobs.management.commands import scheduler

LEASE_SECONDS = 2.0


def shorten() -> None:
    """For this process: every pause of leases and reconciling at about a twentieth of what is in production."""
    services.LEASE = timedelta(seconds=LEASE_SECONDS)
    services.HEARTBEAT_SECONDS = 0.5
    services.REPUBLISH_AFTER = timedelta(seconds=1.5)
    services.IN_FLIGHT = timedelta(seconds=0.3)
    scheduler.TICK_SECONDS = 0.2
    scheduler.RECONCILE_SECONDS = 0.5
