"""Which raw column each transformed column comes from, so that one-hot parts add up to their column."""

from __future__ import annotations

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder


class Unmappable(ValueError):
    """A step mixes columns or is not known: its parts cannot be given back to single columns."""


def column_origins(transformer: object, names: list[str]) -> np.ndarray:
    """For each output column of the fitted `transformer`, the index in `names` it comes from.

    Raises Unmappable for a step whose columns come from several raw columns, or one not known here.
    """
    return np.asarray(_origins(transformer, list(range(len(names))), names), dtype=np.int64)


def check_origins(transform, frame, origins: np.ndarray, *, rows: int = 64) -> None:
    """Shuffle one raw column at a time: no transformed column of another origin may move.

    Catches what the class of a step does not tell (scikit-learn's row normaliser calls itself
    one-to-one, and a subclass may do anything). Raises Unmappable naming the column.
    """
    frame = frame.head(rows).reset_index(drop=True)
    before = transform(frame)
    for index, name in enumerate(frame.columns):
        turned = frame.copy()
        turned[name] = np.roll(frame[name].array, 1)
        moved = ~np.isclose(transform(turned), before, equal_nan=True).all(axis=0)
        if (moved & (origins != index)).any():
            raise Unmappable(f"column {name} moves transformed columns that are not its own")


def _origins(step: object, inputs: list[int], names: list[str]) -> list[int]:
    """Origins of the step's outputs; `inputs` are the origins of its inputs, `names` the inputs' names."""
    match step:
        case None | "passthrough":
            return inputs
        case FunctionTransformer() if step.func is None:  # what "passthrough" becomes when fitted
            return inputs
        case "drop":
            return []
        case Pipeline():
            for _, part in step.steps:
                inputs = _origins(part, inputs, names)
                names = []  # from here on, a step may name columns that are not raw ones
            return inputs
        case ColumnTransformer():
            return _of_column_transformer(step, inputs, names)
        case OneHotEncoder():
            return _repeated(inputs, step._n_features_outs)
        case KBinsDiscretizer() if step.encode != "ordinal":
            return _repeated(inputs, step.n_bins_)
        case KBinsDiscretizer():
            return inputs
        case SimpleImputer():
            return _of_imputer(step, inputs)
        case OneToOneFeatureMixin():
            return inputs
    raise Unmappable(f"{type(step).__name__} is not known to keep columns apart")


def _of_column_transformer(step: ColumnTransformer, inputs: list[int], names: list[str]) -> list[int]:
    width = max((part.stop for part in step.output_indices_.values()), default=0)
    origins = [-1] * width
    for name, part, columns in step.transformers_:
        place = step.output_indices_[name]
        if place.start < place.stop:
            chosen = positions(columns, names)
            inner_names = [names[index] for index in chosen] if names else []
            origins[place] = _origins(part, [inputs[index] for index in chosen], inner_names)
    if len(origins) != width or -1 in origins:
        raise Unmappable("the column transformer's parts do not add up to its output")
    return origins


def needed_columns(step: object, names: list[str]) -> list[str]:
    """Those of `names` that a first step uses: a column transformer drops the rest, so a log may lack it."""
    if not isinstance(step, ColumnTransformer):
        return names
    used = {index for _, part, columns in step.transformers_ if part != "drop" for index in positions(columns, names)}
    return [names[index] for index in sorted(used)]


def positions(columns: object, names: list[str]) -> list[int]:
    """The indices in `names` that a column transformer's choice of columns stands for."""
    if isinstance(columns, (str, int)):
        columns = [columns]
    if isinstance(columns, slice):
        return list(range(len(names)))[columns]
    columns = np.asarray(columns)
    if columns.dtype == bool:
        return np.flatnonzero(columns).tolist()
    columns = columns.tolist()
    if unknown := [column for column in columns if isinstance(column, str) and column not in names]:
        raise Unmappable(f"a later step chooses columns by name ({unknown[0]})")
    return [names.index(column) if isinstance(column, str) else int(column) for column in columns]


def _repeated(inputs: list[int], widths) -> list[int]:
    return np.repeat(inputs, list(widths)).tolist()


def _of_imputer(step: SimpleImputer, inputs: list[int]) -> list[int]:
    # A column without any value is dropped unless keep_empty_features; indicators come last.
    empty = np.array([isinstance(value, float) and np.isnan(value) for value in step.statistics_])
    kept = [origin for origin, gone in zip(inputs, empty, strict=True) if step.keep_empty_features or not gone]
    return kept + ([inputs[index] for index in step.indicator_.features_] if step.add_indicator else [])
