"""Program: an Evidently report of /in/current.arrow against /in/reference.arrow, as HTML and JSON.

Evidently counts its users unless DO_NOT_TRACK is set before it is imported; the sandbox's environment
sets it, and there is no network to count over.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

OUT = Path("/out")


def main() -> None:
    if os.environ.get("DO_NOT_TRACK") != "1" or "evidently" in sys.modules:
        raise SystemExit("DO_NOT_TRACK must be 1 before Evidently is imported")
    orders = json.loads(Path("/in/orders.json").read_text())
    snapshot, version = report(orders)
    (OUT / "report.json").write_text(snapshot.json())
    snapshot.save_html(str(OUT / "report.html"))
    (OUT / "facts.json").write_text(json.dumps({"version": version}))


def report(orders: dict):
    """Run the presets that were ordered; returns Evidently's snapshot and version."""
    import evidently
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset, DataDriftPreset, DataSummaryPreset

    classification = None
    if orders["classification"]:
        classification = [BinaryClassification(target=orders["label"], prediction_probas=orders["score"], pos_label=1)]
    definition = DataDefinition(
        numerical_columns=orders["numeric"],
        categorical_columns=orders["categorical"],
        classification=classification,
    )
    current, reference = (
        Dataset.from_pandas(read_frame(name), data_definition=definition) for name in ("current", "reference")
    )
    presets = [DataDriftPreset(method=orders["drift_method"]), DataSummaryPreset()]
    presets += [ClassificationPreset()] if classification else []
    return Report(presets).run(current_data=current, reference_data=reference), evidently.__version__


def read_frame(name: str):
    import pyarrow as pa

    with pa.memory_map(f"/in/{name}.arrow") as source:
        return pa.ipc.open_file(source).read_all().to_pandas()


if __name__ == "__main__":
    main()
