"""`manage.py demo_people FILE`: units, people, roles and accounts of the demonstration bank."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import services
from accounts.models import Account, Person, Unit
from accounts.roles import Role
from demo.people import PEOPLE, UNITS, Colleague, passwords_in

PIPELINE = "card-pipeline"
PIPELINE_OWNER = "demir"


class Command(BaseCommand):
    help = "Adds what is missing of the demonstration's people; their passwords are those in FILE."

    def add_arguments(self, parser) -> None:
        parser.add_argument("passwords", type=Path)

    @transaction.atomic
    def handle(self, *args, **options) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration's people have no place in production: set ASSAY_ENV=demo.")
        passwords = passwords_in(options["passwords"])
        units = {}
        for unit in UNITS:
            known = Unit.objects.filter(code=unit.code).first()
            units[unit.code] = known or services.add_unit(
                code=unit.code, name=unit.name, parent=units.get(unit.parent), by=None
            )
        for colleague in PEOPLE:
            add_colleague(colleague, units, passwords[colleague.username])
        add_pipeline()


def add_colleague(colleague: Colleague, units: dict[str, Unit], password: str) -> None:
    """A person with account and role, unless the HR number is known."""
    if Person.objects.filter(hr_number=colleague.hr_number).exists():
        return
    person = services.add_person(
        hr_number=colleague.hr_number,
        full_name=colleague.full_name,
        mail=f"{colleague.username}@harbour-bank.example",
        unit=units[colleague.unit],
        by=None,
    )
    services.add_account(
        person=person, username=colleague.username, password=password, kind=Account.Kind.HUMAN, by=None
    )
    services.grant_role(
        person=person,
        role=Role(colleague.role),
        unit=units[colleague.over] if colleague.over else None,
        granted_by=None,
        by=None,
    )


def add_pipeline() -> None:
    """The service account that the card models' developer answers for."""
    if Account.objects.filter(username=PIPELINE).exists():
        return
    owner = Account.objects.get(username=PIPELINE_OWNER).person
    services.add_account(person=owner, username=PIPELINE, password=None, kind=Account.Kind.SERVICE, by=None)
