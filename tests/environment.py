"""Loaded by pytest before Django: the settings of a test run. Addresses are filled in once services run."""

import os
import tempfile

FOLDER = tempfile.mkdtemp(prefix="assay-tests-")

os.environ.update(
    {
        "ASSAY_ENV": "test",
        "ASSAY_SECRET_KEY": "for tests only",
        "DATABASE_URL": "postgres://app:app@127.0.0.1:1/none",
        "MIGRATOR_DATABASE_URL": "postgres://migrator:migrator@127.0.0.1:1/none",
        "BROKER_URL": "memory://",
        "ASSAY_ARTEFACT_ROOT": f"{FOLDER}/artefacts",
        "ASSAY_LOG_ROOTS": FOLDER,
        "ASSAY_CHECKPOINT_KEY_FILE": f"{FOLDER}/checkpoint.key",
        "ASSAY_CHECKPOINT_FILE": f"{FOLDER}/checkpoints.log",
        "ASSAY_STATIC_ROOT": f"{FOLDER}/static",
        "DO_NOT_TRACK": "true",
    }
)
os.mkdir(os.environ["ASSAY_STATIC_ROOT"])  # WhiteNoise warns of a folder that is not there, for each client
for name in ("BOOTSTRAP_DATABASE_URL", "MLFLOW_TRACKING_URI", "ASSAY_WITNESS_URLS", "ASSAY_WITNESS_KEYS"):
    os.environ.pop(name, None)
