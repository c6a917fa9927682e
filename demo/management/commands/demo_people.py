"""`manage.py demo_people FILE`: units, people, roles and accounts of the demonstration bank.

It starts as any bank does: two administrators, of whom one proposes every further role and the other accepts it.
"""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import services
from accounts.models import Account, Person, Unit
from accounts.roles import Role
from demo.people import PEOPLE, UNITS, Colleague, passwords_in
from proposals.services import decide_role, propose_role

PIPELINE = "card-pipeline"
PIPELINE_OWNER = "demir"
ADMINISTRATORS = [colleague for colleague in PEOPLE if colleague.role == Role.ADMINISTRATOR]


class Command(BaseCommand):
    help = "Adds what is missing of the demonstration's people; their passwords are those in FILE."

    def add_arguments(self, parser) -> None:
        parser.add_argument("passwords", type=Path)

    def handle(self, *args, **options) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration's people have no place in production: set ASSAY_ENV=demo.")
        passwords = passwords_in(options["passwords"])
        if not Person.objects.exists():
            start(passwords)
        asks, decides = administrators()
        units = add_units(asks)
        for colleague in PEOPLE:
            add_colleague(colleague, units, passwords[colleague.username], asks=asks, decides=decides)
        add_pipeline(asks)


def start(passwords: dict[str, str]) -> None:
    top = UNITS[0]
    newcomers = [
        services.Newcomer(c.hr_number, c.full_name, mail_of(c), c.username, passwords[c.username])
        for c in ADMINISTRATORS
    ]
    services.start_bank(code=top.code, name=top.name, administrators=newcomers, by=None)


def administrators() -> list[Account]:
    found = {account.username: account for account in Account.objects.select_related("person")}
    if not all(colleague.username in found for colleague in ADMINISTRATORS):
        raise CommandError(
            "This demonstration was begun by an older version, with one administrator, who cannot make a second."
            " Delete its folder, var/demo, to start it anew."
        )
    return [found[colleague.username] for colleague in ADMINISTRATORS]


def add_units(by: Account) -> dict[str, Unit]:
    """Units by code, the missing ones added."""
    units = {unit.code: unit for unit in Unit.objects.all()}
    for unit in UNITS:
        if unit.code not in units:
            units[unit.code] = services.add_unit(code=unit.code, name=unit.name, parent=units.get(unit.parent), by=by)
    return units


@transaction.atomic
def add_colleague(
    colleague: Colleague, units: dict[str, Unit], password: str, *, asks: Account, decides: Account
) -> None:
    """A person with account and role, unless the HR number is known."""
    if Person.objects.filter(hr_number=colleague.hr_number).exists():
        return
    person = services.add_person(
        hr_number=colleague.hr_number,
        full_name=colleague.full_name,
        mail=mail_of(colleague),
        unit=units[colleague.unit],
        by=asks,
    )
    services.add_account(
        person=person, username=colleague.username, password=password, kind=Account.Kind.HUMAN, by=asks
    )
    proposal = propose_role(
        person=person,
        role=Role(colleague.role),
        unit=units[colleague.over] if colleague.over else None,
        reason=f"Comes to {colleague.comes_to}",
        by=asks,
    )
    decide_role(proposal=proposal, accept=True, reason="As agreed with the unit", by=decides)


def add_pipeline(by: Account) -> None:
    """The service account that the card models' developer answers for."""
    if Account.objects.filter(username=PIPELINE).exists():
        return
    owner = Account.objects.get(username=PIPELINE_OWNER).person
    services.add_account(person=owner, username=PIPELINE, password=None, kind=Account.Kind.SERVICE, by=by)


def mail_of(colleague: Colleague) -> str:
    return f"{colleague.username}@harbour-bank.example"
