"""The environment that every process of the demonstration gets: the portal has no other way to be told.

What was generated is kept in var/demo/environment (0600), in the form that a shell can read, so that

    set -a; . var/demo/environment; set +a; .venv/bin/python manage.py verify_audit

works beside the running demonstration. What the caller's environment names is used instead of our own.
"""

import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from audit import signed_note
from demo.database import free_port

OWN_SERVERS = ("DATABASE_URL", "MIGRATOR_DATABASE_URL", "BOOTSTRAP_DATABASE_URL", "BROKER_URL", "MLFLOW_TRACKING_URI")
LOG_ORIGIN = "harbour-bank.example/demo"
WITNESS_NAME = "witness.harbour-bank.example/demo"
KEPT = ("ASSAY_SECRET_KEY", "ASSAY_DEMO_APP_PASSWORD", "ASSAY_DEMO_MIGRATOR_PASSWORD")
KEPT_PORTS = ("ASSAY_DEMO_MLFLOW_PORT", "ASSAY_DEMO_WITNESS_PORT")


class EnvironmentIncomplete(Exception):
    """Variables of one's own servers that do not go together; the message says which are missing."""


def make_folders(folder: Path) -> None:
    """The demonstration's own folder, for nobody else's eyes; deleting it starts anew."""
    for made in (folder, *(folder / name for name in ("logs", "broker", "keys", "bank", "artefacts"))):
        made.mkdir(parents=True, exist_ok=True)
        made.chmod(0o700)
    for queue in ("messages", "processed", "control"):
        (folder / "broker" / queue).mkdir(exist_ok=True, mode=0o700)


def build(folder: Path, bootstrap_url: str | None, *, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """All variables, secrets made on first use; written to var/demo/environment, returned with `given` around."""
    check_complete(given)
    kept = read(folder / "environment")
    own = _secrets(kept) | _folders(folder) | _witness(folder, kept)
    own |= _servers(folder, kept | own, bootstrap_url)
    own |= {name: given[name] for name in OWN_SERVERS if given.get(name)}
    write(folder / "environment", own)
    return {**given, **own}


def check_complete(given: Mapping[str, str]) -> None:
    """A database of one's own needs the migrator's address too."""
    if given.get("DATABASE_URL") and not given.get("MIGRATOR_DATABASE_URL"):
        raise EnvironmentIncomplete(
            "DATABASE_URL is set and MIGRATOR_DATABASE_URL is not: set both, and BOOTSTRAP_DATABASE_URL where "
            "the roles are still to be made (docs/own-servers.md), or neither to use the embedded database."
        )


def _secrets(kept: Mapping[str, str]) -> dict[str, str]:
    made = {name: kept.get(name) or secrets.token_urlsafe(32) for name in KEPT}
    # The prefix makes a portal that is told to be in production refuse this key.
    made["ASSAY_SECRET_KEY"] = "demo-" + made["ASSAY_SECRET_KEY"].removeprefix("demo-")
    return made | {name: kept.get(name) or str(free_port()) for name in KEPT_PORTS}


def _folders(folder: Path) -> dict[str, str]:
    return {
        "ASSAY_ENV": "demo",
        "ASSAY_ARTEFACT_ROOT": str(folder / "artefacts"),
        "ASSAY_LOG_ROOTS": f"cards={folder / 'bank'}",
        "ASSAY_DEMO_BANK": str(folder / "bank"),
        "ASSAY_STATIC_ROOT": str(folder / "static"),
        "ASSAY_DEMO_FOLDER": str(folder),
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _witness(folder: Path, kept: Mapping[str, str]) -> dict[str, str]:
    """The log's and the witness's keys, made here so that each can be told the other's public one."""
    log_key, witness_key = folder / "keys" / "checkpoint", folder / "witness" / "key"
    log = signed_note.load_or_make_signer(log_key, LOG_ORIGIN, signed_note.LOG)
    witness = signed_note.load_or_make_signer(witness_key, WITNESS_NAME, signed_note.COSIGNATURE)
    return {
        "ASSAY_LOG_ORIGIN": LOG_ORIGIN,
        "ASSAY_CHECKPOINT_KEY_FILE": str(log_key),
        "ASSAY_CHECKPOINT_FILE": str(folder / "checkpoints"),
        "ASSAY_WITNESS_KEYS": witness.verifier_key,
        "ASSAY_DEMO_LOG_KEY": log.verifier_key,
    }


def _servers(folder: Path, own: Mapping[str, str], bootstrap_url: str | None) -> dict[str, str]:
    servers = {
        "BROKER_URL": "filesystem://localhost//",
        "ASSAY_BROKER_FOLDER": str(folder / "broker"),
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{own['ASSAY_DEMO_MLFLOW_PORT']}",
        "ASSAY_WITNESS_URLS": f"http://127.0.0.1:{own['ASSAY_DEMO_WITNESS_PORT']}",
    }
    if bootstrap_url:
        port = urlsplit(bootstrap_url).port
        app, migrator = own["ASSAY_DEMO_APP_PASSWORD"], own["ASSAY_DEMO_MIGRATOR_PASSWORD"]
        servers |= {
            "ASSAY_EMBEDDED_DATABASE": "true",
            "BOOTSTRAP_DATABASE_URL": bootstrap_url,
            "MIGRATOR_DATABASE_URL": f"postgresql://migrator:{migrator}@127.0.0.1:{port}/assay",
            "DATABASE_URL": f"postgresql://app:{app}@127.0.0.1:{port}/assay",
        }
    return servers


def read(path: Path) -> dict[str, str]:
    """NAME=value lines as a shell reads them; nothing when there is no file yet."""
    if not path.exists():
        return {}
    return dict(word.split("=", 1) for word in shlex.split(path.read_text(), comments=True))


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Whole or not at all, for nobody else's eyes."""
    making = path.with_name(f".{path.name}")
    with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    making.replace(path)
