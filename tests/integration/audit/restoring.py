"""A backup and a restore with PostgreSQL's own programs, as an operator does both."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connections

from demo.database import find_programs


def back_up(server_url: str, database: str, path: Path) -> Path:
    _run("pg_dump", "--format=custom", f"--file={path}", _address(server_url, database))
    return path


def restore(server_url: str, database: str, path: Path) -> None:
    """The database as it was when it was backed up, in the place of the one that is there."""
    connections.close_all()
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'drop database "{database}" with (force)')
        server.execute(f'create database "{database}"')
    _run("pg_restore", "--exit-on-error", f"--dbname={_address(server_url, database)}", str(path))


def _address(server_url: str, database: str) -> str:
    return urlsplit(server_url)._replace(path=f"/{database}").geturl()


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([find_programs() / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
