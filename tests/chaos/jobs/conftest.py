"""A real Redis, real Celery workers and a real scheduler around the test's own database."""

import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import kombu.pools
import pytest
from django.db import connection

from demo.children import signal_group
from jobs import services
from jobs.models import Job
from jobs.queues import celery_app
from tests.chaos.jobs import nursery, tiny_tasks
from tests.services import ServiceMissing, start_redis

PATIENCE_SECONDS = 40


@pytest.fixture(scope="module")
def redis_server():
    try:
        server = start_redis()
    except ServiceMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.remove()


@pytest.fixture
def redis(redis_server, monkeypatch):
    """A running, empty Redis that this process and its children use as their broker."""
    redis_server.stop()
    redis_server.start()
    monkeypatch.setenv("BROKER_URL", redis_server.url)
    monkeypatch.setattr(celery_app.conf, "broker_url", redis_server.url)
    _forget_connections()
    yield redis_server
    _forget_connections()


def _forget_connections() -> None:
    kombu.pools.reset()
    celery_app._pool = celery_app.amqp._producer_pool = None


@pytest.fixture
def tables(superuser):
    """The tables in which tiny tasks leave their marks."""
    superuser.execute(tiny_tasks.TABLES)


@dataclass
class Processes:
    """Workers and schedulers of one test, each with a log that a failure can show."""

    folder: Path
    running: list[BaseProcess] = field(default_factory=list)

    def worker(self, *, concurrency: int = 2) -> BaseProcess:
        """A started worker; it may need a second until it takes its first message."""
        options = ["--queues", "default", "--concurrency", str(concurrency), "--loglevel", "INFO"]
        options += ["--without-gossip", "--without-mingle", "--hostname", f"worker{len(self.running)}@test"]
        return self._start("worker", *options)

    def scheduler(self) -> BaseProcess:
        return self._start("scheduler")

    def kill(self, process: BaseProcess) -> None:
        """SIGKILL to the process and its children, as a power cut would."""
        signal_group(process.pid, signal.SIGKILL)
        process.join()

    def stop_all(self) -> None:
        for process in self.running:
            self.kill(process)

    def said(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.iterdir()))

    def _start(self, program: str, *arguments: str) -> BaseProcess:
        process = nursery.start(program, *arguments, log=self.folder / f"{len(self.running)}-{program}")
        self.running.append(process)
        return process


@pytest.fixture
def processes(redis, tables):
    with tempfile.TemporaryDirectory(prefix="assay-chaos-") as folder:
        processes = Processes(Path(folder))
        yield processes
        processes.stop_all()


@pytest.fixture
def wait_for(processes) -> Callable:
    """Wait until a condition holds; what it gives is returned. The processes' logs are shown where it never does."""

    def wait_for(condition: Callable, *, seconds: float = PATIENCE_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.05)
        states = list(Job.objects.order_by("id").values_list("id", "state", "attempts", "message"))
        pytest.fail(f"waited {seconds} s in vain; jobs: {states}\n{processes.said()}")

    return wait_for


def ask(task: str, **arguments) -> Job:
    """Enqueue a tiny task."""
    return services.enqueue(task=task, arguments=arguments, by=None)


def state_of(job: Job) -> str:
    return Job.objects.values_list("state", flat=True).get(pk=job.pk)


def is_done(*jobs: Job) -> bool:
    return all(state_of(job) == Job.State.DONE for job in jobs)


def starts_of(job: Job) -> list[tuple[int, int]]:
    """(fence, process id) of each time the job was begun, in order."""
    return _rows("select fence, pid from tiny_start where job_id = %s order by fence", job)


def effects_of_job(job: Job) -> list[int]:
    """Fence under which each effect happened: exactly one is what is wanted."""
    return [fence for (fence,) in _rows("select fence from tiny_effect where job_id = %s", job)]


def _rows(statement: str, job: Job) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [job.pk])
        return cursor.fetchall()
