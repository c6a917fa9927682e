"""Puts the capture trigger on every governed table, after each `migrate`, as the role that owns the tables."""

from django.db import connections, transaction
from psycopg import sql

from audit.events import COLUMNS_CHANGED
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
      and array(select jsonb_object_keys(captured.body)) <> array(select jsonb_object_keys(to_jsonb(t)))
      and not exists (
          select from jsonb_each(captured.body) was join jsonb_each(to_jsonb(t)) now on now.key = was.key
          where now.value <> was.value)
"""


def govern_tables(*, using: str, **_sent) -> None:
    """post_migrate receiver: guard each governed table that exists. Safe to run again."""
    connection = connections[using]
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for governed in GOVERNED:
            if governed.table in existing:
                _guard(cursor, governed)
                with transaction.atomic(using=using):
                    _capture_again(cursor, governed)


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


def _capture_again(cursor, governed: Governed) -> None:
    """After a migration added, renamed or dropped columns: take every row's bytes as they are from now on.

    Without it the trail would not hold what the new columns began with.
    """
    # The JSON of a time depends on the session's zone; capture() fixes it, so this comparison must too.
    cursor.execute("set local timezone = 'UTC'")
    cursor.execute(
        sql.SQL(WITH_OTHER_COLUMNS).format(
            table=sql.Identifier("public", governed.table), name=sql.Literal(governed.table)
        )
    )
    if cursor.rowcount:
        data = canonical({"table": governed.table, "rows": cursor.rowcount})
        cursor.execute(
            "select audit.record(%s, %s, '{}', '', '', 'command', '', %s)",
            [COLUMNS_CHANGED.name, governed.subject, data],
        )
