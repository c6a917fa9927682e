"""The reference engine: slow, obvious, row by row in memory. What the fast engines must agree with.

It shares with them the meaning of a column (engines.columns) and nothing of their counting: rows are judged one
at a time in plain Python, and every state is filled from the list of its rows with NumPy's own functions.
Counts must be equal; sums may differ by 1e-9 relative, since additions are ordered differently.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from engines import admission as reasons
from engines.admission import EPOCH, day_of, levels_of, microseconds
from engines.columns import NO_DAY, NO_TIME, as_moments, as_numbers, texts_of
from engines.kernels import CLIP, SMALLEST_SD
from engines.log import LogSpec
from engines.partition import ALL
from engines.reading import open_partition
from engines.sources import Partition
from engines.versions import pooled, version_said
from engines.zones import DAY_MICROSECONDS
from stats.bins import bin_positions
from stats.reference import CategoryLevels, NumberBins, ReferenceProfile, ScoreBins
from stats.state import (
    APPROVED,
    BAD,
    DECLINED,
    GOOD,
    NAMED_NEW_LEVELS,
    UNDECIDED,
    UNKNOWN,
    CategoryCounts,
    Moments,
    NumberCounts,
    ProfileState,
    ScoreCounts,
)

Row = dict[str, object]


@dataclass(frozen=True, eq=False)
class Counted:
    """What an engine must agree on: states by (bank's day, segment) and the account of rows."""

    states: dict[tuple[date, str], ProfileState]
    rows_read: int
    refused: dict[str, int]
    labels_change_at: datetime | None
    versions: dict[tuple[date, str], int]


def profile_in_memory(
    partition: Partition, spec: LogSpec, reference: ReferenceProfile, *, labels_as_of: datetime | None = None
) -> Counted:
    """As engines.local.profile_partition, for as many rows as fit in memory as Python objects."""
    rows = read_rows(partition, spec)
    used, refused = judge(rows, spec)
    as_of = None if labels_as_of is None else microseconds(labels_as_of)
    for row in used:
        row["label class"] = label_class(row, spec, as_of)
        row["decision class"] = decision_class(row, spec)
    grouped = defaultdict(list)
    for row in used:
        for segment in segments_of(row, reference.segments):
            grouped[day_of(row["day"]), segment].append(row)
    states = {key: count(group, key[1], spec, reference) for key, group in grouped.items()}
    return Counted(states, len(rows), dict(refused), next_label(used, spec, as_of), count_versions(used, spec))


def count_versions(rows: list[Row], spec: LogSpec) -> dict[tuple[date, str], int]:
    if not spec.model_version:
        return {}
    return dict(pooled(Counter((day_of(row["day"]), version_said(row[spec.model_version])) for row in rows)))


def read_rows(partition: Partition, spec: LogSpec) -> list[Row]:
    """Every row as a dictionary: numbers as floats (NaN missing), the rest as text (None missing)."""
    rows: list[Row] = []
    reader = open_partition(partition, spec.columns)
    for block in reader.blocks(spec.columns):
        columns = {name: _values(name, column, spec) for name, column in block.read(spec.columns).items()}
        for name in spec.columns:
            columns.setdefault(name, [_absent(name, spec)] * block.rows)
        moments, days = as_moments(block.read([spec.time])[spec.time], spec.time_zone)
        for place in range(block.rows):
            row = {name: values[place] for name, values in columns.items()}
            roles = {"id": row[spec.row_id], "score": row[spec.score]}
            rows.append({**row, **roles, "moment": int(moments[place]), "day": int(days[place])})
    return rows


def _absent(name: str, spec: LogSpec) -> object:
    """What every row has in a column that is not there."""
    return NO_TIME if name == spec.label_known_at else np.nan if name in spec.numbers else None


def _values(name: str, column, spec: LogSpec) -> list:
    if name in spec.numbers or name in (spec.score, spec.label):
        return as_numbers(column)[0].tolist()
    if name == spec.label_known_at:
        return as_moments(column, spec.time_zone)[0].tolist()
    if name == spec.row_id:
        return texts_of(column).to_pylist()
    return [names[at] if at >= 0 else None for positions, names in levels_of(column, name) for at in positions.tolist()]


def judge(rows: list[Row], spec: LogSpec) -> tuple[list[Row], Counter[str]]:
    """The usable rows, and how many were refused for which reason; what repeats state is kept with their first."""
    used, refused, seen = [], Counter(), {}
    for row in rows:
        reason = _objection(row, seen)
        if reason == reasons.REPEATED:
            reason = _restate(seen[row["id"]], statement(row, spec))
        if reason:
            refused[reason] += 1
        else:
            seen[row["id"]] = row
            row["statements"] = [statement(row, spec)]
            used.append(row)
    return used, refused


def statement(row: Row, spec: LogSpec) -> tuple[int, int]:
    """(since when it is known or NO_TIME, label class) of the outcome that a line states."""
    label = row.get(spec.label) if spec.label else None
    if label not in (0.0, 1.0):
        return NO_TIME, UNKNOWN
    return (row[spec.label_known_at] if spec.label_known_at else NO_TIME), BAD if label == 1.0 else GOOD


def _restate(first: Row, stated: tuple[int, int]) -> str:
    """Keep an outcome of a repeated line with the first of its id; the reason under which the line is left out."""
    if stated[0] == NO_TIME:
        return reasons.REPEATED
    first["statements"].append(stated)
    return reasons.REPEATED if stated[0] == first["statements"][0][0] else reasons.RESTATED


def _objection(row: Row, seen: dict[str, Row]) -> str | None:
    if not row["id"]:
        return reasons.NO_ROW_ID
    if row["day"] == NO_DAY:
        return reasons.NO_MOMENT
    if not np.isfinite(row["score"]):
        return reasons.NO_SCORE
    if not 0 <= row["score"] <= 1:
        return reasons.WRONG_SCORE
    return reasons.REPEATED if row["id"] in seen else None


def label_class(row: Row, spec: LogSpec, as_of: int | None) -> int:
    """Of the row's known outcomes the newest, of equally new ones the first; UNKNOWN while it may still change."""
    days = spec.label_maturity_days
    if as_of is not None and days is not None and row["moment"] + days * DAY_MICROSECONDS > as_of:
        return UNKNOWN
    known = [stated for stated in row["statements"] if stated[1] != UNKNOWN and _known(stated[0], spec, as_of)]
    return max(known, key=lambda stated: stated[0])[1] if known else UNKNOWN


def _known(known_at: int, spec: LogSpec, as_of: int | None) -> bool:
    return as_of is None or not spec.label_known_at or NO_TIME < known_at <= as_of


def next_label(rows: list[Row], spec: LogSpec, as_of: int | None) -> datetime | None:
    """The first moment after `as_of` at which some row's label class is another: each that could be one is tried."""
    if as_of is None:
        return None
    tried = [(row, moment) for row in rows for moment in _turning_points(row, spec) if moment > as_of]
    changes = [moment for row, moment in tried if label_class(row, spec, moment) != row["label class"]]
    return EPOCH + timedelta(microseconds=min(changes)) if changes else None


def _turning_points(row: Row, spec: LogSpec) -> list[int]:
    known_at = [moment for moment, _ in row["statements"]] if spec.label_known_at else []
    days = spec.label_maturity_days
    return known_at if days is None else [*known_at, row["moment"] + days * DAY_MICROSECONDS]


def decision_class(row: Row, spec: LogSpec) -> int:
    decision = ((row.get(spec.decision) if spec.decision else None) or "").strip().casefold()
    if not decision:
        return UNDECIDED
    return APPROVED if decision in {value.strip().casefold() for value in spec.approved_values} else DECLINED


def segments_of(row: Row, segments: tuple[CategoryLevels, ...]) -> list[str]:
    """The cuts that a row belongs to."""
    names = [ALL]
    for segment in segments:
        value = row[segment.name]
        unknown = reasons.NEW if segment.complete else reasons.OTHER
        level = reasons.MISSING if value is None else value if value in segment.levels else unknown
        names.append(f"{segment.name}={level}")
    return names


def count(rows: list[Row], segment: str, spec: LogSpec, reference: ReferenceProfile) -> ProfileState:
    """The state of the rows of one day and segment."""
    return ProfileState(
        rows=len(rows),
        numbers=tuple(count_number(bins, _column(rows, bins.name)) for bins in reference.numbers),
        categories=tuple(count_levels(c, [row[c.name] for row in rows]) for c in reference.categories),
        score=count_scores(reference.score, rows),
        moments=count_moments(reference.numbers, rows) if segment == ALL else None,
    )


def _column(rows: list[Row], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], np.float64)


