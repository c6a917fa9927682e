"""What can be announced: each event has one name and one sentence in the words of the business."""

from dataclasses import dataclass

_registered: dict[str, "Event"] = {}


@dataclass(frozen=True)
class Event:
    """One kind of business event. `sentence` is a format template over the entry's data."""

    name: str
    title: str
    sentence: str

    def __post_init__(self) -> None:
        if self.name in _registered:
            raise ValueError(f"event {self.name!r} is declared twice")
        _registered[self.name] = self

    def __str__(self) -> str:
        return self.name


def registered_events() -> dict[str, Event]:
    """Every event by name; complete once the apps are loaded."""
    return dict(_registered)


def say(name: str, data: dict) -> str:
    """The event's sentence with its data filled in; data that is missing shows as a dash."""
    event = _registered.get(name)
    return event.sentence.format_map(_Dash(data)) if event else name


class _Dash(dict):
    def __missing__(self, key: str) -> str:
        return "–"


OUTSIDE_PORTAL = Event(
    "audit.outside_portal",
    "Changed outside the portal",
    "{rows} row(s) of {tables} changed by database user {database_user}, announced by no service",
)
GUARDS_CHANGED = Event(
    "audit.guards_changed",
    "Guards of the trail changed",
    "Triggers, constraints, grants or functions that guard the trail are no longer those of checkpoint {since}."
    " Missing or disabled: {unguarded}",
)
COLUMNS_CHANGED = Event(
    "audit.columns_changed",
    "Columns changed by a migration",
    "{rows} row(s) of {table} were captured again with the columns that a migration left",
)
ARTEFACT_ERASED = Event("audit.artefact_erased", "File erased", "File {sha256}, {size} bytes: {reason}")
TABLE_GOVERNED = Event(
    "audit.table_governed",
    "A table became governed",
    "The {rows} row(s) that {table} held were captured; from now on every change of them is",
)
EPOCH_BEGUN = Event(
    "audit.epoch_begun",
    "Epoch of the log begun",
    "Epoch {number} of the log began: {what}. From now on the key {key} signs it",
)
