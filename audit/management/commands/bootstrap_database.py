"""`manage.py bootstrap_database`: roles, database and audit schema, once, by someone who may make them."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from psycopg import sql

SCHEMA_FOLDER = Path(__file__).resolve().parents[2] / "sql"


class Command(BaseCommand):
    help = (
        "Makes the roles audit_owner, migrator and app, the database, and the audit schema. Needs"
        " BOOTSTRAP_DATABASE_URL (a role that may create roles and databases), MIGRATOR_DATABASE_URL and"
        " DATABASE_URL. May be run again; run it after every upgrade, before migrate."
    )
    requires_system_checks = ()

    def handle(self, *args, **options) -> None:
        for name in ("BOOTSTRAP_DATABASE_URL", "MIGRATOR_DATABASE_URL"):
            if not getattr(settings, name):
                raise CommandError(f"{name} is not set; docs/own-servers.md says what it holds.")
        migrator, app = urlsplit(settings.MIGRATOR_DATABASE_URL), urlsplit(settings.DATABASE_URL)
        if (migrator.username, app.username) != ("migrator", "app"):
            raise CommandError(
                "MIGRATOR_DATABASE_URL must log in as migrator and DATABASE_URL as app:"
                f" they log in as {migrator.username} and {app.username}."
            )
        database = unquote(app.path.lstrip("/"))
        with psycopg.connect(settings.BOOTSTRAP_DATABASE_URL, autocommit=True) as connection:
            make_roles(connection, {"migrator": migrator.password or "", "app": app.password or ""})
            make_database(connection, database)
        with psycopg.connect(settings.BOOTSTRAP_DATABASE_URL, dbname=database) as connection:
            install_audit_schema(connection, database)
        self.stdout.write(f"Database {database}: roles audit_owner, migrator and app; audit schema in place.")


def make_roles(connection: psycopg.Connection, passwords: dict[str, str]) -> None:
    existing = {row[0] for row in connection.execute("select rolname from pg_roles")}
    if "audit_owner" not in existing:
        connection.execute("create role audit_owner nologin")
    connection.execute("grant audit_owner to current_user")
    for role, password in passwords.items():
        verb = "alter" if role in existing else "create"
        connection.execute(
            sql.SQL(
                "{verb} role {role} login nosuperuser nocreatedb nocreaterole noreplication password {password}"
            ).format(verb=sql.SQL(verb), role=sql.Identifier(role), password=sql.Literal(unquote(password)))
        )
    connection.execute("grant migrator to current_user")


def make_database(connection: psycopg.Connection, database: str) -> None:
    if connection.execute("select from pg_database where datname = %s", [database]).fetchone() is None:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))


def install_audit_schema(connection: psycopg.Connection, database: str) -> None:
    """Extensions and grants as the bootstrap role, then the audit schema as audit_owner."""
    connection.execute("create extension if not exists pg_trgm")
    connection.execute(
        sql.SQL("revoke all on database {0} from public; grant connect on database {0} to migrator, app").format(
            sql.Identifier(database)
        )
    )
    connection.execute("revoke all on schema public from public; grant usage on schema public to app, audit_owner")
    connection.execute("grant usage, create on schema public to migrator")
    connection.execute("create schema if not exists audit authorization audit_owner")
    connection.execute("set role migrator")
    connection.execute(
        "alter default privileges in schema public grant select, insert, update, delete on tables to app"
    )
    connection.execute("alter default privileges in schema public grant usage, select on sequences to app")
    connection.execute("reset role")
    connection.execute("set role audit_owner")
    for script in sorted(SCHEMA_FOLDER.glob("*.sql")):
        connection.execute(script.read_text(encoding="utf-8"))
    connection.execute("reset role")
