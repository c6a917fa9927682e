"""A portal on a throw-away PostgreSQL, in this process: for benchmarks that ask it for pages."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests import environment  # noqa: F401  (sets the variables that Django's settings read)
from tests.services import start_postgres

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def portal_on_new_database(settings: dict[str, str] | None = None) -> Iterator[str]:
    """Start a server, migrate it, and set Django up on it; yields the superuser's URL.

    settings  of the server, over those of the tests (fast, and wrong after a power cut)
    """
    server = start_postgres(settings)
    try:
        address = urlsplit(server.url)
        place = f"{address.hostname}:{address.port}/{address.path.lstrip('/')}"
        os.environ["DATABASE_URL"] = f"postgres://app:app@{place}"
        os.environ["MIGRATOR_DATABASE_URL"] = f"postgres://migrator:migrator@{place}"
        for command in ("bootstrap_database", "migrate"):
            subprocess.run(  # noqa: S603  (our own program)
                [sys.executable, "manage.py", command, "-v", "0"],
                cwd=ROOT,
                check=True,
                env=os.environ | {"BOOTSTRAP_DATABASE_URL": server.url},
            )
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        os.environ["ASSAY_LOG_LEVEL"] = "WARNING"
        import django

        django.setup()
        yield server.url
    finally:
        server.stop()
