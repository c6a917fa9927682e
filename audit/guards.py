"""Puts the capture trigger on every governed table, after each `migrate`, as the role that owns the tables."""

from django.db import connections
from psycopg import sql

from audit.governed import GOVERNED, Governed


def govern_tables(*, using: str, **_sent) -> None:
    """post_migrate receiver: guard each governed table that exists. Safe to run again."""
    connection = connections[using]
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for governed in GOVERNED:
            if governed.table in existing:
                _guard(cursor, governed)


def _guard(cursor, governed: Governed) -> None:
    table = sql.Identifier(governed.table)
    arguments = sql.SQL(", ").join(
        sql.Literal(part) for part in (governed.subject, governed.trail_column, governed.trail)
    )
    for statement in (
        sql.SQL(
            "create or replace trigger audit_capture after insert or update or delete on {table}"
            " for each row execute function audit.capture({arguments})"
        ),
        sql.SQL(
            "create or replace trigger audit_no_truncate before truncate on {table}"
            " for each statement execute function audit.refuse()"
        ),
        sql.SQL("alter table {table} enable always trigger audit_capture"),
        sql.SQL("alter table {table} enable always trigger audit_no_truncate"),
        sql.SQL("revoke delete, truncate on {table} from app"),
    ):
        cursor.execute(statement.format(table=table, arguments=arguments))
    cursor.execute(
        "select audit.register_governed(%s, %s, %s, %s)",
        [governed.table, governed.subject, governed.trail_column, governed.trail],
    )
