"""Arrow columns into the plain arrays that the kernels take: numbers, days, texts, levels.

Nothing here raises for a bad cell: what cannot be read counts as missing and is counted, so that a log is
computed with its reasons instead of stopping half-way.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engines.arrays import arrow_mask, numpy_array
from engines.zones import DAY_MICROSECONDS, instants_of, wall_clock

NO_TIME = np.iinfo(np.int64).min
NO_DAY = np.iinfo(np.int32).min
# Outside these years a moment is a mistake (0001-01-01, 9999-12-31), and no window could hold it.
FIRST_DAY, LAST_DAY = -25_567, 84_006  # 1900-01-01, 2200-01-01
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without its dictionary."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def as_numbers(column: pa.ChunkedArray) -> tuple[np.ndarray, int]:
    """(n,) float64 with NaN for missing, and how many cells hold something that is no number."""
    column = plain(column)
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return _floats(column), 0
    if pa.types.is_boolean(kind):
        return _floats(column.cast(pa.int8())), 0
    if pa.types.is_decimal(kind):
        return _floats(column.cast(pa.float64())), 0
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan), 0
    return _parsed(column)


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    values, valid = numpy_array(column)
    floats = values.astype(np.float64) if valid is not None else np.ascontiguousarray(values, np.float64)
    if valid is not None:
        floats[~valid] = np.nan
    return floats


def _parsed(column: pa.ChunkedArray) -> tuple[np.ndarray, int]:
    texts = texts_of(column)
    try:
        return _floats(texts.cast(pa.float64())), 0
    except pa.ArrowInvalid:
        cells = [_number(text) for text in texts.to_pylist()]
    unreadable = sum(cell is None for cell in cells)
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64), unreadable


def _number(text: str | None) -> float | None:
    """NaN for a missing cell, None for one that is no number."""
    if text is None or not text.strip():
        return np.nan
    try:
        return float(text)
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(text.strip().lower())


def texts_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as UTF-8 text, missing staying missing; 7.0 becomes "7", so that CSV and Parquet agree."""
    column = plain(column)
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        return pa.chunked_array([pa.array([level_name(value) for value in column.to_pylist()], pa.string())])
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.chunked_array([pa.array([level_name(value) for value in column.to_pylist()], pa.string())])


def level_name(value: object) -> str | None:
    """The name of a categorical value, the same whatever type a file stores it in."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _text_or_digits(value) if isinstance(value, bytes) else str(value)


def _text_or_digits(value: bytes) -> str:
    """UTF-8, or the bytes in hexadecimal: replaced by one sign, different values would be one."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


def as_levels(column: pa.ChunkedArray) -> list[tuple[np.ndarray, list[str | None]]]:
    """Per chunk: (n,) int32 positions into its own list of level names, -1 for missing."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return [_chunk_levels(chunk) for chunk in column.chunks]


def _chunk_levels(chunk: pa.DictionaryArray) -> tuple[np.ndarray, list[str | None]]:
    indices, valid = numpy_array(chunk.indices)
    positions = indices.astype(np.int32)
    if valid is not None:
        positions[~valid] = -1
    names = chunk.dictionary.to_pylist()
    return positions, names if pa.types.is_string(chunk.dictionary.type) else [level_name(name) for name in names]


def is_moment(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold moments: timestamps, dates or text."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind) or is_text(kind)


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)


def as_moments(column: pa.ChunkedArray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Moments and the bank's day of each; `column` is of a type that `is_moment`.

    Returns (n,) int64 microseconds since 1970, UTC, NO_TIME where missing or unreadable, and (n,) int32 days
    since 1970 on the calendar of `zone`, NO_DAY there. A moment without a zone is the bank's wall clock.
    """
    instant, local = _instant_and_local(_timestamps(plain(column), zone), zone)
    days = np.floor_divide(local, DAY_MICROSECONDS)
    known = (days >= FIRST_DAY) & (days < LAST_DAY)
    return np.where(known, instant, NO_TIME), np.where(known, days, NO_DAY).astype(np.int32)


def _instant_and_local(column: pa.ChunkedArray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    given, valid = numpy_array(column)
    if valid is not None:
        given = np.where(valid, given, 0)
    if column.type.tz is None:
        instant, local = instants_of(given, zone), given
    else:
        instant, local = given, wall_clock(given, zone)
    return (instant, local) if valid is None else (instant, np.where(valid, local, NO_TIME))


def _timestamps(column: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """As timestamps in microseconds, keeping their zone."""
    moments = _in_reach(_parsed_moments(column, zone) if is_text(column.type) else column)
    return pc.cast(moments, pa.timestamp("us", getattr(moments.type, "tz", None)), safe=False)


def _parsed_moments(column: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    texts = texts_of(column)
    for target in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return texts.cast(target)
        except pa.ArrowInvalid:
            continue
    moments = [_moment(text, ZoneInfo(zone)) for text in texts.to_pylist()]
    return pa.chunked_array([pa.array(moments, pa.timestamp("us", "UTC"))])


def _in_reach(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments or dates, those days away from FIRST_DAY to LAST_DAY missing: in microseconds they might overflow."""
    kind = column.type
    if pa.types.is_null(kind):
        return column
    a_day = 1 if pa.types.is_date32(kind) else 86_400 * _A_SECOND[getattr(kind, "unit", "ms")]
    integers, _ = numpy_array(column.cast(pa.int32() if a_day == 1 else pa.int64()))
    inside = (integers > (FIRST_DAY - 2) * a_day) & (integers < (LAST_DAY + 2) * a_day)
    return column if inside.all() else pc.if_else(arrow_mask(inside), column, pa.scalar(None, kind))


def _moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """Slow way for cells of mixed form; None for what is no ISO 8601 moment."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
