"""The page on own servers lists the variables that the settings read: no fewer, no more."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_variable_of_the_settings_is_on_the_page_and_the_other_way_round():
    settings = (ROOT / "portal" / "settings.py").read_text()
    page = (ROOT / "docs" / "own-servers.md").read_text()

    read = set(re.findall(r'(?:env\.\w+|required)\(\s*"([A-Z_]+)"', settings))
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}

    assert len(read) > 15
    assert listed == read
