"""Thirty-two writers at once, some of whom roll back and some of whom are killed: no gap, no fork, nothing lost.

The counts are small and fixed; each writer is a process with a connection of its own.
"""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from audit import verifier

WRITERS = 32
TRANSACTIONS = 12  # each; every fourth is rolled back
KILLED = 6

# One launcher forks the writers, so that psycopg is imported once. A writer commits rows that carry its number, and
# keeps a file of its own of what it was told had been committed: sixteen bytes a line, written at once.
LAUNCHER = """
import os, signal, sys, time, psycopg
url, folder, writers, transactions, killed = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])

def write(writer, count):
    connection = psycopg.connect(url)
    said = os.open(f"{folder}/{writer}", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(ready, b".")
    os.read(shot, 1)
    for number in range(count):
        code = f"w{writer}-{number}"
        try:
            cursor = connection.cursor()
            cursor.execute("insert into accounts_unit (code, name, path) values (%s, 'new', %s)", [code, f"/{code}/"])
            cursor.execute("savepoint s")
            cursor.execute("update accounts_unit set name = 'lost' where code = %s", [code])
            cursor.execute("rollback to s")
            cursor.execute("update accounts_unit set name = 'kept' where code = %s", [code])
            if number % 4 == 3:
                connection.rollback()
                continue
            connection.commit()
            os.write(said, f"committed {code}\\n".encode())
        except psycopg.Error as problem:
            connection.rollback()
            os.write(said, f"failed {type(problem).__name__}\\n".encode())

is_ready, ready = os.pipe()
shot, fire = os.pipe()
children = []
for writer in range(writers):
    if not (child := os.fork()):
        os.close(fire)
        write(writer, transactions if writer >= killed else 100_000)
        os._exit(0)
    children.append(child)
while writers:
    writers -= len(os.read(is_ready, writers))
os.close(fire)
for writer in range(killed):  # once it is at work, at whatever it is doing then
    while not os.path.getsize(f"{folder}/{writer}"):
        time.sleep(0.005)
    os.kill(children[writer], signal.SIGKILL)
print(*[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


@pytest.fixture
def url(db, database_template):
    server = psycopg.conninfo.conninfo_to_dict(database_template)
    return psycopg.conninfo.make_conninfo(
        host=server["host"], port=server["port"], dbname=db, user="app", password="app"
    )


def run_writers(url: str, folder: Path, *, writers: int, transactions: int, killed: int = 0) -> list[str]:
    """Run them from one starting shot, kill the first `killed` half-way; return every line that they kept."""
    arguments = [url, str(folder), str(writers), str(transactions), str(killed)]
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.split() == ["-9"] * killed + ["0"] * (writers - killed), done.stderr
    return [line for path in folder.iterdir() for line in path.read_text().splitlines()]


def sealed(superuser) -> list[tuple[int, bytes]]:
    wait_for_the_killed(superuser)
    return superuser.execute("select position, body from audit.sealed_record order by position").fetchall()


def wait_for_the_killed(superuser) -> None:
    """A killed writer's server process finishes what it had begun: it commits or rolls back by itself."""
    until = time.monotonic() + 30
    query = "select count(*) from pg_stat_activity where usename = 'app' and datname = current_database()"
    while superuser.execute(query).fetchone()[0] and time.monotonic() < until:
        time.sleep(0.05)


def test_thirty_two_writers_leave_no_gap_no_fork_and_nothing_unsealed(url, superuser, tmp_path):
    lines = run_writers(url, tmp_path, writers=WRITERS, transactions=TRANSACTIONS, killed=KILLED)

    records = sealed(superuser)
    parsed = [verifier.parse_record(bytes(body)) for _, body in records]
    committed = {line.split()[1] for line in lines if line.startswith("committed")}
    kept = {code for (code,) in superuser.execute("select code from accounts_unit")}
    print(f"{len(records)} records by {WRITERS} writers, {KILLED} of them killed; {len(committed)} commits confirmed")

    assert [position for position, _ in records] == list(range(len(records)))
    assert [record["position"] for record in parsed] == list(range(len(records)))
    assert [record["sealed_at"] for record in parsed] == sorted(record["sealed_at"] for record in parsed)
    assert not [line for line in lines if line.startswith("failed")]
    assert committed <= kept
    # One transaction is one record, with the insert and the last update and nothing of the savepoint.
    assert len(records) == len(kept)
    assert {len(record["rows"]) for record in parsed} == {2}
    digests = [digest for record in parsed for digest in record["rows"]]
    stored = {bytes(d) for (d,) in superuser.execute("select digest from audit.row_history")}
    assert len(digests) == len(set(digests)) == len(stored)
    assert set(digests) == stored
    assert superuser.execute("select size from audit.head").fetchone() == (len(records),)
    assert superuser.execute("select count(*) from audit.tx").fetchone() == (0,)
    assert not superuser.execute("select 1 from audit.row_history where sealed_in is null").fetchall()


def test_without_the_lock_the_same_writers_fork_or_fail(url, superuser, tmp_path):
    """The twin: audit.seal reads the size without locking the head. It shows what the lock is for."""
    source = superuser.execute("select pg_get_functiondef('audit.seal()'::regprocedure)").fetchone()[0]
    start, end = source.index("update audit.head set size"), source.index("record_body :=")
    without_lock = (
        source[:start]
        + "select size, greatest(audit.clock(), sealed_at) into place, sealed from audit.head;\n"
        + "perform pg_sleep(0.001);\n"
        + "update audit.head set size = place + 1, sealed_at = sealed;\n"
        + source[end:]
    )
    superuser.execute(without_lock)
    superuser.execute("alter table audit.head disable trigger hold_head")
    superuser.execute("alter table audit.sealed_record drop constraint sealed_record_pkey")

    lines = run_writers(url, tmp_path, writers=16, transactions=8)

    positions = [position for position, _ in sealed(superuser)]
    forks = len(positions) - len(set(positions))
    failed = len([line for line in lines if line.startswith("failed")])
    print(f"without the lock: {forks} of {len(positions)} records forked, {failed} transactions failed")
    assert forks + failed > 0
