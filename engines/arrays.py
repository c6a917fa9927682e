"""NumPy arrays as Arrow arrays without pandas.

`pyarrow.array` imports pandas, where it is installed, to see whether it was given a Series: two seconds in every
worker for nothing. Buffers have no such question.
"""

import numpy as np
import pyarrow as pa

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}


def arrow_array(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """A fixed-width array of `kind`, NaN as null, with 0 in its place as Arrow has it; the item sizes must agree.

    Over the values' own memory where nothing is missing.
    """
    values = np.ascontiguousarray(values)
    if kind.bit_width != values.dtype.itemsize * 8:
        raise TypeError(f"{values.dtype} does not have the {kind.bit_width} bits of {kind}")
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(0, bool)
    if not missing.any():
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
    bitmap = np.packbits(~missing, bitorder="little")
    present = np.where(missing, 0, values)
    return pa.Array.from_buffers(kind, len(values), [pa.py_buffer(bitmap), pa.py_buffer(present)])


def arrow_mask(flags: np.ndarray) -> pa.Array:
    """A boolean array."""
    bits = np.packbits(np.asarray(flags, bool), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, pa.py_buffer(bits)])


def empty_table(schema: pa.Schema) -> pa.Table:
    """A table of no rows (`Schema.empty_table` asks for pandas too)."""
    return pa.Table.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def numpy_array(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray | None]:
    """The values (n,) of a fixed-width column and which of them are valid (n,) bool, None where all are.

    A view of the column's memory where it is one chunk; what stands in an invalid place is arbitrary.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    values = [_values(chunk) for chunk in chunks]
    dtype = _dtype(column.type)
    joined = values[0] if len(values) == 1 else np.concatenate([np.empty(0, dtype), *values])
    return joined, valid_places(column) if column.null_count else None


def valid_places(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n,) bool: where the column has a value."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return np.concatenate([np.empty(0, bool), *(_valid(chunk) for chunk in chunks)])


def _dtype(kind: pa.DataType) -> np.dtype:
    """NumPy's name of a fixed-width type (`to_pandas_dtype` imports what its name says)."""
    return np.dtype(np.int64 if pa.types.is_timestamp(kind) else _FLOATS.get(str(kind), str(kind)))


def _values(chunk: pa.Array) -> np.ndarray:
    if not len(chunk):
        return np.empty(0, _dtype(chunk.type))
    return np.frombuffer(chunk.buffers()[1], _dtype(chunk.type))[chunk.offset : chunk.offset + len(chunk)]


def _valid(chunk: pa.Array) -> np.ndarray:
    bitmap = chunk.buffers()[0]
    if bitmap is None or not len(chunk):
        return np.full(len(chunk), chunk.null_count == 0)
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little", count=chunk.offset + len(chunk))
    return bits[chunk.offset :].astype(bool)
