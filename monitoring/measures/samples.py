"""Samples of log rows as the sandbox takes them."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.explain import ExplanationRefused
from sandbox.handed_out import Refusal

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


def digest_of(table: pa.Table) -> str:
    """SHA-256 of the sample's rows, hexadecimal."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def as_numbers(table: pa.Table) -> np.ndarray:
    """(n, p) float64 for colouring a beeswarm; text columns by the rank of their value."""
    columns = []
    for column in table.columns:
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            columns.append(column.to_numpy().astype(float))
        else:
            values = np.array([str(value) for value in column.to_pylist()])
            columns.append(np.unique(values, return_inverse=True)[1].astype(float))
    return np.column_stack(columns)
