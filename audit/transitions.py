"""Holds in the database as well, from a migration, what rows may do: which steps, and what of them never changes."""

from collections.abc import Iterable, Mapping, Set

from django.db import migrations


def hold_transitions(table: str, column: str, edges: Mapping[str, Set[str]]) -> migrations.RunSQL:
    """Migration step: `column` of `table` moves only along `edges`, for whoever writes."""
    arguments = [column, *(f"{start}>{end}" for start in edges for end in sorted(edges[start]))]
    return _trigger(table, f"hold_{column}", "audit.hold_transitions", arguments)


def hold_columns(table: str, *columns: str, formerly: Iterable[str] = ()) -> migrations.RunSQL:
    """Migration step: `columns` of `table` never change once the row is there.

    formerly  the columns that an earlier step held: this one replaces it, and undone puts it back
    """
    return _trigger(table, "hold_columns", "audit.hold_columns", columns, formerly)


def append_only(table: str) -> migrations.RunSQL:
    """Migration step: rows of `table` are added and never changed or deleted, by right and by trigger."""
    return _refuse(table, "update, delete", "update or delete")


def never_deleted(table: str) -> migrations.RunSQL:
    """Migration step: rows of `table` stay, by right and by trigger."""
    return _refuse(table, "delete", "delete")


def _refuse(table: str, rights: str, verbs: str) -> migrations.RunSQL:
    """The portal's role loses the rights; a trigger refuses the same to whoever has them."""
    return migrations.RunSQL(
        f'revoke {rights}, truncate on "{table}" from app;'
        f' create or replace trigger refuse_rows before {verbs} on "{table}"'
        f" for each row execute function audit.refuse();"
        f' create or replace trigger refuse_truncate before truncate on "{table}"'
        f" for each statement execute function audit.refuse();"
        f' alter table "{table}" enable always trigger refuse_rows, enable always trigger refuse_truncate',
        f'drop trigger refuse_rows on "{table}"; drop trigger refuse_truncate on "{table}";'
        f' grant {rights} on "{table}" to app',
    )


def hold_once_set(table: str, column: str, *with_it: str) -> migrations.RunSQL:
    """Migration step: `column` of `table` goes from empty to a value once, and `with_it` in the same step or never."""
    return _trigger(table, f"hold_{column}_once", "audit.hold_once_set", [column, *with_it])


def hold_rows(table: str, column: str, value: str) -> migrations.RunSQL:
    """Migration step: a row of `table` whose `column` is `value` is read-only from then on."""
    return _trigger(table, f"hold_{column}_{value}", "audit.hold_rows", [column, value])


def _trigger(
    table: str, name: str, function: str, arguments: Iterable[str], formerly: Iterable[str] = ()
) -> migrations.RunSQL:
    make = _statement(table, name, function, arguments)
    undo = _statement(table, name, function, formerly) if formerly else f'drop trigger "{name}" on "{table}"'
    return migrations.RunSQL(make, undo)


def _statement(table: str, name: str, function: str, arguments: Iterable[str]) -> str:
    quoted = ", ".join(f"'{argument}'" for argument in arguments)
    return (
        f'create or replace trigger "{name}" before update on "{table}"'
        f" for each row execute function {function}({quoted});"
        f' alter table "{table}" enable always trigger "{name}"'
    )
