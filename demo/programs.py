"""The processes of the demonstration, in the order in which they start."""

import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from demo.database import Database
from demo.supervisor import Program
from engines.environment import WORKER_ENVIRONMENT

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SENTENCES = re.compile(r"^[A-Za-z]")  # not what libraries log, which begins with a date


def programs(
    environ: Mapping[str, str],
    *,
    port: int,
    given: Mapping[str, str],
    web_is_ready: Callable[[], None],
    database: Database | None = None,
) -> list[Program]:
    """What to run with `environ`; what `given` (the caller's own environment) names is not started.

    The page comes first; whatever takes seconds to start waits for it.
    """
    started = [_web(environ, port, web_is_ready), _witness(environ), *_django(environ), *_workers(environ)]
    if database and database.process:
        started.insert(0, embedded_database(database))
    if not given.get("MLFLOW_TRACKING_URI"):
        started.append(_mlflow(environ))
    return [*started, *_bank(environ, needs=tuple(p.name for p in started if p.name in ("web", "mlflow")))]


def embedded_database(database: Database) -> Program:
    """The server that runs since before the first step; whoever opened it stops it when all others have ended."""
    return Program(
        "database",
        database.process.args,
        ready=database.answers,
        taken_over=database.process,
        start=database.start_again,
        stop_signal=signal.SIGINT,
        log=database.log,
    )


def answers(url: str) -> Callable[[], bool]:
    """A check that something answers at `url` without an error of its own."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine needs no proxy

    def check() -> bool:
        try:
            with opener.open(url, timeout=1):
                return True
        except urllib.error.HTTPError as answer:
            return answer.code < 500
        except OSError:
            return False

    return check


def _web(environ: Mapping[str, str], port: int, on_ready: Callable[[], None]) -> Program:
    argv = [BIN / "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    argv += ["--workers", "1", "--blocking-threads", "8", "--respawn-failed-workers"]
    return Program(
        "web",
        [*argv, "portal.wsgi:application"],
        ready=answers(f"http://127.0.0.1:{port}/"),
        on_ready=on_ready,
        env=environ,
        cwd=ROOT,
    )


def _witness(environ: Mapping[str, str]) -> Program:
    url = urlsplit(environ["ASSAY_WITNESS_URLS"])
    argv = [sys.executable, "-m", "audit.witness", "--port", str(url.port), "--log-key", environ["ASSAY_DEMO_LOG_KEY"]]
    argv += ["--folder", Path(environ["ASSAY_DEMO_FOLDER"], "witness")]
    argv += ["--name", environ["ASSAY_WITNESS_KEYS"].split("+")[0]]
    return Program("witness", argv, ready=answers(url.geturl()), env=environ, cwd=ROOT)


def _django(environ: Mapping[str, str]) -> list[Program]:
    return [
        Program(name, [sys.executable, "manage.py", name], needs=("web",), env=environ, cwd=ROOT)
        for name in ("checkpointer", "scheduler")
    ]


def _workers(environ: Mapping[str, str]) -> list[Program]:
    """One process a queue; prefork isolates a job that takes its process down."""
    return [_worker(environ, "default", concurrency=2), _worker(environ, "ml", concurrency=1)]


def _worker(environ: Mapping[str, str], queue: str, *, concurrency: int) -> Program:
    argv = [BIN / "celery", "--app", "worker.celery", "worker", "--queues", queue, "--hostname", f"{queue}@%h"]
    argv += ["--concurrency", str(concurrency), "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    return Program(f"worker-{queue}", argv, needs=("web",), env={**environ, **WORKER_ENVIRONMENT}, cwd=ROOT)


def _mlflow(environ: Mapping[str, str]) -> Program:
    url = urlsplit(environ["MLFLOW_TRACKING_URI"])
    folder = Path(environ["ASSAY_DEMO_FOLDER"], "mlflow")
    folder.mkdir(exist_ok=True, mode=0o700)
    argv = [BIN / "mlflow", "server", "--host", "127.0.0.1", "--port", str(url.port), "--workers", "1"]
    argv += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", folder / "artefacts"]
    # Its job runners would be eight more processes that nobody here asks anything of.
    alone = {**environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    ready = answers(f"{environ['MLFLOW_TRACKING_URI']}/health")
    return Program("mlflow", argv, needs=("web",), ready=ready, env=alone, cwd=folder)


def _bank(environ: Mapping[str, str], needs: tuple[str, ...]) -> list[Program]:
    """The models and their logs, then what the portal is told of them."""
    train = [sys.executable, "-m", "demo.credit", environ["ASSAY_DEMO_BANK"]]
    tell = [sys.executable, "manage.py", "demo_bank", environ["ASSAY_DEMO_BANK"]]
    return [
        Program("credit", train, needs=needs, once=True, echo=SENTENCES, env=environ, cwd=ROOT),
        Program("bank", tell, needs=("credit",), once=True, echo=SENTENCES, env=environ, cwd=ROOT),
    ]
