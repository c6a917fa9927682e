"""The browser for the browser tests: the machine's Chromium or Chrome, else the one Playwright fetched."""

import os
import shutil
from pathlib import Path

from tests.services.missing import ServiceMissing

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> Path:
    """The browser's program; ASSAY_CHROMIUM names one that is elsewhere."""
    named = os.environ.get("ASSAY_CHROMIUM")
    candidates = [named] if named else [*filter(None, map(shutil.which, NAMES)), _playwrights_own()]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise ServiceMissing(
        "Chromium is not on this machine: `apt-get install chromium`, or `.venv/bin/playwright install chromium`."
    )


def _playwrights_own() -> str:
    from playwright.sync_api import sync_playwright  # 0.3 s, only when the machine has no browser of its own

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path
