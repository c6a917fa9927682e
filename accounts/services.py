"""Verbs on units, people, roles and tokens. A role begins and ends with a proposal that a second person accepted."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from accounts import events
from accounts.models import Account, AnsweredRequest, ApiToken, Person, PersonDetails, RoleAssignment, TokenUse, Unit
from accounts.permissions import check_may
from accounts.policies import check_administrators_stay, check_reason
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import BANK_WIDE, SCOPES, Permission, Role
from audit.reading import key_of
from audit.services import record

TOKEN_PREFIX = "assay_"  # noqa: S105  (what a token begins with, so that scanners find a leaked one)
# Kinds of proposals: a role that is to begin, one that is to end, a person who is to be enabled again, and a token.
ROLE, END_ROLE, ENABLE, SERVICE_TOKEN = "role", "end role", "enable person", "service token"
WHOLE_BANK = "whole bank"
USE_NOTED_EVERY = timedelta(minutes=5)
ANSWERS_KEPT = timedelta(days=7)  # a pipeline may be repeated after a long weekend
FORGET_ANSWERS = "accounts.forget_answers"  # name of the task
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


class AcceptedProposal(Protocol):
    """What was asked and decided, as the app above keeps it."""

    kind: str
    state: str
    subject: str
    change: dict
    reason: str
    decided_by_id: int | None
    applied_at: datetime | None


@dataclass(frozen=True)
class Newcomer:
    """Somebody with whom a bank starts."""

    hr_number: str
    full_name: str
    mail: str
    username: str
    password: str


@transaction.atomic
def start_bank(*, code: str, name: str, administrators: Sequence[Newcomer], by: Account | None) -> list[Account]:
    """The first unit of an empty portal and the two administrators who bring in everybody else.

    Raises NotNow once anybody is known: from then on a role takes a proposal and two persons.
    """
    with connection.cursor() as cursor:  # nobody may come in between the look and the first rows
        cursor.execute("lock table accounts_person in share row exclusive mode")
    if Person.objects.exists():
        raise NotNow("This portal knows people already: its administrators add units and people, and propose roles.")
    if len(administrators) != 2:
        raise InvalidInput({"administrators": f"A bank starts with two administrators, got {len(administrators)}."})
    unit = add_unit(code=code, name=name, parent=None, by=by)
    accounts = [_start_with(newcomer, unit, by) for newcomer in administrators]
    numbers = " and ".join(newcomer.hr_number for newcomer in administrators)
    record(events.BANK_STARTED, subject=unit, by=by, data={"name": name, "administrators": numbers})
    return accounts


def _start_with(newcomer: Newcomer, unit: Unit, by: Account | None) -> Account:
    person = add_person(
        hr_number=newcomer.hr_number, full_name=newcomer.full_name, mail=newcomer.mail, unit=unit, by=by
    )
    account = add_account(
        person=person, username=newcomer.username, password=newcomer.password, kind=Account.Kind.HUMAN, by=by
    )
    _begin_role(person, Role.ADMINISTRATOR, None, granted_by_id=None, by=by)
    return account


@transaction.atomic
def add_unit(*, code: str, name: str, parent: Unit | None, by: Account | None) -> Unit:
    """Add a business unit below `parent`."""
    if by:
        check_may(by, Permission.MANAGE_PEOPLE)
    if not CODE.fullmatch(code):  # it becomes part of a path, and paths say who sees what
        raise InvalidInput({"code": f"Small letters, digits, hyphens and underscores, at most 50; got {code!r}."})
    if Unit.objects.filter(code=code).exists():
        raise InvalidInput({"code": f"There is a unit with the code “{code}” already."})
    path = f"{parent.path if parent else '/'}{code}/"
    unit = Unit.objects.create(code=code, name=name, parent=parent, path=path)
    record(events.UNIT_ADDED, subject=unit, by=by, data={"name": name, "path": path})
    return unit


@transaction.atomic
def add_person(
    *,
    hr_number: str,
    full_name: str,
    mail: str,
    unit: Unit,
    line_manager: Person | None = None,
    by: Account | None,
) -> Person:
    """Add a person. The name goes to the erasable table only, never to the trail."""
    if by:
        check_may(by, Permission.MANAGE_PEOPLE)
    if Person.objects.filter(hr_number__iexact=hr_number).exists():
        raise InvalidInput({"hr_number": f"Somebody has the HR number “{hr_number}” already."})
    person = Person.objects.create(hr_number=hr_number, unit=unit, line_manager=line_manager)
    PersonDetails.objects.create(person=person, full_name=full_name, mail=mail)
    record(events.PERSON_ADDED, subject=person, by=by, data={"hr_number": hr_number, "unit": unit.code})
    return person


@transaction.atomic
def add_account(*, person: Person, username: str, password: str | None, kind: str, by: Account | None) -> Account:
    """Add a way to sign in; a service account has no password."""
    if by:
        check_may(by, Permission.MANAGE_PEOPLE)
    if Account.objects.filter(username__iexact=username).exists():
        raise InvalidInput({"username": f"The user name “{username}” is taken; choose another."})
    account = Account(person=person, username=username, kind=kind)
    if password is not None:
        _check_password(password, account)
    account.set_password(password)
    account.save()
    record(
        events.ACCOUNT_ADDED,
        subject=account,
        by=by,
        trails=[person],
        data={"kind": kind, "username": username, "hr_number": person.hr_number},
    )
    return account


@transaction.atomic
def grant_role(*, proposal: AcceptedProposal, by: Account) -> RoleAssignment:
    """Put the role of an accepted proposal in force. The database refuses one that no such proposal asks for."""
    check_may(by, Permission.MANAGE_PEOPLE)
    _check_accepted(proposal, ROLE)
    person = Person.objects.get(pk=key_of(proposal.subject))
    role, unit_id = Role(proposal.change["role"]), proposal.change["unit"]
    unit = Unit.objects.get(pk=unit_id) if unit_id else None
    check_can_be_held(role, unit)
    if RoleAssignment.objects.in_force().filter(person=person, role=role, unit=unit).exists():
        raise NotNow(f"{person} has the role {role.label} over {unit or 'the whole bank'} already.")
    return _begin_role(person, role, unit, granted_by_id=proposal.decided_by_id, by=by)


@transaction.atomic
def end_role(*, proposal: AcceptedProposal, by: Account) -> None:
    """End the role of an accepted proposal from now on; the next request of every session feels it."""
    check_may(by, Permission.MANAGE_PEOPLE)
    _check_accepted(proposal, END_ROLE)
    lock_administrators()
    assignment = RoleAssignment.objects.select_for_update().get(pk=key_of(proposal.subject))
    check_can_end(assignment)
    assignment.ended_at, assignment.ended_by_id = timezone.now(), proposal.decided_by_id
    assignment.save(update_fields=["ended_at", "ended_by"])
    record(
        events.ROLE_ENDED,
        subject=assignment,
        by=by,
        trails=[assignment.person],
        data={
            "hr_number": assignment.person.hr_number,
            "role": assignment.get_role_display(),
            "unit": code_of(assignment.unit),
            "reason": proposal.reason,
        },
    )


def lock_administrators() -> None:
    """Lock every administrator's role until the transaction ends: of two acts at once, the later counts who is left.

    To be taken before the row that is changed, and in one order, so that two callers never wait for each other.
    """
    in_force = RoleAssignment.objects.in_force().filter(role=Role.ADMINISTRATOR).order_by("pk")
    list(in_force.select_for_update(no_key=True))


def check_can_end(assignment: RoleAssignment) -> None:
    if assignment.ended_at:
        raise NotNow("This role has ended already.")
    if assignment.role == Role.ADMINISTRATOR:
        check_administrators_stay(assignment.person)


def code_of(unit: Unit | None) -> str:
    """A unit as entries name it: a name may change, a code stays."""
    return unit.code if unit else WHOLE_BANK


def check_can_be_held(role: Role, unit: Unit | None) -> None:
    """A role that reaches the whole bank is held over the whole bank, and a service account has its own by itself."""
    if role == Role.SERVICE:
        raise InvalidInput({"role": "A service account has this role by itself; choose another."})
    if unit and role in BANK_WIDE:
        raise InvalidInput({"unit": f"The role {role.label} reaches the whole bank; leave the unit empty."})


@transaction.atomic
def disable_person(*, person: Person, reason: str, by: Account) -> Person:
    """Shut every session and token of a person, at once; records stay. The safe direction takes one administrator."""
    lock_administrators()
    person = Person.objects.select_for_update().get(pk=person.pk)
    check_may(by, Permission.MANAGE_PEOPLE)
    if not person.is_active:
        raise NotNow(f"{person} is disabled already.")
    check_administrators_stay(person)
    check_reason(reason)
    person.is_active = False
    person.save(update_fields=["is_active"])
    record(events.PERSON_DISABLED, subject=person, by=by, data={"hr_number": person.hr_number, "reason": reason})
    return person


@transaction.atomic
def enable_person(*, proposal: AcceptedProposal, by: Account) -> Person:
    """Let the person of an accepted proposal in again. Sessions and tokens that have not ended work again too."""
    check_may(by, Permission.MANAGE_PEOPLE)
    _check_accepted(proposal, ENABLE)
    person = Person.objects.select_for_update().get(pk=key_of(proposal.subject))
    check_is_disabled(person)
    person.is_active = True
    person.save(update_fields=["is_active"])
    data = {"hr_number": person.hr_number, "reason": proposal.reason}
    record(events.PERSON_ENABLED, subject=person, by=by, data=data)
    return person


def check_is_disabled(person: Person) -> None:
    if person.is_active:
        raise NotNow(f"{person} is not disabled.")


@transaction.atomic
def make_token(
    *, account: Account, name: str, scopes: list[str], unit: Unit, expires_at: datetime, by: Account
) -> tuple[ApiToken, str]:
    """Make a bearer token of one's own; return it with its secret, which is shown once and kept only as SHA-256."""
    if account.is_service:
        raise NotPermitted(
            "A token of a service account is proposed by one administrator and accepted by another; then whoever"
            " answers for the account makes it."
        )
    if account.person_id != by.person_id:
        raise NotPermitted("A token can be made for your own account alone.")
    check_token(scopes=scopes, expires_at=expires_at)
    return _make_token(account, name=name, scopes=scopes, unit=unit, expires_at=expires_at, by=by)


