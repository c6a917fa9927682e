"""What every page carries, whatever stands on it."""

import re

import pytest

from tests.pages import browser_of


@pytest.mark.parametrize("address", ["/", "/models/", "/audit/", "/tokens/", "/nowhere/"])
def test_a_page_runs_scripts_of_its_own_alone_and_may_be_framed_by_nobody(cast, address):
    answer = browser_of(cast.auditor).get(address)

    policy = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'self' 'nonce-[\w+/=-]+'|'self'", policy["script-src"])
    assert "unsafe" not in policy["script-src"] + policy["style-src-elem"]
    assert policy["frame-ancestors"] == "'none'"
    assert answer["X-Frame-Options"] == "DENY"
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", answer.content.decode()) == []
