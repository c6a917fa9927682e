"""What the portal is told about the demonstration's models: through its services, as people would tell it."""

from pathlib import Path

from accounts.models import Account, Person, Unit
from inventory.models import Model, ModelVersion
from inventory.services import register_model, register_version
from jobs.models import Schedule
from monitoring.models import Monitor
from monitoring.services.definitions import define_monitor
from monitoring.services.runs import ask_for_run

DEVELOPER, OWNER, UNIT = "demir", "solberg", "cards"
OTHER_OWNER, OTHER_UNIT = "fischer", "mortgages"
MONITOR = "Production log"

ABOUT = {
    "card-default-scorecard": {
        "description": "Logistic regression on limit, education, six months of repayment status, bills and "
        "payments. Trained on 9,000 card holders; sex, age and marital status are no inputs.",
        "purpose": "Declines card applications whose probability of default is 35 % or more. Champion.",
    },
    "card-default-boosted": {
        "description": "Gradient-boosted trees on the same inputs and customers as the scorecard.",
        "purpose": "Challenger of the scorecard: scores the same applications, decides nothing.",
    },
}


def register_card_model(described: dict) -> tuple[Model, ModelVersion]:
    """Model and version as models.json describes them; the same ones again on a later start."""
    by = Account.objects.get(username=DEVELOPER)
    model, _ = register_model(
        external_id=f"cards/{described['name']}",
        name=described["title"],
        kind=described["kind"],
        unit=Unit.objects.get(code=UNIT),
        owner=_person(OWNER),
        developer=by.person,
        by=by,
        **ABOUT[described["name"]],
    )
    version, _ = register_version(
        model=model,
        label=described["label"],
        mlflow_uri=described["mlflow_uri"],
        training_data_digest=described["training_data_digest"],
        by=by,
    )
    return model, version


def watch(model: Model, version: ModelVersion, described: dict, shifts: list[dict], folder: Path) -> Monitor:
    """The monitor of the model's log in `folder`, with a first run asked for; a known one is let be."""
    by = Account.objects.get(username=DEVELOPER)
    monitor = model.monitors.filter(name=MONITOR).first()
    if monitor:
        return monitor
    monitor = define_monitor(
        model=model,
        version=version,
        name=MONITOR,
        location=str(folder / described["name"] / "log"),
        format=Monitor.Format.PARQUET,
        columns=described["columns"],
        reference_location=str(folder / described["name"] / "reference"),
        cadence=Schedule.Cadence.MONTHLY,
        explained=described["explained"],
        announced_shifts=shifts,
        by=by,
    )
    ask_for_run(monitor=monitor, by=by)
    return monitor


def register_mortgage_model() -> Model:
    """A model of another unit, that the card people do not see."""
    by = Account.objects.get(username=OTHER_OWNER)
    model, _ = register_model(
        external_id="mortgages/affordability",
        name="Mortgage affordability rules",
        kind=Model.Kind.DETERMINISTIC,
        unit=Unit.objects.get(code=OTHER_UNIT),
        owner=by.person,
        description="Income multiples and stressed rates; registered without an artefact.",
        purpose="Caps the amount of a mortgage.",
        by=by,
    )
    return model


def _person(username: str) -> Person:
    return Account.objects.select_related("person").get(username=username).person