@transaction.atomic
def make_service_token(*, proposal: AcceptedProposal, by: Account) -> tuple[ApiToken, str]:
    """Make the token of an accepted proposal; its secret is shown once, to who answers for the service account."""
    _check_accepted(proposal, SERVICE_TOKEN)
    account = Account.objects.select_related("person").get(pk=key_of(proposal.subject))
    if account.person_id != by.person_id or by.is_service or by.token:
        raise NotPermitted("The secret of a service account's token is shown to who answers for the account alone.")
    change = proposal.change
    expires_at = datetime.fromisoformat(change["expires_at"])
    if expires_at <= timezone.now():
        raise NotNow(f"This token would have ended on {expires_at:%d %b %Y}; it has to be proposed again.")
    unit = Unit.objects.get(pk=change["unit"])
    return _make_token(account, name=change["name"], scopes=change["scopes"], unit=unit, expires_at=expires_at, by=by)


def _make_token(
    account: Account, *, name: str, scopes: list[str], unit: Unit, expires_at: datetime, by: Account
) -> tuple[ApiToken, str]:
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        person=account.person,
        account=account,
        name=name,
        start=secret[:12],
        sha256=hash_of(secret),
        scopes=sorted(scopes),
        unit=unit,
        made_by=by.person,
        expires_at=expires_at,
    )
    record(
        events.TOKEN_MADE,
        subject=token,
        by=by,
        trails=[account.person],
        data={
            "hr_number": account.person.hr_number,
            "username": account.username,
            "name": name,
            "scopes": ", ".join(sorted(scopes)),
            "unit": unit.code,
            "expires_at": expires_at.isoformat(),
        },
    )
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, by: Account) -> None:
    """End a token at once."""
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.person_id != by.person_id:
        check_may(by, Permission.MANAGE_PEOPLE)
    if token.revoked_at:
        raise NotNow("This token is revoked already.")
    token.revoked_at, token.revoked_by = timezone.now(), by.person
    token.save(update_fields=["revoked_at", "revoked_by"])
    record(
        events.TOKEN_REVOKED,
        subject=token,
        by=by,
        trails=[token.person],
        data={"name": token.name, "username": token.account.username, "hr_number": token.person.hr_number},
    )


