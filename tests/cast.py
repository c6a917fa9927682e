"""The people of the tests, one for each role, in two units, made through the services."""

from dataclasses import dataclass

from accounts import services
from accounts.models import Account, Unit
from accounts.roles import Role

PASSWORD = "correct horse battery staple"


@dataclass
class Cast:
    retail: Unit
    markets: Unit
    officer: Account
    owner: Account
    developer: Account
    validator: Account
    member: Account
    auditor: Account
    administrator: Account
    second_administrator: Account
    stranger: Account
    pipeline: Account


def hire(role: Role | None, unit: Unit, name: str, *, bank_wide: bool = False) -> Account:
    """A person with an account and one role over `unit`."""
    person = services.add_person(
        hr_number=f"HR-{name.replace(' ', '-').lower()}", full_name=name, mail="", unit=unit, by=None
    )
    if role:
        services.grant_role(person=person, role=role, unit=None if bank_wide else unit, granted_by=None, by=None)
    return services.add_account(
        person=person, username=name.split()[0].lower(), password=PASSWORD, kind=Account.Kind.HUMAN, by=None
    )


def make_cast() -> None:
    group = services.add_unit(code="group", name="Group", parent=None, by=None)
    retail = services.add_unit(code="retail", name="Retail credit", parent=group, by=None)
    markets = services.add_unit(code="markets", name="Markets", parent=group, by=None)
    owner = hire(Role.OWNER, retail, "Olivia Owner")
    services.add_account(person=owner.person, username="ci-pipeline", password=None, kind=Account.Kind.SERVICE, by=None)
    hire(Role.OFFICER, group, "Priya Officer", bank_wide=True)
    hire(Role.DEVELOPER, retail, "Dan Developer")
    hire(Role.VALIDATOR, retail, "Ingrid Validator")
    hire(Role.COMMITTEE, retail, "Samuel Member")
    hire(Role.AUDITOR, group, "Agnes Auditor", bank_wide=True)
    hire(Role.ADMINISTRATOR, group, "Ada Administrator", bank_wide=True)
    hire(Role.ADMINISTRATOR, group, "Bert Administrator", bank_wide=True)
    hire(Role.OWNER, markets, "Stan Stranger")


def load_cast() -> Cast:
    account = {a.username: a for a in Account.objects.select_related("person__details", "person__unit")}
    unit = {u.code: u for u in Unit.objects.all()}
    return Cast(
        retail=unit["retail"],
        markets=unit["markets"],
        officer=account["priya"],
        owner=account["olivia"],
        developer=account["dan"],
        validator=account["ingrid"],
        member=account["samuel"],
        auditor=account["agnes"],
        administrator=account["ada"],
        second_administrator=account["bert"],
        stranger=account["stan"],
        pipeline=account["ci-pipeline"],
    )
