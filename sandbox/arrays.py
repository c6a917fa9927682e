"""Read `.npy` bytes that a hostile process wrote, of exactly the type and shape that is expected."""

from __future__ import annotations

import io

import numpy as np


class BadArray(ValueError):
    """The bytes are not the array that was asked for; the message says in what."""


def read_array(name: str, data: bytes, *, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """The array in `data`; None in `shape` leaves that length open.

    Never unpickles, and allocates no more than `data` holds: the header is compared with the bytes
    that follow before anything is built. Raises BadArray.
    """
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        found, by_column, kind = np.lib.format.read_array_header_1_0(stream) if version == (1, 0) else (None,) * 3
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise BadArray(f"{name} is not a NumPy file") from error
    if kind is None or by_column or kind != np.dtype(dtype) or not _fits(found, shape):
        raise BadArray(f"{name} should hold {dtype} of shape {shape}, and holds {kind} of shape {found}")
    if len(data) - stream.tell() != int(np.prod(found, dtype=object)) * kind.itemsize:
        raise BadArray(f"{name} is shorter or longer than its shape {found} says")
    return np.frombuffer(data, dtype=kind, offset=stream.tell()).reshape(found)


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(w in (None, f) and f >= 0 for f, w in zip(found, wanted, strict=True))
