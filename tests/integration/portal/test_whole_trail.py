"""Who may see the whole trail: officers and auditors, by a permission of its own."""

import pytest

from accounts.roles import Role
from inventory import services
from tests.cast import give_role
from tests.pages import browser_of, text_of

EXPORT = "/audit/export/"


@pytest.fixture
def everywhere(cast):
    """The committee member, over the whole bank."""
    give_role(cast.member.person, Role.COMMITTEE, None)
    services.register_model(
        external_id="var",
        name="Market VaR",
        kind="statistical",
        unit=cast.markets,
        owner=cast.stranger.person,
        by=cast.stranger,
    )
    return cast.member


@pytest.mark.parametrize("who", ["officer", "auditor"])
def test_officer_and_auditor_read_what_is_on_no_models_trail(cast, who):
    assert "Person HR-olivia-owner joined" in text_of(browser_of(getattr(cast, who)).get("/audit/"))


def test_a_member_over_the_whole_bank_reads_every_model_and_not_the_whole_trail(everywhere):
    client = browser_of(everywhere)

    page = text_of(client.get("/audit/"))

    assert client.get("/models/").context["in_all"] == 1
    assert "Market VaR" in page
    assert "HR-olivia-owner joined" not in page
    assert client.get(EXPORT).status_code == 404


@pytest.mark.parametrize("who", ["owner", "validator", "member", "administrator", "stranger"])
def test_nobody_else_takes_the_whole_log_away(cast, who):
    assert browser_of(getattr(cast, who)).get(EXPORT).status_code == 404
