"""`manage.py scheduler`: makes the jobs of schedules that are due, and sends again what the broker lost."""

import time

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from jobs.schedules import tick
from jobs.services import reconcile

TICK_SECONDS = 1.0
RECONCILE_SECONDS = 15.0


class Command(BaseCommand):
    help = "Claims due schedules every second and reconciles the jobs table every 15 s; until it is stopped."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--once", action="store_true", help="one tick and one reconciliation, then stop")

    def handle(self, *args, **options) -> None:
        reconciled_at = float("-inf")
        while True:
            try:
                for job in tick():
                    self.stdout.write(f"due: {job}")
                if time.monotonic() - reconciled_at >= RECONCILE_SECONDS:
                    reconciled_at = time.monotonic()
                    if sent := reconcile():
                        self.stdout.write(f"sent again: {sent} jobs")
            except (OperationalError, InterfaceError) as problem:
                self.stderr.write(f"the database is away, trying again: {problem}")
                connection.close()
                time.sleep(2)
            if options["once"]:
                return
            time.sleep(TICK_SECONDS)
