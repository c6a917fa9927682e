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
from django.db import connections

from tests import environment
from tests.services import postgres
from tests.services.missing import ServiceMissing

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "assay_template"
_numbers = itertools.count()


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
    name_everything(postgres_server.url, TEMPLATE)
    for command in ("bootstrap_database", "migrate"):
        done = subprocess.run(
            [sys.executable, "manage.py", command, "-v", "0"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"BOOTSTRAP_DATABASE_URL": postgres_server.url},
        )
        assert done.returncode == 0, done.stderr
    return postgres_server.url


@pytest.fixture
def db(database_template, django_db_blocker):
    """A database of the test's own, cloned from the template: commits are real, so sealing happens.

    A rolled-back test would never fire what happens at commit; a flush would truncate the trail.
    """
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(database_template, autocommit=True) as server:
        server.execute(f'create database "{name}" template "{TEMPLATE}" strategy file_copy')
        name_everything(database_template, name)
        with django_db_blocker.unblock():
            yield name
            connections.close_all()
        server.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def superuser(db, database_template):
    """A superuser's own connection to the test's database, for what only one of those can do."""
    with psycopg.connect(database_template, dbname=db, autocommit=True) as connection:
        yield connection


def name_everything(server_url: str, database: str) -> None:
    """Point Django, and the environment that child processes inherit, at `database`."""
    address = urlsplit(server_url)
    connections.close_all()
    for alias, role in (("default", "app"), ("migrator", "migrator")):
        connections[alias].settings_dict.update(NAME=database, HOST=address.hostname, PORT=address.port)
        variable = "DATABASE_URL" if alias == "default" else "MIGRATOR_DATABASE_URL"
        os.environ[variable] = f"postgres://{role}:{role}@{address.hostname}:{address.port}/{database}"
