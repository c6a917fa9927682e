"""Samples of log rows as the sandbox takes them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.explain import ExplanationRefused
from sandbox.handed_out import Refusal
from stats.reference import CategoryLevels, NumberBins, ReferenceProfile

ARROW_TYPES = {
    "long": pa.int64(),
    "integer": pa.int32(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "string": pa.string(),
}


def as_the_model_takes(table: pa.Table, signature: dict | None) -> pa.Table:
    """The sample with its columns in the types of the model's signature.

    A sample keeps categories as text, whatever they were in the log: a model that was trained on codes would
    take the text "2" for an unknown level, and score the row wrongly.
    Raises ExplanationRefused where a value cannot be read as the type.
    """
    for place, field in enumerate(table.schema):
        wanted = next((c["type"] for c in (signature or {}).get("inputs", ()) if c["name"] == field.name), None)
        kind = ARROW_TYPES.get(wanted)
        if kind is None or kind == field.type:
            continue
        try:
            column = pc.cast(table.column(place), kind)
        except pa.ArrowInvalid as problem:
            raise ExplanationRefused(
                Refusal.MISSING_COLUMNS,
                f"The model takes {field.name} as {wanted}, and the log holds other values: {problem}. "
                "Register a version whose signature fits the log, or correct the log.",
            ) from problem
        table = table.set_column(place, pa.field(field.name, kind), column)
    return table


FEW = 5  # rows of which none may be told apart in a report that is kept for good


def coarsened(
    current: pa.Table, reference: pa.Table, *, numbers: Sequence[str], categories: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """Both samples as another library may report on them: it shows extremes and the name of every level.

    Numbers to three significant figures, the FEW at each end as one; levels of fewer than FEW rows as one.
    """
    for name in numbers:
        current, reference = (_with(table, name, _rounded(table.column(name))) for table in (current, reference))
    for name in categories:
        counts = Counter(current.column(name).to_pylist()) + Counter(reference.column(name).to_pylist())
        current, reference = (
            _with(table, name, _frequent(table.column(name), counts)) for table in (current, reference)
        )
    return current, reference


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def _rounded(column: pa.ChunkedArray) -> pa.Array:
    values = column.to_numpy().astype(float)
    finite = np.sort(values[np.isfinite(values)])
    if finite.size >= 2 * FEW:
        values = np.clip(values, finite[FEW - 1], finite[-FEW])
    size = np.floor(np.log10(np.abs(values, where=values != 0, out=np.ones_like(values))))
    step = 10.0 ** (size - 2)
    return pa.array(np.where(np.isfinite(values), np.round(values / step) * step, values), from_pandas=True)


def _frequent(column: pa.ChunkedArray, counts: Counter) -> pa.Array:
    return pa.array(
        [text if text is None or counts[text] >= FEW else "(rare)" for text in column.to_pylist()], pa.string()
    )


def digest_of(table: pa.Table) -> str:
    """SHA-256 of the sample's rows, hexadecimal."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def bins_of(table: pa.Table, features: Sequence[str], reference: ReferenceProfile) -> np.ndarray:
    """(n, p) int32: the PSI bin of each number and the level of each category, as places in `windows.labels_of`.

    What is kept for good says where in the reference a value lies, and no value of a customer.
    """
    known = {one.name: one for one in (*reference.numbers, *reference.categories)}
    places = [_places(table.column(name), known[name]) for name in features]
    return np.column_stack(places).astype(np.int32)


def _places(column: pa.ChunkedArray, bins: NumberBins | CategoryLevels) -> np.ndarray:
    if isinstance(bins, NumberBins):
        values, cuts = column.to_numpy().astype(float), bins.edges[bins.cuts]
        return np.where(np.isnan(values), cuts.size + 1, np.searchsorted(cuts, values))
    levels = {level: place for place, level in enumerate(bins.levels)}
    other, new, missing = range(len(levels), len(levels) + 3)
    unknown = new if bins.complete else other
    return np.array([missing if text is None else levels.get(text, unknown) for text in column.to_pylist()])
