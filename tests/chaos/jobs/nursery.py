"""Workers and schedulers that start in a fraction of a second: forked from a process that has imported all of it.

The same programs as `celery worker` and `manage.py scheduler`; what is left out is two seconds of imports each.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from demo.children import PR_SET_PDEATHSIG

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.chaos.jobs.preloaded"])


def start(program: str, *arguments: str, log: Path) -> BaseProcess:
    """Start `worker` with Celery's arguments, or `scheduler`, as the leader of a process group of its own."""
    process = CONTEXT.Process(target=_become, args=(program, arguments, log, dict(os.environ)))
    process.start()
    return process


def _become(program: str, arguments: tuple[str, ...], log: Path, environ: dict[str, str]) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)  # a killed test run leaves nothing behind
    with log.open("ab", buffering=0) as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)
    from tests.chaos.jobs.preloaded import app

    _use_services_of(environ, app)
    if program == "worker":
        app.worker_main(["worker", *arguments])
    else:
        from django.core.management import call_command

        call_command("scheduler")


def _use_services_of(environ: dict[str, str], app) -> None:
    """What the environment says now: the process that we are forked from was started for an earlier test."""
    from django.db import connections

    from portal import settings

    os.environ.update(environ)
    connections["default"].settings_dict.update(settings.database(environ["DATABASE_URL"]))
    app.conf.broker_url = environ["BROKER_URL"]
