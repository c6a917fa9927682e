"""What the portal is told about the demonstration's models: through its services, as people would tell it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Person, Unit
from inventory.models import Asset, Dependency, Model, ModelVersion, TieringScheme
from inventory.services import (
    add_dependency,
    confirm_rating,
    decide_scheme,
    draft_scheme,
    propose_override,
    propose_scheme,
    rate_model,
    register_asset,
    register_model,
    register_version,
    shipped_scheme,
)
from jobs.models import Schedule
from monitoring.models import Monitor
from monitoring.services.definitions import define_monitor
from monitoring.services.runs import ask_for_run

DEVELOPER, OWNER, UNIT = "demir", "solberg", "cards"
OTHER_OWNER, OTHER_UNIT = "fischer", "mortgages"
OFFICER, SECOND_OFFICER, VALIDATOR = "achterberg", "lindqvist", "nair"
MONITOR = "Production log"

# By the end of a model's external id: exposure in millions, who rates it, and each factor's level with its reason.
RATINGS = {
    "card-default-scorecard": (
        Decimal(1840),
        OWNER,
        {
            "complexity": ("standard", "Logistic regression on 23 inputs."),
            "data": ("sound", "The bank's own repayment records, reconciled monthly."),
            "assumptions": ("tested", "Default within a month of the statement, tested against outcomes."),
            "explainability": ("attributable", "Exact attributions for each application."),
            "connections": ("few", "Core ledger and bureau score."),
            "exposure": ("large", "Card receivables, 3 % of total assets."),
            "purpose": ("business", "Declines applications."),
            "reliance": ("automatic", "Nobody looks at a declined application first."),
            "misuse": ("known", "Limit setting uses the score too, approved in 2024."),
            "validation": ("partly", "Fit, with one finding on reject inference."),
            "monitoring": ("full", "Monthly, with limits on drift and discrimination."),
            "limits": ("partly", "No mitigant yet for thin files."),
        },
    ),
    "card-default-boosted": (
        Decimal(0),
        DEVELOPER,
        {
            "complexity": ("complex", "Gradient-boosted trees with interactions."),
            "data": ("sound", "The same records as the scorecard."),
            "assumptions": ("tested", "As for the scorecard."),
            "explainability": ("attributable", "Tree attributions."),
            "connections": ("few", "Core ledger and bureau score."),
            "exposure": ("small", "Decides nothing."),
            "purpose": ("information", "Challenger, read by model risk alone."),
            "reliance": ("reference", "Compared with the champion once a month."),
            "misuse": ("confined", "Its scores leave no database of model risk."),
        },
    ),
    "affordability": (
        Decimal(6200),
        OTHER_OWNER,
        {
            "complexity": ("simple", "Income multiples and stressed rates."),
            "data": ("gaps", "Declared income, verified in part."),
            "assumptions": ("untested", "Living costs by household size, from a survey of 2022."),
            "explainability": ("transparent", "A table."),
            "connections": ("few", "Rate path of the treasury."),
            "exposure": ("very_large", "Mortgages, 38 % of total assets."),
            "purpose": ("statutory", "Caps the loan as conduct rules ask."),
            "reliance": ("default", "Underwriters seldom differ."),
            "misuse": ("confined", "Built into the origination system."),
        },
    ),
}
ASSETS = {
    "ledger": (Asset.Kind.DATA_SOURCE, "Core banking ledger", "Balances, limits and payments, daily"),
    "bureau": (Asset.Kind.DATA_SOURCE, "Credit bureau feed", "Scores and delinquencies, monthly"),
    "vendor": (Asset.Kind.VENDOR, "Nordic Scores Ltd", "Delivers the generic bureau score"),
    "rates": (Asset.Kind.ASSUMPTION, "Stressed rate path", "Treasury, twice a year"),
}
LINES = (
    (Dependency.Kind.FEEDS, "vendor", "bureau", "Generic score"),
    (Dependency.Kind.FEEDS, "bureau", "card-default-scorecard", "Score and delinquencies"),
    (Dependency.Kind.FEEDS, "ledger", "card-default-scorecard", "Balances and payments"),
    (Dependency.Kind.FEEDS, "ledger", "card-default-boosted", "Balances and payments"),
    (Dependency.Kind.FEEDS, "ledger", "affordability", "Existing commitments"),
    (Dependency.Kind.FEEDS, "rates", "affordability", "Rate at which instalments are tested"),
    (Dependency.Kind.CHALLENGER_OF, "card-default-boosted", "card-default-scorecard", "Same applications"),
)

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


@transaction.atomic
def tier_book() -> None:
    """A scheme in force, the models rated by it, one rating confirmed and one override asked for; done once."""
    if TieringScheme.objects.in_force().exists():
        return
    officer, second = _account(OFFICER), _account(SECOND_OFFICER)
    scheme = draft_scheme(content=shipped_scheme(), note="The first scheme of the bank.", by=officer)
    proposal = propose_scheme(scheme=scheme, reason="Agreed in the model risk committee", by=officer)
    decide_scheme(proposal=proposal, accept=True, reason="Checked against the policy", by=second)
    for model, (exposure, username, given) in _rated():
        answers = {factor: {"level": level, "rationale": why} for factor, (level, why) in given.items()}
        rate_model(model=model, answers=answers, exposure=exposure, by=_account(username))
    models = {model.external_id.rpartition("/")[2]: model for model, _ in _rated()}
    scorecard = models["card-default-scorecard"].assessments.current().get()
    confirm_rating(assessment=scorecard, reason="Answers agree with the documentation.", by=_account(VALIDATOR))
    _override(models["affordability"])


def _override(model: Model) -> None:
    """Ask for the tier beside the computed one, for somebody to decide."""
    computed = model.assessments.current().get().tier
    propose_override(
        model=model,
        tier=computed - 1 if computed > 1 else 2,
        reason="The conduct supervisor looks at it this year.",
        until=timezone.localdate() + timedelta(days=180),
        by=_account(OTHER_OWNER),
    )


def connect_book() -> None:
    """What the models rest on, and what they are to each other; known lines are let be."""
    officer = _account(OFFICER)
    ends = {model.external_id.rpartition("/")[2]: model for model, _ in _rated()}
    for word, (kind, name, description) in ASSETS.items():
        ends[word], _ = register_asset(kind=kind, name=name, description=description, by=officer)
    for kind, source, target, note in LINES:
        add_dependency(kind=kind, source=ends[source], target=ends[target], note=note, by=officer)


def _rated() -> list[tuple[Model, tuple]]:
    """The models that are there, each with what is said of it."""
    models = Model.objects.order_by("pk")
    return [(m, RATINGS[end]) for m in models if (end := m.external_id.rpartition("/")[2]) in RATINGS]


def _account(username: str) -> Account:
    return Account.objects.select_related("person").get(username=username)


def _person(username: str) -> Person:
    return Account.objects.select_related("person").get(username=username).person
