"""A small deterministic byte format: the same arrays give the same bytes on every machine and release.

No general-purpose compressor is used, because two builds of one may write different bytes for the same
input, and profiles are addressed by their SHA-256. Counts are mostly small and sums mostly dense, so writing
the non-zero entries only, counts in the narrowest integer that holds them, comes close to a compressor.
Everything is little-endian.
"""

import json
import struct
from math import prod

import numpy as np

_WIDTHS = (np.dtype("<u1"), np.dtype("<u2"), np.dtype("<u4"), np.dtype("<u8"))


class PackedBytesError(ValueError):
    """Bytes that were not written by `Writer`, were cut short or are of another kind."""


class Writer:
    """Appends values; `to_bytes` gives what `Reader` reads back in the same order."""

    def __init__(self, kind: str):
        self._parts = [f"assay/{kind}\n".encode()]

    def document(self, value: object) -> None:
        """A JSON value, canonical: sorted keys, no spaces."""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        self.blob(text.encode())

    def blob(self, data: bytes) -> None:
        self._parts += [struct.pack("<Q", len(data)), data]

    def counts(self, array: np.ndarray) -> None:
        """Non-negative int64 of any shape."""
        flat = array.ravel()
        position = self._positions(array.shape, flat != 0)
        values = flat[position]
        width = next(i for i, dtype in enumerate(_WIDTHS) if _fits(values, dtype))
        self._parts += [struct.pack("<B", width), values.astype(_WIDTHS[width]).tobytes()]

    def floats(self, array: np.ndarray) -> None:
        """float64 of any shape, bit for bit except that -0.0 reads back as 0.0."""
        flat = np.asarray(array, dtype=np.float64).ravel()
        position = self._positions(np.shape(array), flat != 0)
        self._parts.append(flat[position].astype("<f8").tobytes())

    def _positions(self, shape: tuple[int, ...], filled: np.ndarray) -> np.ndarray:
        (position,) = filled.nonzero()
        is_listed = position.size * 32 < filled.size  # or a bitmap: whichever is smaller
        self._parts.append(struct.pack(f"<B{len(shape)}IBI", len(shape), *shape, is_listed, position.size))
        self._parts.append(position.astype("<u4").tobytes() if is_listed else np.packbits(filled).tobytes())
        return position

    def to_bytes(self) -> bytes:
        return b"".join(self._parts)


def _fits(values: np.ndarray, dtype: np.dtype) -> bool:
    return values.size == 0 or int(values.max()) <= np.iinfo(dtype).max


class Reader:
    """Reads what `Writer` of the same kind wrote. Raises PackedBytesError for anything else."""

    def __init__(self, kind: str, data: bytes):
        head = f"assay/{kind}\n".encode()
        if not data.startswith(head):
            raise PackedBytesError(f"expected bytes of kind {kind!r}, got {data[:24]!r}")
        self._data, self._at = memoryview(data), len(head)

    def document(self) -> object:
        return json.loads(self.blob())

    def blob(self) -> bytes:
        (length,) = self._struct("<Q")
        return bytes(self._take(length))

    def counts(self) -> np.ndarray:
        shape, position = self._positions()
        (width,) = self._struct("<B")
        if width >= len(_WIDTHS):
            raise PackedBytesError(f"unknown integer width {width}")
        return self._fill(shape, position, _WIDTHS[width], np.int64)

    def floats(self) -> np.ndarray:
        shape, position = self._positions()
        return self._fill(shape, position, np.dtype("<f8"), np.float64)

    def finish(self) -> None:
        """Raises PackedBytesError where bytes are left over."""
        if self._at != len(self._data):
            raise PackedBytesError(f"{len(self._data) - self._at} bytes after the end")

    def _positions(self) -> tuple[tuple[int, ...], np.ndarray]:
        (dimensions,) = self._struct("<B")
        shape = self._struct(f"<{dimensions}I")
        listed, filled = self._struct("<BI")
        size = prod(shape)
        if listed:
            position = np.frombuffer(self._take(4 * filled), "<u4").astype(np.int64)
        else:
            bits = np.frombuffer(self._take((size + 7) // 8), np.uint8)
            (position,) = np.unpackbits(bits, count=size).view(bool).nonzero()
        if position.size != filled or (listed and filled and position.max() >= size):
            raise PackedBytesError("positions do not match the array's shape")
        return shape, position

    def _fill(self, shape, position, stored: np.dtype, dtype: type) -> np.ndarray:
        array = np.zeros(prod(shape), dtype)
        array[position] = np.frombuffer(self._take(stored.itemsize * position.size), stored)
        return array.reshape(shape)

    def _struct(self, layout: str) -> tuple:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))

    def _take(self, length: int) -> memoryview:
        part = self._data[self._at : self._at + length]
        if len(part) != length:
            raise PackedBytesError(f"cut short: {length} bytes wanted at {self._at}, {len(part)} there")
        self._at += length
        return part
