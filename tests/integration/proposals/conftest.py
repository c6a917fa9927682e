"""A model, and proposals of a kind that the apps above will bring: about it, decided by who is permitted."""

from datetime import date

import pytest

from inventory import services as inventory
from inventory.models import Model
from proposals import services
from proposals.models import Conflict, Proposal

TIER = "tier override"


@pytest.fixture
def model(cast) -> Model:
    found, _ = inventory.register_model(
        external_id="cards/pd",
        name="Cards PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        developer=cast.developer.person,
        by=cast.owner,
    )
    return found


@pytest.fixture
def propose_tier(cast, model):
    """As a tier's own service will, once it has checked that the officer may propose."""

    def propose_tier(*, expires_on: date | None = None, by=cast.officer) -> Proposal:
        return services.propose(
            kind=TIER,
            subject=model,
            trail=model,
            change={"tier": 1},
            what="Tier 1",
            reason="It decides on every application",
            conflicts=[(model.owner, Conflict.Why.OWNS), (model.developer, Conflict.Why.BUILT)],
            expires_on=expires_on,
            by=by,
        )

    return propose_tier


def decide(proposal: Proposal, by, *, accept: bool = True, **changed) -> Proposal:
    return services.decide(
        **{"proposal": proposal, "kind": TIER, "accept": accept, "reason": "Seen", "by": by} | changed
    )
