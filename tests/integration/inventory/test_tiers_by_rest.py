"""Tiers, schemes and the network by REST, as far as one's own units reach."""

from decimal import Decimal

import pytest

from inventory import services
from tests.pages import browser_of
from tests.tiering import SHIPPED, answers, publish, rate, register


@pytest.fixture
def model(cast):
    publish(cast)
    return register(cast, "Card PD")


def body(**changed) -> dict:
    given = [{"factor": name} | answer for name, answer in answers(**changed).items()]
    return {"answers": given, "exposure": "12.50"}


def test_a_model_is_rated_and_read(cast, model):
    client, address = browser_of(cast.owner), f"/api/v1/models/{model.ref}/tier/"
    before = client.get(address).status_code

    made = client.post(address, body(), content_type="application/json")
    read = client.get(address).json()

    assert (before, made.status_code) == (404, 201)
    assert (read["tier_in_force"], read["computed_tier"], read["state"]) == (4, 4, "provisional")
    assert read["answers"]["purpose"]["rationale"] == "Because of purpose"
    assert (read["exposure"], read["residual"], read["scheme"]) == ("12.50", "low", 1)


def test_an_answer_that_does_not_fit_is_refused_by_its_factor(cast, model):
    answer = browser_of(cast.owner).post(
        f"/api/v1/models/{model.ref}/tier/", body(purpose="fun"), content_type="application/json"
    )

    assert answer.status_code == 422
    assert "purpose" in answer.content.decode()


def test_the_effect_of_a_draft_is_read_for_ones_own_models(cast, model):
    rate(model, cast.owner, height=1)
    content = SHIPPED | {"matrix": [[4, 3, 3, 2], [4, 2, 2, 2], [3, 2, 2, 1], [3, 2, 1, 1]]}
    services.draft_scheme(content=content, note="Stricter", by=cast.officer)

    own = browser_of(cast.owner).get("/api/v1/schemes/2/effect/").json()
    other = browser_of(cast.stranger).get("/api/v1/schemes/2/effect/").json()

    assert own["moving"] == [{"model": model.ref, "before": 3, "after": 2, "missing": []}]
    assert (other["rated"], other["moving"]) == (0, [])
    assert [each["state"] for each in browser_of(cast.owner).get("/api/v1/schemes/").json()] == ["draft", "published"]


def test_the_network_and_the_concentration_are_read(cast, model):
    other = register(cast, "Card LGD")
    bureau, _ = services.register_asset(kind="data_source", name="Credit bureau", by=cast.officer)
    services.add_dependency(kind="feeds", source=bureau, target=model, by=cast.owner)
    services.add_dependency(kind="feeds", source=model, target=other, by=cast.owner)
    rate(other, cast.owner, height=3, exposure=Decimal(80))
    client = browser_of(cast.owner)

    network = client.get(f"/api/v1/models/{model.ref}/network/").json()
    (found,) = client.get("/api/v1/concentrations/").json()

    assert [(line["source"], line["target"]) for line in network["lines"]] == [
        ("Credit bureau", model.ref),
        (model.ref, other.ref),
    ]
    assert network["downstream"] == [{"model": other.ref, "steps": 1}]
    assert (network["tier_1_share"], found["tier_1_share"], found["models"]) == (1.0, 1.0, 2)
