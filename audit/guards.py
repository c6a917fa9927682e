"""Puts the capture trigger on every governed table, after each `migrate`, as the role that owns the tables."""

from django.db import connections, transaction
from psycopg import sql

from audit.events import COLUMNS_CHANGED, TABLE_GOVERNED, Event
from audit.governed import GOVERNED, Governed
from audit.services import canonical

# Rows whose columns are no longer those that were captured, and whose common columns hold what was captured: a
# row that was altered behind the trail is left alone, so that verifying still shows it.
WITH_OTHER_COLUMNS = """
    update {table} t set id = t.id
    from (
        select distinct on (pk) pk, convert_from(body, 'UTF8')::jsonb as body
        from audit.row_history where table_name = {name} order by pk, id desc
    ) captured
    where captured.pk = t.id::text
      and array(select jsonb_object_keys(captured.body)) <> array(select jsonb_object_keys({row}))
      and not exists (
          select from jsonb_each(captured.body) was join jsonb_each({row}) now on now.key = was.key
          where now.value <> was.value)
"""
# Rows that the trail has never heard of.
NEVER_CAPTURED = """
    update {table} t set id = t.id
    where not exists (select from audit.row_history h where h.table_name = {name} and h.pk = t.id::text)
"""

# What is captured after a migration, and how the trail says so.
NEWLY_GOVERNED = (NEVER_CAPTURED, TABLE_GOVERNED)
CHANGED_BY_MIGRATION = (WITH_OTHER_COLUMNS, COLUMNS_CHANGED)


def govern_tables(*, using: str, **_sent) -> None:
    """post_migrate receiver: guard each governed table that exists. Safe to run again."""
    connection = connections[using]
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for governed in GOVERNED:
            if governed.table in existing:
                with transaction.atomic(using=using):
                    is_new = _guard(cursor, governed)
                    _capture(cursor, governed, *(NEWLY_GOVERNED if is_new else CHANGED_BY_MIGRATION))


def _guard(cursor, governed: Governed) -> bool:
    """Put the triggers on; whether the table was not governed before."""
    table = sql.Identifier(governed.table)
    arguments = sql.SQL(", ").join(
        sql.Literal(part) for part in (governed.subject, governed.trail_column, governed.trail, *governed.without)
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
        "select audit.register_governed(%s, %s, %s, %s, %s)",
        [governed.table, governed.subject, governed.trail_column, governed.trail, list(governed.without)],
    )
    return cursor.fetchone()[0]


def _capture(cursor, governed: Governed, statement: str, event: Event) -> None:
    """Take rows' bytes as they are from now on: of a table that has just become governed all of them, else those
    whose columns a migration added, renamed or dropped.

    Without it the trail would not hold what a table, or a new column, began with.
    """
    # The JSON of a time depends on the session's zone; capture() fixes it, so this comparison must too.
    cursor.execute("set local timezone = 'UTC'")
    cursor.execute(
        sql.SQL(statement).format(
            table=sql.Identifier("public", governed.table),
            name=sql.Literal(governed.table),
            row=sql.SQL("to_jsonb(t) - {}::text[]").format(sql.Literal(list(governed.without))),
        )
    )
    if cursor.rowcount:
        data = canonical({"table": governed.table, "rows": cursor.rowcount})
        cursor.execute(
            "select audit.record(%s, %s, '{}', '', '', 'command', '', %s)", [event.name, governed.subject, data]
        )
