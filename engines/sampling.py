"""Draw the bottom-k sample of a partition block by block, without holding more than its candidates."""

import numpy as np
import pyarrow as pa

from engines.admission import Admitted
from engines.arrays import arrow_array, empty_table, numpy_array
from engines.columns import texts_of
from engines.kernels import UNGROUPED
from engines.log import LogSpec
from engines.reading import Columns
from engines.sample import BAND, DAY, KEY, OVERALL, PER_BAND, Sample, merge_samples, smallest

_ALL_KEYS = np.uint64(2**64 - 1)


class PartitionSample:
    """The sample of the blocks so far."""

    def __init__(self, spec: LogSpec, bands: int, features: tuple[str, ...]):
        self._spec, self._bands, self._numbers = spec, bands, set(spec.numbers)
        self._schema = self._fields(features)
        self.sample = Sample(empty_table(self._schema))

    def candidates(self, admitted: Admitted) -> np.ndarray:
        """Positions of the block's rows that may still enter."""
        limits = self._limits()
        used = admitted.groups[0] != UNGROUPED
        found = np.flatnonzero(used & (admitted.keys <= limits[np.clip(admitted.bands, 0, self._bands - 1)]))
        return found[smallest(admitted.keys[found], admitted.bands[found])]

    def _limits(self) -> np.ndarray:
        """(bands,) the largest key that a row of each band may have."""
        keys = numpy_array(self.sample.table.column(KEY))[0]
        overall = keys[OVERALL - 1] if keys.size >= OVERALL else _ALL_KEYS
        limits = np.full(self._bands, _ALL_KEYS)
        for band in range(self._bands):
            inside = keys[self.sample.bands == band]
            if inside.size >= PER_BAND:
                limits[band] = max(inside[PER_BAND - 1], overall)
        return limits

    def add(self, admitted: Admitted, positions: np.ndarray, columns: Columns, values: dict) -> None:
        """Add a block's candidates: `columns` of the head, `values` of the features at `positions`."""
        if positions.size:
            block = self._table(admitted, positions, columns, values)
            self.sample = merge_samples([self.sample, Sample(block)])

    def _fields(self, features: tuple[str, ...]) -> pa.Schema:
        spec, kinds = self._spec, {}
        for name in filter(None, (*spec.segments, spec.model_version)):
            kinds[name] = pa.string()
        for name in features:
            kinds[name] = pa.float64() if name in self._numbers else pa.string()
        roles = ((spec.row_id, pa.string()), (spec.time, pa.timestamp("us", "UTC")), (spec.score, pa.float64()))
        labels = ((name, pa.int8()) for name in (spec.label, spec.decision) if name)
        own = ((KEY, pa.uint64()), (BAND, pa.int8()), (DAY, pa.date32()))
        return pa.schema([*roles, *labels, *kinds.items(), *own])

    def _table(self, admitted: Admitted, positions: np.ndarray, columns: Columns, values: dict) -> pa.Table:
        spec = self._spec
        made = {
            spec.time: admitted.moments[positions],
            spec.score: admitted.scores[positions],
            spec.label: admitted.labels[positions],
            spec.decision: admitted.decisions[positions],
            KEY: admitted.keys[positions],
            BAND: admitted.bands[positions],
            DAY: admitted.days[positions],
        }
        arrays = []
        for field in self._schema:
            if field.name in made:
                arrays.append(arrow_array(made[field.name], field.type))
            elif field.name in self._numbers:
                arrays.append(arrow_array(values[field.name], field.type))
            elif field.name in values:
                arrays.append(values[field.name])
            else:
                arrays.append(texts_at(columns.get(field.name), positions))
        return pa.Table.from_arrays(arrays, schema=self._schema)


def texts_at(column: pa.ChunkedArray | None, positions: np.ndarray) -> pa.Array:
    """The column's values at some positions as text; missing where there is no column."""
    if column is None:
        return pa.nulls(positions.size, pa.string())
    return texts_of(column.take(arrow_array(positions, pa.int64()))).combine_chunks()
