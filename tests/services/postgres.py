"""A throw-away PostgreSQL: fast, and wrong after a power cut, which a test does not live to see."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from demo import database
from tests.services.missing import ServiceMissing

FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "autovacuum": "off",
    "TimeZone": "UTC",
}


IN_MEMORY = Path("/dev/shm")
ROOM_WANTED = 4 * 1024**3  # bytes; a container often has 64 MB there


@dataclass
class ThrowawayPostgres:
    """`url` is a superuser's on the database `postgres`; the folder disappears with stop()."""

    url: str
    folder: Path
    _server: database.Database

    def halt(self) -> None:
        """Stop the server and keep what it has, until `start_again`."""
        self._server.stop()

    def start_again(self) -> None:
        self._server.start_again()
        until = time.monotonic() + 60
        while not self._server.answers():
            if time.monotonic() > until:
                raise RuntimeError("PostgreSQL did not come back within a minute.")
            time.sleep(0.1)

    def stop(self) -> None:
        self._server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_postgres(settings: dict[str, str] | None = None) -> ThrowawayPostgres:
    """Start a server of our own on a free port; `settings` override FAST.

    Raises ServiceMissing where there are no PostgreSQL programs.
    """
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-", dir=_quickest_place()))
    try:
        server = database.start_postgres(folder, FAST | (settings or {}))
    except database.DatabaseUnavailable as refusal:
        shutil.rmtree(folder, ignore_errors=True)
        raise ServiceMissing(str(refusal)) from refusal
    return ThrowawayPostgres(url=server.bootstrap_url, folder=folder, _server=server)


def _quickest_place() -> Path | None:
    """Memory, where there is room: a database is copied for each test, in a fifth of the time that a disk takes."""
    has_room = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM_WANTED
    return IN_MEMORY if has_room else None
