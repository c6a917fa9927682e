"""The demo's broker: kombu's folder of messages, where a message appears whole or not at all.

kombu writes a message, and the table of an exchange, in place: a worker that polls meanwhile reads half of it and
ends with a JSONDecodeError (seen in a demo of an hour). Written aside and renamed, nobody can.
"""

import fcntl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: dict, **kwargs) -> None:
        # The order of names is the order of delivery, among all the processes that write here.
        name = f"{time.monotonic_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        aside = folder / f".{name}.part"
        aside.write_text(dumps(payload), encoding="utf-8")
        aside.replace(folder / name)

    def get_table(self, exchange: str) -> list:
        with self._table_lock(fcntl.LOCK_SH):
            return super().get_table(exchange)

    def _queue_bind(self, *args) -> None:
        with self._table_lock(fcntl.LOCK_EX):
            super()._queue_bind(*args)

    @contextmanager
    def _table_lock(self, kind: int) -> Iterator[None]:
        """kombu locks the table itself after it has emptied it; a lock beside it is there from the start."""
        self.control_folder.mkdir(exist_ok=True)
        with (self.control_folder / ".lock").open("w") as lock:
            fcntl.flock(lock, kind)
            yield


class Transport(filesystem.Transport):
    Channel = Channel
