"""Holds a table of allowed transitions in the database as well, from a migration."""

from collections.abc import Mapping, Set

from django.db import migrations


def hold_transitions(table: str, column: str, edges: Mapping[str, Set[str]]) -> migrations.RunSQL:
    """Migration step: `column` of `table` moves only along `edges`, for whoever writes."""
    arguments = [column, *(f"{start}>{end}" for start in edges for end in sorted(edges[start]))]
    return _trigger(table, f"hold_{column}", "audit.hold_transitions", arguments)


def hold_columns(table: str, *columns: str) -> migrations.RunSQL:
    """Migration step: `columns` of `table` never change once the row is there."""
    return _trigger(table, "hold_columns", "audit.hold_columns", list(columns))


def _trigger(table: str, name: str, function: str, arguments: list[str]) -> migrations.RunSQL:
    quoted = ", ".join(f"'{argument}'" for argument in arguments)
    return migrations.RunSQL(
        f'create or replace trigger "{name}" before update on "{table}"'
        f" for each row execute function {function}({quoted});"
        f' alter table "{table}" enable always trigger "{name}"',
        f'drop trigger "{name}" on "{table}"',
    )
