"""`python -m demo.credit FOLDER`: train, write the logs, register; a second time nothing is left to do.

Leaves in FOLDER: training.parquet, a folder for each model with its reference and log, and models.json with
what the registry holds and which shifts were put in. MLFLOW_TRACKING_URI names the registry.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.credit.customers import Split
    from demo.credit.scorecards import TrainedModel

DONE = "models.json"


def main(folder: Path, tracking_uri: str) -> None:
    """Make what is missing in `folder`. models.json comes last, whole or not at all."""
    if is_done(folder, tracking_uri):
        return
    # Imported here: they take seconds, which a second start has no need to spend.
    from demo.credit.customers import load_customers, split_customers
    from demo.credit.scorecards import train_models
    from demo.credit.shifts import announced_shifts

    split = split_customers(load_customers())
    models = train_models(split.training)
    if not (folder / "training.parquet").exists():
        write_bank(folder, split, models)
    from demo.credit.registry import register_models

    registered = register_models(models, split, folder / "training.parquet", tracking_uri=tracking_uri)
    write_whole(folder / DONE, {"tracking_uri": tracking_uri, "models": registered, "shifts": announced_shifts()})
    print("registered", ", ".join(model["mlflow_uri"] for model in registered), flush=True)


def is_done(folder: Path, tracking_uri: str) -> bool:
    """Whether this registry was given the models before."""
    try:
        return json.loads((folder / DONE).read_text())["tracking_uri"] == tracking_uri
    except FileNotFoundError:
        return False


def write_whole(path: Path, content: dict) -> None:
    """The file is there with all of `content`, or not at all."""
    making = path.with_name(f".{path.name}")
    making.write_text(json.dumps(content, indent=2) + "\n")
    making.replace(path)


def write_bank(folder: Path, split: Split, models: tuple[TrainedModel, ...]) -> None:
    """Logs in a side folder first, so that a half-written one is never read; training data last."""
    from demo.credit.customers import FEATURES, OUTCOME
    from demo.credit.log import write_logs

    making = folder / ".making"
    shutil.rmtree(making, ignore_errors=True)
    write_logs(making, split, models)
    for model in models:
        shutil.rmtree(folder / model.name, ignore_errors=True)
        (making / model.name).replace(folder / model.name)
    split.training[[*FEATURES, OUTCOME]].to_parquet(making / "training.parquet", index=False)
    (making / "training.parquet").replace(folder / "training.parquet")
    making.rmdir()
    print("production logs written to", folder, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ["MLFLOW_TRACKING_URI"])
