"""What lists and files of models can show of each: one set of columns for the page, its chooser and exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from inventory.models import Model

type Value = str | int | float | datetime | None


@dataclass(frozen=True)
class Column:
    """One fact about a model.

    key    its name in addresses and files, and in the API where it stands there
    of     its plain value: what a file holds
    sort   the field that the list is ordered by for it; empty: it cannot be
    """

    key: str
    label: str
    of: Callable[[Model], Value]
    sort: str = ""
    unit: str = ""
    is_number: bool = False

    @property
    def path(self) -> str:
        return self.sort.replace("__", ".")


COLUMNS = {
    column.key: column
    for column in (
        Column("ref", "Id", lambda m: m.ref, "ref"),
        Column("external_id", "External id", lambda m: m.external_id),
        Column("name", "Name", lambda m: m.name, "name"),
        Column("kind", "Kind", lambda m: m.kind),
        Column("tier", "Tier", lambda m: m.tier, "tier"),
        Column("stage", "Status", lambda m: m.stage),
        Column("light", "Monitoring", lambda m: m.standing.light, "standing__light"),
        Column("auc", "AUC", lambda m: m.standing.latest_auc, "standing__latest_auc", "12 windows", True),
        Column("psi", "PSI", lambda m: m.standing.latest_score_psi, "standing__latest_score_psi", "score, nats", True),
        Column("breaches", "Breaches", lambda m: m.standing.open_breaches, "standing__open_breaches", "", True),
        Column("last_run", "Last run", lambda m: m.standing.last_run_at),
        Column("version", "Version", lambda m: m.standing.latest_version),
        Column("digest", "Artefact", lambda m: m.standing.latest_digest_state),
        Column("unit", "Unit", lambda m: m.unit.code),
        Column("owner", "Owner", lambda m: m.owner.hr_number),
        Column("developer", "Developer", lambda m: m.developer.hr_number if m.developer else ""),
        Column("tags", "Tags", lambda m: ", ".join(m.tags)),
        Column("registered", "Registered", lambda m: m.registered_at, "pk"),
        Column("purpose", "Purpose", lambda m: m.purpose),
        Column("description", "Description", lambda m: m.description),
    )
}
# What lists can be sorted by: key → field to order by, path of the value on a model.
SORTS = {key: (column.sort, column.path) for key, column in COLUMNS.items() if column.sort}
USUAL = ("ref", "name", "tier", "stage", "light", "auc", "psi", "breaches", "version", "unit", "owner")
ALWAYS = ("ref", "name")  # by which a row is known, and opened
RELATED = ("unit", "owner__details", "developer__details", "standing")  # what the values are read from


def columns_named(keys: Iterable[str]) -> list[Column]:
    """Columns of these keys in the order of all columns, with those that always stand; without any, the usual ones."""
    wanted = {key for key in keys if key in COLUMNS} or set(USUAL)
    return [column for key, column in COLUMNS.items() if key in wanted or key in ALWAYS]
