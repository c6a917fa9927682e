"""What the columns of a production log mean."""

from dataclasses import dataclass, fields
from typing import Literal, Self
from zoneinfo import ZoneInfo

Kind = Literal["number", "category"]
APPROVED_VALUES = ("1", "true", "yes", "approve", "approved", "accept", "accepted")


class LogSpecError(ValueError):
    """A definition that contradicts itself; `column` names the column at fault, where it is one."""

    def __init__(self, message: str, column: str | None = None):
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model. `meaning` is for people."""

    name: str
    kind: Kind
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class LogSpec:
    """Column names of a log, and the rules by which its rows are read.

    row_id               identifies a row; unique within a partition
    time                 when the model was asked. With a zone it is converted to the bank's; without one it
                         is taken as the bank's own wall clock
    score                probability of the bad outcome, 0..1
    decision             approved or not; a text counts as approved when it is among `approved_values`
    label                the outcome: 0, 1 or empty while unknown
    label_known_at       when the outcome became known
    segments             columns by which the window is also cut, each on its own
    time_zone            whose midnight cuts days
    label_maturity_days  an outcome counts once that many days have passed since `time`
    cut_offs             operating points; score >= cut-off is the positive call

    Raises LogSpecError for a contradiction within the definition; what contradicts the files is found by
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

    def __post_init__(self):
        object.__setattr__(self, "features", tuple(self.features))
        object.__setattr__(self, "segments", tuple(self.segments))
        object.__setattr__(self, "cut_offs", tuple(float(value) for value in self.cut_offs))
        object.__setattr__(self, "approved_values", tuple(self.approved_values))
        _check(self)

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
        plain["features"] = [
            {"name": feature.name, "kind": feature.kind, "meaning": feature.meaning} for feature in self.features
        ]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def from_dict(cls, plain: dict) -> Self:
        """Raises LogSpecError for an unknown or missing field."""
        unknown = set(plain) - {field.name for field in fields(cls)}
        if unknown:
            raise LogSpecError(f"unknown field {sorted(unknown)[0]!r} in the log definition")
        try:
            features = tuple(Feature(**feature) for feature in plain["features"])
            return cls(**{**plain, "features": features})
        except KeyError as missing:
            raise LogSpecError(f"the log definition has no {missing.args[0]!r}") from missing
        except TypeError as wrong:
            raise LogSpecError(f"the log definition cannot be read: {wrong}") from wrong


def _check(spec: LogSpec) -> None:
    if not spec.features:
        raise LogSpecError("name at least one feature")
    for feature in spec.features:
        if feature.kind not in ("number", "category"):
            raise LogSpecError(f"kind must be number or category, got {feature.kind!r}", feature.name)
    _check_names(spec)
    _check_cut_offs(spec)
    _check_labels(spec)
    try:
        ZoneInfo(spec.time_zone)
    except (KeyError, ValueError, OSError) as unknown:
        raise LogSpecError(f"unknown time zone {spec.time_zone!r}") from unknown


def _check_names(spec: LogSpec) -> None:
    for role in ("row_id", "time", "score"):
        if not getattr(spec, role):
            raise LogSpecError(f"name the column of the {role.replace('_', ' ')}")
    # A segment may well be a feature too; nothing else may be two things at once.
    roles = [spec.row_id, spec.time, spec.score, spec.decision, spec.label, spec.label_known_at]
    taken = [name for name in (*roles, *(feature.name for feature in spec.features)) if name]
    for group in (taken, list(spec.segments)):
        for name in group:
            if group.count(name) > 1:
                raise LogSpecError(f"column {name!r} is used for two things", name)


def _check_cut_offs(spec: LogSpec) -> None:
    for value in spec.cut_offs:
        if not 0 < value < 1:
            raise LogSpecError(f"a cut-off must lie between 0 and 1, got {value}", spec.score)
    if len(set(spec.cut_offs)) != len(spec.cut_offs):
        raise LogSpecError(f"cut-offs must differ, got {list(spec.cut_offs)}", spec.score)


def _check_labels(spec: LogSpec) -> None:
    if spec.label_known_at and not spec.label:
        raise LogSpecError("label_known_at without a label", spec.label_known_at)
    days = spec.label_maturity_days
    if days is not None and (not isinstance(days, int) or days < 0):
        raise LogSpecError(f"label_maturity_days must be a whole number of days, got {days!r}", spec.label)
