"""The demonstration's records say something of everything, told through the services alone."""

import pytest
from django.core.management import call_command

from audit.models import Entry
from demo import bank, records
from inventory.models import NOUNS, Limitation, Model, Use, Verdict


@pytest.fixture
def described(db, tmp_path) -> list[Model]:
    call_command("demo_people", tmp_path / "people.txt")
    call_command("load_frameworks", verbosity=0)
    records.define_own_field()
    found = []
    for name in records.RECORDS:
        model, _ = bank.register_card_model(
            {
                "name": name,
                "title": name,
                "kind": "statistical",
                "label": "1.0.0",
                "mlflow_uri": "models:/x/1",
                "training_data_digest": "",
            }
        )
        records.describe(model, name)
        found.append(model)
    return found


def test_there_is_something_of_every_kind_and_a_decision_of_each(described):
    counted = {key: noun.part.objects.filter(model=described[0]).count() for key, noun in NOUNS.items()}

    assert all(counted.values()), counted
    assert Use.objects.filter(approved_at__isnull=False).count() == 2
    assert set(Verdict.objects.values_list("scope", flat=True)) == {"in", "out"}
    assert Limitation.objects.get(model=described[0], number=1).waits_for_review


def test_told_again_nothing_happens(described):
    before = Entry.objects.count()
    records.define_own_field()
    for model, name in zip(Model.objects.filter(profile__isnull=False).order_by("id"), records.RECORDS, strict=True):
        records.describe(model, name)

    assert Entry.objects.count() == before