def note_use(*, token: ApiToken) -> None:
    """Note that a token is used, once in a while: not every call that reads shall write."""
    now = timezone.now()
    used_at = token.use.used_at if hasattr(token, "use") else None
    if used_at is None or now - used_at >= USE_NOTED_EVERY:
        TokenUse.objects.bulk_create(
            [TokenUse(token=token, used_at=now)],
            update_conflicts=True,  # two calls at once are both the last
            update_fields=["used_at"],
            unique_fields=["token"],
        )


def forget_answers() -> int:
    """Take away answers that were kept for their time; return how many. Their keys are new ones from then on."""
    return AnsweredRequest.objects.filter(answered_at__lt=timezone.now() - ANSWERS_KEPT).delete()[0]


def hash_of(secret: str) -> str:
    """SHA-256 in hex: a token is 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_token(*, scopes: list[str], expires_at: datetime) -> None:
    problems = {}
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        problems["scopes"] = f"Choose from {', '.join(SCOPES)}; got {', '.join(unknown) or 'none'}."
    if expires_at <= timezone.now():
        problems["expires_at"] = f"A token must end in the future, got {expires_at:%d %b %Y %H:%M}."
    if problems:
        raise InvalidInput(problems)


def _check_accepted(proposal: AcceptedProposal, kind: str) -> None:
    if (proposal.kind, proposal.state) != (kind, "accepted"):
        raise NotPermitted(
            f"This takes an accepted proposal of kind “{kind}”, not one of “{proposal.kind}” that is {proposal.state}."
        )
    if proposal.applied_at:
        raise NotNow("This proposal was put in force already.")


def _begin_role(
    person: Person, role: Role, unit: Unit | None, *, granted_by_id: int | None, by: Account | None
) -> RoleAssignment:
    assignment = RoleAssignment.objects.create(person=person, role=role, unit=unit, granted_by_id=granted_by_id)
    record(
        events.ROLE_GRANTED,
        subject=assignment,
        by=by,
        trails=[person],
        data={"hr_number": person.hr_number, "role": role.label, "unit": code_of(unit)},
    )
    return assignment


def _check_password(password: str, account: Account) -> None:
    try:
        validate_password(password, account)
    except ValidationError as problem:
        raise InvalidInput({"password": " ".join(problem.messages)}) from problem
