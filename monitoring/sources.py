"""Where a log may lie: inside the configured folders, whatever the path's spelling."""

from pathlib import Path

from django.conf import settings


class LocationRefused(Exception):
    """The location is outside what the portal may read."""


def check_location(location: str) -> str:
    """The location as given, where it lies under one of ASSAY_LOG_ROOTS. Raises LocationRefused.

    Links are followed first, so that a link inside a root cannot lead out of it.
    """
    fixed = Path(location.split("*")[0].split("?")[0].split("[")[0])
    if not fixed.is_absolute():
        raise LocationRefused(f"Give an absolute path, got {location!r}.")
    resolved = fixed.resolve()
    if not any(resolved.is_relative_to(root.resolve()) for root in settings.LOG_ROOTS):
        allowed = ", ".join(map(str, settings.LOG_ROOTS)) or "none is configured"
        raise LocationRefused(
            f"{location} is outside the folders that the portal may read logs from ({allowed})."
            " An administrator adds folders with ASSAY_LOG_ROOTS."
        )
    return location
