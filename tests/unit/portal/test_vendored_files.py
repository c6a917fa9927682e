"""What is vendored is what static/vendor/README.md says, with its licence beside it."""

import hashlib
import re

import pytest
from django.conf import settings

VENDOR = settings.BASE_DIR / "static" / "vendor"
TABLE = re.findall(r"^\| `([\w./-]+)` \|.*?\| `([0-9a-f]{64})`", (VENDOR / "README.md").read_text(), re.MULTILINE)


def test_every_vendored_file_is_listed_with_its_digest():
    kept = {path for path in VENDOR.rglob("*") if path.is_file() and path.name not in {"LICENSE", "README.md"}}

    assert kept == {VENDOR / name for name, _ in TABLE}


@pytest.mark.parametrize(("name", "digest"), TABLE)
def test_a_vendored_file_has_the_listed_digest_and_a_licence(name, digest):
    path = VENDOR / name

    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert (path.parent / "LICENSE").stat().st_size > 500
