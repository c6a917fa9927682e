"""What the columns of a production log mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal, Self
from zoneinfo import ZoneInfo

Kind = Literal["number", "category"]
KINDS = ("number", "category")
APPROVED_VALUES = ("1", "true", "yes", "approve", "approved", "accept", "accepted")
DECLINED_VALUES = (
    "0",
    "false",
    "no",
    "decline",
    "declined",
    "reject",
    "rejected",
    "deny",
    "denied",
    "refuse",
    "refused",
)
MOST_DAYS = 36_500

# Where in a definition something stands: ("features", 0, "name").
Place = tuple[str | int, ...]
ROLES = ("row_id", "time", "score", "decision", "label", "label_known_at")  # one column each, of its own
REQUIRED = ("row_id", "time", "score")
MOMENTS, NUMBERS = ("time", "label_known_at"), ("score", "label")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a definition, and where."""

    place: Place
    reason: str


class LogSpecError(ValueError):
    """A definition that contradicts itself, or that cannot be read; `faults` holds everything that is wrong."""

    def __init__(self, faults: Sequence[Fault]):
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.reason for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Named:
    """A column that a definition names: where it does, and what the column must hold."""

    place: Place
    column: str
    holds: Literal["moments", "numbers", "anything"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model. `meaning` and `unit` (EUR, months) are for people."""

    name: str
    kind: Kind
    meaning: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class LogSpec:
    """Column names of a log, and the rules by which its rows are read.

    row_id               identifies a row; unique within a partition
    time                 when the model was asked. With a zone it is converted to the bank's; without one it
                         is taken as the bank's own wall clock
    score                probability of the bad outcome, 0..1
    decision             approved or not: approved when among `approved_values`, letter case and spaces around it
                         aside; anything else is declined, and said unless it is among `declined_values`
    label                the outcome: 0, 1 or empty while unknown
    label_known_at       when the outcome became known
    segments             columns by which the window is also cut, each on its own
    model_version        which version gave the score: its rows are counted; named among the segments too, its figures
                         are cut by it
    time_zone            whose midnight cuts days
    label_maturity_days  an outcome counts once that many days have passed since `time`
    cut_offs             operating points; score >= cut-off is the positive call

    Raises LogSpecError with every contradiction within the definition; what contradicts the files is found by
    `engines.sources.check_log`.
    """

    row_id: str
    time: str
    features: tuple[Feature, ...]
    score: str
    decision: str | None = None
    label: str | None = None
    label_known_at: str | None = None
    segments: tuple[str, ...] = ()
    model_version: str | None = None
    time_zone: str = "UTC"
    label_maturity_days: int | None = None
    cut_offs: tuple[float, ...] = (0.5,)
    approved_values: tuple[str, ...] = APPROVED_VALUES
    declined_values: tuple[str, ...] = DECLINED_VALUES

    def __post_init__(self):
        object.__setattr__(self, "features", tuple(self.features))
        object.__setattr__(self, "segments", tuple(self.segments))
        object.__setattr__(self, "cut_offs", tuple(float(value) for value in self.cut_offs))
        object.__setattr__(self, "approved_values", tuple(self.approved_values))
        object.__setattr__(self, "declined_values", tuple(self.declined_values))
        if faults := faults_of(self.to_dict()):
            raise LogSpecError(faults)

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features if feature.kind == "number")

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features if feature.kind == "category")

    @property
    def levels(self) -> tuple[str, ...]:
        """The columns that hold few different texts."""
        named = (*self.categories, *self.segments, self.decision, self.model_version)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, once, in a fixed order."""
        roles = (self.row_id, self.time, self.score, self.decision, self.label, self.label_known_at)
        named = [*roles, *self.segments, self.model_version, *(feature.name for feature in self.features)]
        return tuple(dict.fromkeys(name for name in named if name))

    def to_dict(self) -> dict:
        """JSON values, every field present, in the order of the class: the canonical form."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["features"] = [asdict(feature) for feature in self.features]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def from_dict(cls, plain: dict) -> Self:
        """Raises LogSpecError for an unknown or missing field."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(plain) - set(known))
        missing = [name for name in (*REQUIRED, "features") if name not in plain]
        if unknown or missing:
            raise LogSpecError(
                [Fault((name,), f"there is no field {name!r}; there are {', '.join(known)}") for name in unknown]
                + [Fault((name,), f"the log definition has no {name!r}") for name in missing]
            )
        try:
            return cls(**{**plain, "features": tuple(Feature(**feature) for feature in plain["features"])})
        except TypeError as wrong:
            raise LogSpecError([Fault((), f"the log definition cannot be read: {wrong}")]) from wrong


# ---- a definition as plain values, whatever is wrong with it -------------------------------------------------
def columns_named(plain: Mapping) -> list[Named]:
    """Every column that a definition names, as often as it does; what is not of its type names none."""
    found = [_of_role(role, plain.get(role)) for role in (*ROLES, "model_version")]
    segments = [Named(("segments", place), name, "anything") for place, name in enumerate(_listed(plain, "segments"))]
    features = [
        Named(("features", place, "name"), feature.get("name"), _holds(feature.get("kind") == "number"))
        for place, feature in enumerate(_listed(plain, "features"))
        if isinstance(feature, Mapping)
    ]
    return [named for named in (*found, *segments, *features) if named.column and isinstance(named.column, str)]


def faults_of(plain: Mapping) -> list[Fault]:
    """Every contradiction within a definition; what is not of its type is passed over.

    What contradicts the files is found by `engines.sources.check_columns`.
    """
    checks = (_check_features, _check_roles, _check_names, _check_cut_offs, _check_labels, _check_zone)
    return [fault for check in checks for fault in check(plain)]


def _of_role(role: str, column: object) -> Named:
    return Named((role,), column, "moments" if role in MOMENTS else _holds(role in NUMBERS))


def _holds(is_number: bool) -> Literal["numbers", "anything"]:
    return "numbers" if is_number else "anything"


def _listed(plain: Mapping, name: str) -> Sequence:
    value = plain.get(name)
    return value if isinstance(value, (list, tuple)) else ()


def _check_features(plain: Mapping) -> Iterator[Fault]:
    if plain.get("features") in ([], ()):
        yield Fault(("features",), "name at least one feature")
    for place, feature in enumerate(_listed(plain, "features")):
        kind = feature.get("kind", "number") if isinstance(feature, Mapping) else "number"
        if kind not in KINDS:
            yield Fault(("features", place, "kind"), f"kind must be number or category, got {kind!r}")


def _check_roles(plain: Mapping) -> Iterator[Fault]:
    for role in REQUIRED:
        if plain.get(role) == "":
            yield Fault((role,), f"name the column of the {role.replace('_', ' ')}")


def _check_names(plain: Mapping) -> Iterator[Fault]:
    """A segment may well be a feature too; nothing else may be two things at once."""
    named = columns_named(plain)
    of_segments = [one for one in named if one.place[0] == "segments"]
    for group in ([one for one in named if one.place[0] not in ("segments", "model_version")], of_segments):
        first: dict[str, Named] = {}
        for one in group:
            known = first.setdefault(one.column, one)
            if known is not one:
                where = "/".join(map(str, known.place))
                yield Fault(one.place, f"column {one.column!r} is used for two things, this and {where}")


def _check_cut_offs(plain: Mapping) -> Iterator[Fault]:
    values = _listed(plain, "cut_offs")
    for place, value in enumerate(values):
        if isinstance(value, (int, float)) and not 0 < value < 1:
            yield Fault(("cut_offs", place), f"a cut-off must lie between 0 and 1, got {value}")
        elif value in values[:place]:
            yield Fault(("cut_offs", place), f"cut-offs must differ, got {list(values)}")


def _check_labels(plain: Mapping) -> Iterator[Fault]:
    if plain.get("label_known_at") and not plain.get("label"):
        yield Fault(("label_known_at",), "label_known_at without a label: name the column of the outcome too")
    days = plain.get("label_maturity_days")
    if days is not None and not (type(days) is int and 0 <= days <= MOST_DAYS):
        yield Fault(
            ("label_maturity_days",),
            f"label_maturity_days must be a whole number of days, 0 to {MOST_DAYS}, got {days!r}",
        )


def _check_zone(plain: Mapping) -> Iterator[Fault]:
    zone = plain.get("time_zone", "UTC")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError, TypeError):
        yield Fault(("time_zone",), f"unknown time zone {zone!r}: name one of the IANA database, such as Europe/London")
