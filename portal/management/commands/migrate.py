"""`manage.py migrate` runs as the migrator, who owns the tables; the portal itself runs as app."""

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    def handle(self, *args, **options) -> None:
        if options["database"] == "default":
            if "migrator" not in connections:
                raise CommandError(
                    "MIGRATOR_DATABASE_URL is not set. Tables belong to the migrator, not to the portal's own"
                    " role; docs/own-servers.md says what it holds."
                )
            options["database"] = "migrator"
        super().handle(*args, **options)
