"""The people of the tests, one for each role, in two units, made through the services."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts import services
from accounts.models import Account, ApiToken, Person, RoleAssignment, Unit
from accounts.roles import Role
from proposals import services as proposals
from proposals.models import Proposal

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
    """A person with an account and one role over `unit`, which Ada proposed and Bert accepted."""
    person = services.add_person(
        hr_number=f"HR-{name.replace(' ', '-').lower()}", full_name=name, mail="", unit=unit, by=None
    )
    if role:
        give_role(person, role, None if bank_wide else unit)
    return services.add_account(
        person=person, username=name.split()[0].lower(), password=PASSWORD, kind=Account.Kind.HUMAN, by=None
    )


def give_role(person: Person, role: Role, unit: Unit | None) -> RoleAssignment:
    ada, bert = two_administrators()
    proposal = proposals.propose_role(person=person, role=role, unit=unit, reason="Hired", by=ada)
    proposals.decide_role(proposal=proposal, accept=True, reason="Hired", by=bert)
    return person.roles.in_force().get(role=role, unit=unit)


def end_role(assignment: RoleAssignment, *, reason: str = "Moved to another desk") -> None:
    """Ada proposes the end of a role, Bert accepts; the other way round where it is Bert's."""
    ada, bert = two_administrators()
    asks, decides = (bert, ada) if assignment.person_id == bert.person_id else (ada, bert)
    proposal = proposals.propose_end_of_role(assignment=assignment, reason=reason, by=asks)
    proposals.decide_end_of_role(proposal=proposal, accept=True, reason="Agreed", by=decides)


def token_of_service(
    account: Account, *, scopes: list[str], unit: Unit, name: str = "test", days: float = 1
) -> tuple[ApiToken, str]:
    """A service account's token, which Ada proposed, Bert accepted and who answers for the account made."""
    proposal = accepted_token(account, scopes=scopes, unit=unit, name=name, days=days)
    answers = account.person.accounts.filter(kind=Account.Kind.HUMAN).first()
    return proposals.collect_token(proposal=proposal, by=answers)


def accepted_token(account: Account, *, scopes: list[str], unit: Unit, name: str = "test", days: float = 1) -> Proposal:
    ada, bert = two_administrators()
    expires_at = timezone.now() + timedelta(days=days)
    proposal = proposals.propose_token(
        account=account, name=name, scopes=scopes, unit=unit, expires_at=expires_at, reason="Deploys", by=ada
    )
    return proposals.decide_token(proposal=proposal, accept=True, reason="Agreed", by=bert)


def two_administrators() -> list[Account]:
    return [Account.objects.get(username=username) for username in ("ada", "bert")]


def start_bank() -> Unit:
    """The unit `group` with Ada and Bert, who administrate."""
    administrators = [
        services.Newcomer(f"HR-{name.replace(' ', '-').lower()}", name, "", name.split()[0].lower(), PASSWORD)
        for name in ("Ada Administrator", "Bert Administrator")
    ]
    services.start_bank(code="group", name="Group", administrators=administrators, by=None)
    return Unit.objects.get(code="group")


def make_cast() -> None:
    group = start_bank()
    retail = services.add_unit(code="retail", name="Retail credit", parent=group, by=None)
    markets = services.add_unit(code="markets", name="Markets", parent=group, by=None)
    owner = hire(Role.OWNER, retail, "Olivia Owner")
    services.add_account(person=owner.person, username="ci-pipeline", password=None, kind=Account.Kind.SERVICE, by=None)
    hire(Role.OFFICER, group, "Priya Officer", bank_wide=True)
    hire(Role.DEVELOPER, retail, "Dan Developer")
    hire(Role.VALIDATOR, retail, "Ingrid Validator")
    hire(Role.COMMITTEE, retail, "Samuel Member")
    hire(Role.AUDITOR, group, "Agnes Auditor", bank_wide=True)
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
