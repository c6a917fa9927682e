"""Pages about tiers and schemes: what they show, the acts by form, and who is offered which."""

from datetime import timedelta
from decimal import Decimal

import pytest
import yaml
from django.utils import timezone

from inventory.models import Assessment, TieringScheme
from proposals.models import Proposal
from tests.pages import browser_of, text_of
from tests.tiering import SHIPPED, answers, publish, rate, register, second_officer

UNTIL = timezone.localdate() + timedelta(days=90)


@pytest.fixture
def model(cast):
    publish(cast)
    return register(cast, "Card PD", developer=cast.developer.person, by=cast.owner)


def filled(**changed) -> dict:
    """What the form of a rating sends: every factor's lowest level, with its rationale."""
    given = answers()
    levels = {name: answer["level"] for name, answer in given.items()}
    return levels | {f"{name}_why": answer["rationale"] for name, answer in given.items()} | changed


def test_an_owner_rates_by_the_form_and_what_was_typed_is_not_lost(cast, model):
    client, address = browser_of(cast.owner), f"/models/{model.ref}/tier/rate/"

    refused = client.post(address, filled(purpose_why="", amount="12.5"))
    sent = client.post(address, filled(amount="12.5"))

    assert refused.status_code == 200
    assert "This field is required" in text_of(refused)
    assert "Because of complexity" in text_of(refused)
    assert sent["Location"] == f"/models/{model.ref}/tier/"
    assert (Assessment.objects.get().tier, Assessment.objects.get().exposure) == (4, Decimal("12.50"))


def test_the_page_shows_both_tiers_every_input_and_what_the_tier_drives(cast, model):
    rate(model, cast.owner, height=3)
    client, officer = browser_of(cast.owner), browser_of(cast.officer)
    client.post(f"/models/{model.ref}/tier/override/", {"tier": 2, "until": UNTIL, "reason": "Winding down"})
    proposal = Proposal.objects.get(kind="tier override")
    waiting = text_of(officer.get(f"/models/{model.ref}/tier/"))

    officer.post(f"/overrides/proposals/{proposal.pk}/decide/", {"decision": "accept", "reason": "Agreed"})

    page = text_of(client.get(f"/models/{model.ref}/tier/"))
    assert "Tier 2 instead of 1" in waiting
    for words in ("Because of purpose", "Residual risk", "every 24 months", "overridden until", "computed 1, until"):
        assert words in page
    assert page.count('class="here"') == 1


@pytest.mark.parametrize(("who", "offered"), [("owner", False), ("validator", True), ("auditor", False)])
def test_confirming_is_offered_to_whoever_may(cast, model, who, offered):
    rate(model, cast.owner)

    page = text_of(browser_of(getattr(cast, who)).get(f"/models/{model.ref}/tier/"))

    assert ('value="confirm"' in page) == offered
    assert ("Rate anew" in page) == (who == "owner")


def test_a_validator_confirms_by_the_page(cast, model):
    assessment = rate(model, cast.owner)

    browser_of(cast.validator).post(f"/ratings/{assessment.pk}/judge/", {"judgement": "confirm", "reason": "Holds"})

    assessment.refresh_from_db()
    assert (assessment.state, assessment.judgement) == ("confirmed", "Holds")


def test_a_draft_with_a_gap_is_shown_again_with_the_place(cast):
    content = yaml.safe_dump(SHIPPED).replace("from: 1.75", "from: 1.8")

    page = browser_of(cast.officer).post("/schemes/draft/", {"content": content, "note": "First"})

    assert page.status_code == 200
    assert "axes/inherent/bands/1/from: A gap: nothing lies between 1.75 and 1.8." in text_of(page)
    assert not TieringScheme.objects.exists()


def test_a_scheme_is_published_by_two_officers_who_see_its_effect(cast, model):
    rate(model, cast.owner, height=1)
    priya, otto = browser_of(cast.officer), browser_of(second_officer())
    content = yaml.safe_dump(SHIPPED | {"matrix": [[4, 3, 3, 2], [4, 2, 2, 2], [3, 2, 2, 1], [3, 2, 1, 1]]})
    priya.post("/schemes/draft/", {"content": content, "note": "Stricter"})
    effect = text_of(priya.get("/schemes/2/"))
    priya.post("/schemes/2/propose/", {"reason": "Agreed"})
    proposal = Proposal.objects.open().get()
    own = text_of(priya.get("/schemes/2/"))

    otto.post(f"/schemes/proposals/{proposal.pk}/decide/", {"decision": "accept", "reason": "Checked"})

    model.refresh_from_db()
    assert "1 of 1 rated models move" in effect
    assert "Card PD" in effect
    assert "You asked for this yourself" in own
    assert 'value="accept"' not in own
    assert (model.tier, TieringScheme.objects.in_force().get().number) == (2, 2)


def test_the_effect_names_no_model_of_another_unit(cast, model):
    rate(model, cast.owner, height=1)
    content = yaml.safe_dump(SHIPPED | {"matrix": [[4, 3, 3, 2], [4, 2, 2, 2], [3, 2, 2, 1], [3, 2, 1, 1]]})
    browser_of(cast.officer).post("/schemes/draft/", {"content": content, "note": "Stricter"})

    page = text_of(browser_of(cast.stranger).get("/schemes/2/"))

    assert "0 of 0 rated models move" in page
    assert "Card PD" not in page


@pytest.mark.parametrize("content", ["a: [", "just words", "- 1\n- 2", "&a [*a]"])
def test_what_is_no_scheme_breaks_nothing(cast, content):
    page = browser_of(cast.officer).post("/schemes/draft/", {"content": content, "note": "x"})

    assert page.status_code == 200
    assert "error" in text_of(page)
