"""Program: load the model, score the sample, attribute, write numbers.

Reads /in/sample.arrow, /in/background.arrow, /in/orders.json. Writes to /out either refusal.json, or
scores.npy (n,), margins.npy (k,), shap.npy (k, p), rows.npy (k,) and facts.json.

Libraries that take seconds to import are imported after the model is loaded: one that cannot be
loaded, or attacks, ends before.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sandbox.inside.loading import Unexplainable, load_model
from sandbox.model_card import ModelCardRefused, inspect_model

OUT = Path("/out")
LIBRARIES = ("shap", "scikit-learn", "xgboost", "lightgbm", "mlflow", "numpy", "pandas", "skops")


def main() -> None:
    orders = json.loads(Path("/in/orders.json").read_text())
    try:
        run(orders)
    except (Unexplainable, ModelCardRefused) as refusal:
        (OUT / "refusal.json").write_text(json.dumps({"detail": str(refusal)}))


def run(orders: dict) -> None:
    target = orders["target"]
    model = load_model("/model", inspect_model("/model").loading_as(target["flavour"]))
    from sandbox.inside.attributions import Task, attribute
    from sandbox.inside.scoring import score

    names = feature_order(model, orders["features"])
    sample, background = read_frame("sample")[names], read_frame("background")[names]
    scores = score(model, sample, target)
    task = Task(model, sample, background, target, orders["seed"], orders["permutation_seconds"])
    write(attribute(task), scores, names)


def feature_order(model: object, features: list[str]) -> list[str]:
    """The model's own order of its columns where it remembers one, else the order of the sample.

    A booster fitted on bare arrays has none of our names. Raises Unexplainable naming what is missing.
    """
    own = remembered_names(model, features)
    if set(own) <= set(features):
        return own or features
    if len(own) == len(features) and not set(own) & set(features):
        return features
    if missing := sorted(set(needed(model, own)) - set(features)):
        raise Unexplainable(f"the model needs columns that the log does not give: {', '.join(missing[:10])}")
    return [name for name in own if name in features]


def remembered_names(model: object, features: list[str]) -> list[str]:
    """Column names the model was fitted with, as the log spells them; empty where it kept none."""
    own = getattr(model, "feature_names_in_", None)
    if own is None:
        own = getattr(model, "feature_names", None) or getattr(model, "feature_name", list)()
    # LightGBM keeps names with underscores for their spaces.
    spaced = {name.replace(" ", "_"): name for name in features}
    return [name if name in features else spaced.get(name, name) for name in map(str, own)]


def needed(model: object, own: list[str]) -> list[str]:
    """Those of the model's columns that it cannot do without."""
    from sandbox.inside.origins import needed_columns

    steps = getattr(model, "steps", None)
    return needed_columns(steps[0][1], own) if steps else own


def read_frame(name: str):
    """The rows in /in/<name>.arrow as a pandas frame."""
    import pyarrow as pa

    with pa.memory_map(f"/in/{name}.arrow") as source:
        return pa.ipc.open_file(source).read_all().to_pandas()


def write(attributed, scores, names: list[str]) -> None:
    """Hand out the `Attributions` and the scores (n,) as plain little-endian arrays, and the facts."""
    import numpy as np

    arrays = {"scores": scores, "margins": attributed.margins, "shap": attributed.values}
    for name, values in arrays.items():
        np.save(OUT / f"{name}.npy", np.ascontiguousarray(values, dtype="<f8"))
    np.save(OUT / "rows.npy", np.ascontiguousarray(attributed.rows, dtype="<i8"))
    facts = {
        "method": attributed.method,
        "detail": attributed.detail,
        "base": attributed.base,
        "features": names,
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
    }
    (OUT / "facts.json").write_text(json.dumps(facts))


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
