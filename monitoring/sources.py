"""Where a log may lie: inside the folders that are configured for the model's unit, wherever its links lead."""

from pathlib import Path

from django.conf import settings

from accounts.models import Unit
from engines.sources import LogFile, find_files, fixed_folder


class LocationRefused(Exception):
    """The location, or a file that it leads to, is outside what the portal may read for this unit."""


def find_log(location: str, format: str, unit: Unit) -> list[LogFile]:
    """The files at `location`, each of which really lies in a folder of ASSAY_LOG_ROOTS that serves `unit`.

    Links are followed, and what is read later is the place that was checked. Raises LocationRefused, and
    LogRefused where no file is found.
    """
    roots = roots_of(unit)
    fixed = fixed_folder(location)
    if not fixed.is_absolute():
        raise LocationRefused(f"Give an absolute path, got {location!r}.")
    _check(fixed, roots, location)
    files = find_files(location, format)
    for file in files:
        _check(Path(file.path), roots, f"{file.key} at {location}")
    return files


def roots_of(unit: Unit) -> list[Path]:
    """The folders whose logs the unit's models may be monitored on: its own, those of units above it, the bank's."""
    above = set(unit.path.strip("/").split("/"))
    return [folder for code, folder in settings.LOG_ROOTS if not code or code in above]


def _check(path: Path, roots: list[Path], what: str) -> None:
    resolved = path.resolve()
    if not any(resolved.is_relative_to(root.resolve()) for root in roots):
        allowed = ", ".join(map(str, roots)) or "none is configured"
        raise LocationRefused(
            f"{what} lies outside the folders that the portal may read for this unit ({allowed})."
            " An administrator adds folders with ASSAY_LOG_ROOTS."
        )
