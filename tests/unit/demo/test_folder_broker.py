"""Processes that write and read the demo's broker at once: nothing is lost, doubled or read by half."""

import base64
import json
import subprocess
import sys
import threading
from queue import Empty

import pytest
from kombu import Connection

from demo.folder_broker import Channel

MESSAGES = 400
LARGE = "x" * 200_000  # several writes long, so that a reader could come in between
WRITER = """
import sys
from kombu import Connection
from tests.unit.demo.test_folder_broker import LARGE, connected
folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with connected(folder) as connection, connection.SimpleQueue("work") as queue:
    for number in range(first, first + count):
        queue.put({"number": number, "padding": LARGE})
"""


def connected(folder) -> Connection:
    folders = dict.fromkeys(("data_folder_in", "data_folder_out"), f"{folder}/messages")
    return Connection(
        "filesystem://",
        transport="demo.folder_broker:Transport",
        transport_options=folders | {"control_folder": f"{folder}/control"},
    )


@pytest.fixture
def broker(tmp_path):
    (tmp_path / "messages").mkdir()
    return tmp_path


def test_a_message_is_read_whole_while_others_write(broker):
    half = MESSAGES // 2
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(broker), str(first), str(half)]) for first in (0, half)
    ]

    read = _read_all(broker)

    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(read) == list(range(MESSAGES))


def test_messages_come_in_the_order_in_which_they_were_sent(broker):
    with connected(broker) as connection, connection.SimpleQueue("work") as queue:
        for number in range(20):
            queue.put({"number": number})

        assert [queue.get(timeout=5).payload["number"] for _ in range(20)] == list(range(20))


def _read_all(broker) -> list[int]:
    with connected(broker) as connection:
        channel: Channel = connection.channel()
        read, waiting = [], threading.Event()
        for _ in range(60_000):
            try:
                read.append(_number_of(channel._get("work")))
            except Empty:
                waiting.wait(0.001)
            if len(read) == MESSAGES:
                break
    return read


def _number_of(message: dict) -> int:
    return json.loads(base64.b64decode(message["body"]))["number"]
