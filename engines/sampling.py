"""Draw the bottom-k sample of a partition block by block, without holding more than its candidates."""

import numpy as np
import pyarrow as pa

from engines.admission import Admitted
from engines.arrays import arrow_array, empty_table
from engines.columns import FIRST_DAY, LAST_DAY, texts_of
from engines.kernels import UNGROUPED
from engines.log import LogSpec
from engines.reading import Columns
from engines.sample import A_DAY, BAND, DAY, KEY, PER_BAND, Sample, merge_samples, rank_within, smallest

_ALL_KEYS = np.uint64(2**64 - 1)


class PartitionSample:
    """The sample of the blocks so far."""

    def __init__(self, spec: LogSpec, bands: int, features: tuple[str, ...]):
        self._spec, self._numbers = spec, set(spec.numbers)
        self._schema = self._fields(features)
        self._bands, self._waiting = bands, []
        self._kept: Sample | None = None
        self._limits: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def sample(self) -> Sample:
        self._merge()
        return Sample(empty_table(self._schema)) if self._kept is None else self._kept

    def candidates(self, admitted: Admitted) -> np.ndarray:
        """Positions of the block's rows that may still enter."""
        used = np.flatnonzero(admitted.groups[0] != UNGROUPED)
        if self._kept is not None:
            used = used[self._may_enter(admitted.keys[used], admitted.bands[used], admitted.days[used])]
        if used.size == admitted.keys.size:  # spares the copies of a whole block
            return smallest(admitted.keys, admitted.bands, admitted.days)
        return used[smallest(admitted.keys[used], admitted.bands[used], admitted.days[used])]

    def _may_enter(self, keys: np.ndarray, bands: np.ndarray, days: np.ndarray) -> np.ndarray:
        """(n,) bool: by the largest key that a row of each band, and of each day, may have beside those kept."""
        if self._limits is None:
            kept = self._kept
            self._limits = (
                _limits(self._bands, kept.keys, kept.bands, PER_BAND),
                _limits(LAST_DAY - FIRST_DAY, kept.keys, kept.days - FIRST_DAY, A_DAY),
            )
        of_bands, of_days = self._limits
        return keys <= np.maximum(of_bands[bands], of_days[days - FIRST_DAY])

    def add(self, admitted: Admitted, positions: np.ndarray, columns: Columns, values: dict) -> None:
        """Add a block's candidates: `columns` of the head, `values` of the features at `positions`."""
        if positions.size:
            self._waiting.append(Sample(self._table(admitted, positions, columns, values)))
        # Each merge copies what is kept: only once as much is waiting, or a month of days would be copied all day.
        if sum(map(len, self._waiting)) > (0 if self._kept is None else len(self._kept)):
            self._merge()

    def _merge(self) -> None:
        """The candidates of the first block are its sample as they are."""
        if self._waiting:
            kept = self._waiting if self._kept is None else [self._kept, *self._waiting]
            self._kept = kept[0] if len(kept) == 1 else merge_samples(kept)
            self._waiting, self._limits = [], None

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


def _limits(size: int, keys: np.ndarray, groups: np.ndarray, most: int) -> np.ndarray:
    """(size,) the key of each group's `most`-th row, keys being in order; none where a group has fewer."""
    limits = np.full(size, _ALL_KEYS)
    last = np.flatnonzero(rank_within(groups) == most - 1)
    limits[groups[last]] = keys[last]
    return limits


def texts_at(column: pa.ChunkedArray | None, positions: np.ndarray) -> pa.Array:
    """The column's values at some positions as text; missing where there is no column."""
    if column is None:
        return pa.nulls(positions.size, pa.string())
    return texts_of(column.take(arrow_array(positions, pa.int64()))).combine_chunks()
