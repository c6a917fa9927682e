"""Explain a model in the sandbox, and believe nothing that comes out before it is checked."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa

from . import bubblewrap
from .explanation import ExplanationTarget, Floats, ShapValues, rescore
from .handed_out import ExplanationRefused, Numbers, Refusal, check_link
from .limits import Limits
from .model_card import ModelCard, ModelCardRefused, inspect_model
from .model_tree import ModelTree, ModelTreeRefused, model_tree
from .outcomes import Finished
from .proof import launch_proved

PROGRAM = bubblewrap.PACKAGE / "inside" / "explain.py"
_PERMUTATION_SHARE = 0.6  # of the budget; the rest is for imports, loading and scoring


def explain(
    model_folder: Path | str,
    *,
    sample: pa.Table,
    background: pa.Table,
    target: ExplanationTarget,
    seed: int,
    budget_seconds: float,
    logged_scores: Sequence[float] | Floats,
    row_ids: Sequence[object],
    expected_digest: str | None = None,
    tolerance: float = 1e-6,
    limits: Limits | None = None,
) -> ShapValues:
    """SHAP values of the model on `sample`, checked, and its scores compared with the logged ones.

    sample           (n, p) raw feature columns, and nothing else
    background       (m, p) same columns: what "average" means to linear and black-box models
    budget_seconds   wall-clock time of the whole run
    logged_scores    (n,) what the serving platform logged; NaN where it logged none
    row_ids          (n,) ids of the rows, to name mismatches
    expected_digest  model-tree-v1 of the registered artefact; another digest is refused
    tolerance        largest difference at which a score counts as the logged one

    Raises ExplanationRefused with its kind and a sentence, and SandboxUnavailable.
    """
    if len(logged_scores) != sample.num_rows or len(row_ids) != sample.num_rows:
        raise ValueError(
            f"sample, logged_scores and row_ids must have one length, got "
            f"{sample.num_rows}, {len(logged_scores)} and {len(row_ids)}"
        )
    tree, card = _checked_model(Path(model_folder), expected_digest, target)
    features = _features(card, sample, background)
    limits = _within(budget_seconds, limits or Limits())
    outcome = _run(Path(model_folder), sample, background, features, target, seed, limits)
    numbers = Numbers(outcome.files, rows=sample.num_rows, features=features)
    check_link(numbers, target)
    return ShapValues(
        target=target,
        features=numbers.features,
        shap_values=numbers.shap_values,
        base_value=numbers.base,
        margins=numbers.margins,
        scores=numbers.scores,
        rows=numbers.rows,
        row_ids=tuple(row_ids),
        method=numbers.method,
        detail=numbers.detail,
        additivity_error=numbers.additivity_error,
        rescoring=rescore(numbers.scores, logged_scores, row_ids, tolerance=tolerance),
        loaded_by_code=card.loading_as(target.flavour).by_code,
        model_digest=tree.digest,
        versions=numbers.versions,
        seed=seed,
        background_rows=background.num_rows,
        seconds=outcome.seconds,
    )


def _checked_model(folder: Path, expected_digest: str | None, target: ExplanationTarget) -> tuple[ModelTree, ModelCard]:
    try:
        tree = model_tree(folder)
    except ModelTreeRefused as error:
        raise ExplanationRefused(Refusal.UNREADABLE_MODEL, f"The artefact was refused: {error}.") from error
    if expected_digest is not None and tree.digest != expected_digest:
        raise ExplanationRefused(
            Refusal.DIGEST_CHANGED,
            f"The artefact has digest {tree.digest[:12]}…, but {expected_digest[:12]}… was registered, so it was "
            "not loaded. Register what is deployed as a new version, or restore the registered files.",
        )
    try:
        card = inspect_model(folder)
        card.loading_as(target.flavour)
    except ModelCardRefused as error:
        raise ExplanationRefused(Refusal.UNREADABLE_MODEL, f"The model cannot be loaded: {error}.") from error
    return tree, card


def _features(card: ModelCard, sample: pa.Table, background: pa.Table) -> list[str]:
    """The columns to explain: the signature's, where it names them, else all of the sample."""
    if not sample.num_rows or not background.num_rows:
        raise ExplanationRefused(
            Refusal.EMPTY_SAMPLE, "There is no row to explain, or none to compare with. Choose a longer window."
        )
    named = [column.name for column in card.inputs if column.name]
    features = named or sample.column_names
    required = [c.name for c in card.inputs if c.name and c.required] or features
    lacking = [name for name in required if name not in sample.column_names or name not in background.column_names]
    if lacking:
        raise ExplanationRefused(
            Refusal.MISSING_COLUMNS,
            f"The model takes {', '.join(lacking[:10])}, which the log does not give. "
            "Add the column to the monitor's features or correct its name.",
        )
    return [name for name in features if name in sample.column_names and name in background.column_names]


def _within(budget_seconds: float, limits: Limits) -> Limits:
    # Processor time is a second net only: every thread may run for the whole budget.
    return replace(limits, wall_seconds=budget_seconds, cpu_seconds=int(budget_seconds * limits.threads) + 5)


def _run(
    folder: Path,
    sample: pa.Table,
    background: pa.Table,
    features: list[str],
    target: ExplanationTarget,
    seed: int,
    limits: Limits,
) -> Finished:
    orders = {
        "target": asdict(target),
        "features": features,
        "seed": seed,
        "permutation_seconds": limits.wall_seconds * _PERMUTATION_SHARE,
    }
    with tempfile.TemporaryDirectory(prefix="assay-explain-") as inputs:
        write_arrow(sample.select(features), Path(inputs, "sample.arrow"))
        write_arrow(background.select(features), Path(inputs, "background.arrow"))
        Path(inputs, "orders.json").write_text(json.dumps(orders))
        outcome = launch_proved(PROGRAM, model=folder, inputs=Path(inputs), limits=limits)
    if not isinstance(outcome, Finished):
        raise ExplanationRefused(Refusal.RUN_FAILED, outcome.sentence, outcome)
    return outcome


def write_arrow(table: pa.Table, path: Path) -> None:
    """Write `table` as an Arrow IPC file, in one batch, for a program inside to map."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
