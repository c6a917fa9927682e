"""The demonstration's book: tiered and joined through the services, as people would."""

from django.core.management import call_command

from accounts.models import Account
from audit.models import Entry
from demo import bank
from inventory import services
from inventory.models import Dependency, Model, TieringScheme
from proposals.models import Proposal


def test_the_book_is_tiered_by_a_published_scheme_and_joined_once(db, tmp_path):
    call_command("demo_people", tmp_path / "people.txt")
    bank.register_mortgage_model()
    for name, title in (("card-default-scorecard", "Card scorecard"), ("card-default-boosted", "Challenger")):
        described = {"name": name, "title": title, "kind": "statistical", "label": "1", "mlflow_uri": "models:/x/1"}
        bank.register_card_model(described | {"training_data_digest": ""})

    for _ in range(2):
        bank.tier_book()
        bank.connect_book()

    tiers = dict(Model.objects.values_list("external_id", "tier"))
    found, whole = services.concentrations(account=Account.objects.get(username="achterberg"))
    assert TieringScheme.objects.in_force().get().number == 1
    assert tiers == {"mortgages/affordability": 2, "cards/card-default-scorecard": 2, "cards/card-default-boosted": 4}
    assert Proposal.objects.open().filter(kind="tier override").count() == 1
    assert Dependency.objects.in_force().count() == len(bank.LINES)
    assert (len(found), whole.models) == (len(bank.ASSETS), 3)
    assert not Entry.objects.filter(through="outside").exists()
