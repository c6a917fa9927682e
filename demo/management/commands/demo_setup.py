"""`manage.py demo_setup FILE`: everything that must be over before a page can be served, in one process.

Each step may be repeated at no harm. FILE holds the people's passwords.
"""

import time

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Roles, migrations, static files and people of the demonstration, step by step."
    requires_system_checks = ()

    def add_arguments(self, parser) -> None:
        parser.add_argument("passwords")

    def handle(self, *args, **options) -> None:
        if settings.BOOTSTRAP_DATABASE_URL:
            self._step("roles and audit schema", "bootstrap_database")
        self._step("migrations", "migrate", interactive=False, verbosity=0)
        self._step("regimes", "load_frameworks")
        self._step("static files", "collectstatic", interactive=False, verbosity=0)
        self._step("people", "demo_people", options["passwords"])

    def _step(self, title: str, command: str, *arguments, **options) -> None:
        started = time.monotonic()
        call_command(command, *arguments, stdout=self.stderr, **options)
        self.stdout.write(f"{title}: done in {time.monotonic() - started:.1f} s")
        self.stdout.flush()