def count_number(bins: NumberBins, values: np.ndarray) -> NumberCounts:
    present = values[~np.isnan(values)]
    finite = present[np.isfinite(present)]
    cells = bins.edges.size + 1
    counts = np.bincount(bin_positions(present, bins.edges), minlength=cells)
    centred = np.bincount(bin_positions(finite, bins.edges), weights=finite - bins.mean, minlength=cells)
    low, high = (finite.min(), finite.max()) if finite.size else (np.inf, -np.inf)
    missing = values.size - present.size
    return NumberCounts(np.append(counts, missing), centred, float(low), float(high), present.size - finite.size)


def count_levels(levels: CategoryLevels, values: list[str | None]) -> CategoryCounts:
    known, new, counts = len(levels.levels), Counter(), np.zeros(len(levels.levels) + 3, np.int64)
    for value in values:
        if value is None:
            counts[known + 2] += 1
        elif value in levels.levels:
            counts[levels.levels.index(value)] += 1
        elif levels.complete:
            counts[known + 1] += 1
            new[value] += 1
        else:
            counts[known] += 1
    return CategoryCounts(counts, tuple(sorted(new.items())[:NAMED_NEW_LEVELS]))


def count_scores(bins: ScoreBins, rows: list[Row]) -> ScoreCounts:
    cells = bins.edges.size + 1
    counts, sums, squares = np.zeros((3, cells), np.int64), np.zeros((3, cells)), np.zeros((3, cells))
    losses, decisions = np.zeros(2), np.zeros((3, 3, bins.bands), np.int64)
    band_edges, smallest = bins.edges[bins.band_cuts], np.finfo(np.float64).eps
    for row in rows:
        score, label = row["score"], row["label class"]
        place = int(bin_positions(score, bins.edges))
        counts[label, place] += 1
        sums[label, place] += score
        squares[label, place] += score**2
        decisions[label, row["decision class"], int(bin_positions(score, band_edges))] += 1
        if label != UNKNOWN:
            likelihood = score if label == BAD else 1 - score
            losses[label - 1] -= np.log(np.clip(likelihood, smallest, 1 - smallest))
    return ScoreCounts(counts, sums, squares, losses, decisions)


def count_moments(numbers: tuple[NumberBins, ...], rows: list[Row]) -> Moments:
    matrix = np.zeros((len(rows), len(numbers)))
    for place, bins in enumerate(numbers):
        if bins.sd >= SMALLEST_SD:
            standardised = (_column(rows, bins.name) - bins.mean) / bins.sd
            matrix[:, place] = np.clip(np.nan_to_num(standardised, nan=0.0, posinf=CLIP, neginf=-CLIP), -CLIP, CLIP)
    return Moments(len(rows), matrix.sum(axis=0), matrix.T @ matrix)
