"""Real services for every test: one PostgreSQL a run, one fresh database a test, Redis where asked for."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from hypothesis import settings as hypothesis_settings

from tests import environment
from tests.cast import load_cast, make_cast
from tests.services import postgres
from tests.services.missing import ServiceMissing
from tests.services.mlflow_server import start_mlflow
from tests.skips import pytest_runtest_makereport, pytest_terminal_summary  # noqa: F401  (hooks)

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "assay_template"
TEMPLATE_WITH_CAST = "assay_template_with_cast"
_numbers = itertools.count()

# No test is timed: a slow moment of the machine is not a failure.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


def pytest_unconfigure(config):
    shutil.rmtree(environment.FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server():
    try:
        server = postgres.start_postgres()
    except ServiceMissing as missing:
        pytest.skip(str(missing))
    yield server
    connections.close_all()
    server.stop()


@pytest.fixture(scope="session")
def database_template(postgres_server):
    """A migrated database that every test's own is cloned from; nobody connects to it."""
    migrate(postgres_server.url, TEMPLATE)
    return postgres_server.url


def migrate(server_url: str, name: str) -> None:
    """Make the database `name` with every table that the portal has."""
    name_everything(server_url, name)
    for command in ("bootstrap_database", "migrate"):
        done = subprocess.run(
            [sys.executable, "manage.py", command, "-v", "0"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"BOOTSTRAP_DATABASE_URL": server_url},
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def template_with_cast(database_template, django_db_blocker):
    """The same with the cast in it, made once: hashing a dozen passwords takes seconds."""
    clone(database_template, TEMPLATE_WITH_CAST, TEMPLATE)
    name_everything(database_template, TEMPLATE_WITH_CAST)
    with django_db_blocker.unblock():
        make_cast()
        connections.close_all()
    return database_template


@pytest.fixture
def db(request, database_template, django_db_blocker):
    """A database of the test's own, cloned from a template: commits are real, so sealing happens.

    A rolled-back test would never fire what happens at commit; a flush would truncate the trail.
    """
    template = TEMPLATE
    if "cast" in request.fixturenames:
        request.getfixturevalue("template_with_cast")
        template = TEMPLATE_WITH_CAST
    name = f"test_{os.getpid()}_{next(_numbers)}"
    clone(database_template, name, template)
    name_everything(database_template, name)
    name_checkpoint_file(f"{environment.FOLDER}/{name}.checkpoints")
    with django_db_blocker.unblock():
        yield name
        connections.close_all()
    with psycopg.connect(database_template, autocommit=True) as server:
        server.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def cast(db):
    """The people of the tests (tests/cast.py)."""
    return load_cast()


@pytest.fixture(scope="session")
def mlflow_server():
    """A real MLflow server for the run; MLFLOW_TRACKING_URI names it to this process and its children."""
    server = start_mlflow()
    os.environ["MLFLOW_TRACKING_URI"] = settings.MLFLOW_TRACKING_URI = server.url
    yield server
    server.stop()


@pytest.fixture(scope="session")
def registered_scorecard(mlflow_server):
    """models:/ URI of a model in the registry that gives exactly the scores of tests.logs."""
    return put_into_registry(mlflow_server, "card_pd", "scorecard")


def put_into_registry(server, name: str, form: str, seed: int = 5) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.models_to_register", server.url, name, form, str(seed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return f"models:/{name}/{done.stdout.split()[-1]}"


@pytest.fixture
def superuser(db, database_template):
    """A superuser's own connection to the test's database, for what only one of those can do."""
    with psycopg.connect(database_template, dbname=db, autocommit=True) as connection:
        yield connection


def clone(server_url: str, name: str, template: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'create database "{name}" template "{template}" strategy file_copy')


def name_checkpoint_file(path: str) -> None:
    """A log of its own has a file of its own: the checkpoints of another test's log would contradict it."""
    os.environ["ASSAY_CHECKPOINT_FILE"] = settings.CHECKPOINT_FILE = path


def name_everything(server_url: str, database: str) -> None:
    """Point Django, and the environment that child processes inherit, at `database`."""
    address = urlsplit(server_url)
    connections.close_all()
    for alias, role in (("default", "app"), ("migrator", "migrator")):
        connections[alias].settings_dict.update(NAME=database, HOST=address.hostname, PORT=address.port)
        variable = "DATABASE_URL" if alias == "default" else "MIGRATOR_DATABASE_URL"
        os.environ[variable] = f"postgres://{role}:{role}@{address.hostname}:{address.port}/{database}"
