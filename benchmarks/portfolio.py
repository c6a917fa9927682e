"""A bank's portfolio of any size: units, people, models with a version and a year of monitoring each."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import transaction

from accounts import services as accounts
from accounts.models import Account, Person, Unit
from accounts.roles import Role
from audit.services import record_each
from inventory.events import MODEL_EDITED
from inventory.models import Model, ModelVersion, Standing
from proposals.services import decide_role, propose_role

BATCH = 500
UNITS = ("Mortgages", "Credit cards", "Personal loans", "Current accounts", "Car finance", "Small business", "Markets")
SUBJECTS = (
    "application PD",
    "behavioural PD",
    "LGD",
    "exposure at default",
    "fraud score",
    "early repayment",
    "attrition",
)
PORTFOLIOS = ("new customers", "retail", "wealth", "digital channel", "branches", "brokers", "private bank")
NAMES = ("Tomás Herrera", "Anna Lindqvist", "Maria Okafor", "Hristo Petrov", "Rose Abernathy", "Luz Castellanos")
LIGHTS = ("good", "watch", "breach", "unknown")
LAST_RUN = datetime(2026, 11, 3, 4, 12, tzinfo=UTC)


def make_portfolio(models: int, *, versions: int = 1, entries: int = 0, seed: int = 2026) -> Account:
    """Fill an empty database; return a model risk officer, who sees all of it.

    versions, entries  of each model: its versions, and entries on its trail beside the one about its rows
    """
    random = np.random.default_rng(seed)
    with transaction.atomic():
        administrators = _start()
        units = _units(administrators[0])
        people = [_hire(name, units[i % len(units)], Role.OWNER, administrators) for i, name in enumerate(NAMES)]
        officer = _hire("Priya Nair", units[0].parent, Role.OFFICER, administrators)
    for start in range(0, models, BATCH):
        with transaction.atomic():
            _insert(range(start, min(start + BATCH, models)), units, people, officer, versions, entries)
    _watch(random)
    return officer


def _start() -> list[Account]:
    newcomers = [
        accounts.Newcomer(f"HB-{username}", f"Administrator {username}", "", username, secrets.token_urlsafe(18))
        for username in ("first", "second")
    ]
    return accounts.start_bank(code="bank", name="Harbour Bank", administrators=newcomers, by=None)


def _units(by: Account) -> list[Unit]:
    retail = accounts.add_unit(code="retail", name="Retail credit", parent=by.person.unit, by=by)
    return [accounts.add_unit(code=name.lower().replace(" ", "-"), name=name, parent=retail, by=by) for name in UNITS]


def _hire(name: str, unit: Unit, role: Role, administrators: list[Account]) -> Account:
    asks, decides = administrators
    username = name.split()[-1].lower()
    person = accounts.add_person(hr_number=f"HB-{username}", full_name=name, mail="", unit=unit, by=asks)
    over = None if role == Role.OFFICER else unit
    proposal = propose_role(person=person, role=role, unit=over, reason="Portfolio", by=asks)
    decide_role(proposal=proposal, accept=True, reason="Portfolio", by=decides)
    return accounts.add_account(person=person, username=username, password=None, kind=Account.Kind.HUMAN, by=asks)


def _insert(
    numbers: range, units: list[Unit], people: list[Account], officer: Account, versions: int, entries: int
) -> None:
    """Models with their versions, as rows: through the services it would take hours."""
    by = officer.person
    made = Model.objects.bulk_create([_model(number, units, people, by) for number in numbers])
    for number in range(entries):
        told = [(model, {"changes": f"purpose: draft {number}", "fields": ["purpose"]}) for model in made]
        record_each(MODEL_EDITED, told, by=officer)
    Standing.objects.bulk_create([Standing(model=model, latest_version=_label(model)) for model in made])
    ModelVersion.objects.bulk_create(
        [
            ModelVersion(
                model=model,
                label=_label(model) if number == versions - 1 else f"0.{number}.0",
                mlflow_uri=f"models:/{model.ref.lower()}/{number + 1}",
                registered_by=by,
            )
            for number in range(versions)
            for model in made
        ]
    )


def _model(number: int, units: list[Unit], people: list[Account], by: Person) -> Model:
    subject, portfolio = SUBJECTS[number % len(SUBJECTS)], PORTFOLIOS[number // len(SUBJECTS) % len(PORTFOLIOS)]
    unit = units[number % len(units)]
    return Model(
        ref=f"MDL-{2020 + number % 7}-{number + 1:05}",
        external_id=f"portfolio/{number:06}",
        name=f"{unit.name} {subject}, {portfolio} {number // 49 + 1}",
        kind=Model.Kind.values[number % 3],
        stage=Model.Stage.IN_USE if number % 5 else Model.Stage.IN_VALIDATION,
        tier=(1, 2, 3, 2, 3, None)[number % 6],
        unit=unit,
        owner=people[number % len(people)].person,
        developer=people[(number + 1) % len(people)].person,
        purpose=f"Supports decisions on {portfolio} in {unit.name.lower()}.",
        registered_by=by,
    )


def _label(model: Model) -> str:
    return f"{1 + len(model.name) % 4}.0.0"


def _watch(random: np.random.Generator) -> None:
    """Give every standing a year of figures: what a year of runs would have left."""
    standings = list(Standing.objects.select_related(None))
    for standing in standings:
        light = str(random.choice(LIGHTS, p=[0.72, 0.12, 0.05, 0.11]))
        if light == "unknown":
            continue
        drift = {"good": 0.0, "watch": 0.006, "breach": 0.016}[light]
        months = np.arange(12)
        auc = random.uniform(0.68, 0.86) - drift / 2 * months + random.normal(0, 0.004, 12)
        psi = np.abs(random.uniform(0.01, 0.05) + drift * months + random.normal(0, 0.004, 12))
        standing.light, standing.light_since = light, LAST_RUN - timedelta(days=int(random.integers(0, 200)))
        standing.last_run_at, standing.last_window = LAST_RUN, "October 2026"
        standing.open_breaches = int(random.integers(1, 4)) if light == "breach" else 0
        standing.auc_history, standing.score_psi_history = auc.round(4).tolist(), psi.round(4).tolist()
        standing.latest_auc, standing.latest_score_psi = standing.auc_history[-1], standing.score_psi_history[-1]
    Standing.objects.bulk_update(
        standings,
        [
            "light", "light_since", "last_run_at", "last_window", "open_breaches",
            "auc_history", "score_psi_history", "latest_auc", "latest_score_psi",
        ],
        batch_size=BATCH,
    )  # fmt: skip
