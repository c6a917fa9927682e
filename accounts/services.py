"""Verbs on units, people, roles and tokens. Role changes of a running portal go through `proposals`."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import events
from accounts.models import Account, ApiToken, Person, PersonDetails, RoleAssignment, Unit
from accounts.permissions import check_may, reaches
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import SCOPES, Permission, Role
from audit.services import record

TOKEN_PREFIX = "assay_"  # noqa: S105  (what a token begins with, so that scanners find a leaked one)


@transaction.atomic
def add_unit(*, code: str, name: str, parent: Unit | None, by: Account | None) -> Unit:
    """Add a business unit below `parent`."""
    if by:
        check_may(by, Permission.MANAGE_PEOPLE)
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
    person = Person.objects.create(hr_number=hr_number, unit=unit, line_manager=line_manager)
    PersonDetails.objects.create(person=person, full_name=full_name, mail=mail)
    record(events.PERSON_ADDED, subject=person, by=by, data={"hr_number": hr_number, "unit": unit.name})
    return person


@transaction.atomic
def add_account(*, person: Person, username: str, password: str | None, kind: str, by: Account | None) -> Account:
    """Add a way to sign in; a service account has no password."""
    if by:
        check_may(by, Permission.MANAGE_PEOPLE)
    account = Account(person=person, username=username, kind=kind)
    account.set_password(password)
    account.save()
    record(
        events.ACCOUNT_ADDED,
        subject=account,
        by=by,
        trails=[person],
        data={"kind": kind, "username": username},
    )
    return account


@transaction.atomic
def grant_role(
    *, person: Person, role: Role, unit: Unit | None, granted_by: Person | None, by: Account | None
) -> RoleAssignment:
    """Put a role in force. Called when a proposal is decided, and once for the people a bank starts with."""
    if RoleAssignment.objects.in_force().filter(person=person, role=role, unit=unit).exists():
        raise NotNow(f"{person} has the role {role.label} over {unit or 'the whole bank'} already.")
    assignment = RoleAssignment.objects.create(person=person, role=role, unit=unit, granted_by=granted_by)
    record(
        events.ROLE_GRANTED,
        subject=assignment,
        by=by,
        trails=[person],
        data={"role": role.label, "unit": unit.name if unit else "whole bank"},
    )
    return assignment


@transaction.atomic
def end_role(*, assignment: RoleAssignment, reason: str, by: Account) -> None:
    """End a role from now on; the next request of every session feels it."""
    assignment = RoleAssignment.objects.select_for_update().get(pk=assignment.pk)
    check_may(by, Permission.MANAGE_PEOPLE)
    if assignment.ended_at:
        raise NotNow("This role has ended already.")
    assignment.ended_at, assignment.ended_by = timezone.now(), by.person
    assignment.save(update_fields=["ended_at", "ended_by"])
    record(
        events.ROLE_ENDED,
        subject=assignment,
        by=by,
        trails=[assignment.person],
        data={
            "role": assignment.get_role_display(),
            "unit": assignment.unit.name if assignment.unit else "whole bank",
            "reason": reason,
        },
    )


@transaction.atomic
def disable_person(*, person: Person, reason: str, by: Account) -> None:
    """Shut every session and token of a person; records stay."""
    person = Person.objects.select_for_update().get(pk=person.pk)
    check_may(by, Permission.MANAGE_PEOPLE)
    if not person.is_active:
        raise NotNow(f"{person} is disabled already.")
    person.is_active = False
    person.save(update_fields=["is_active"])
    record(events.PERSON_DISABLED, subject=person, by=by, data={"hr_number": person.hr_number, "reason": reason})


@transaction.atomic
def make_token(
    *, account: Account, name: str, scopes: list[str], unit: Unit, expires_at: datetime, by: Account
) -> tuple[ApiToken, str]:
    """Make a bearer token; return it with its secret, which is shown once and kept only as SHA-256.

    People make tokens for their own account; an administrator for service accounts.
    """
    if account.person_id != by.person_id and not (
        account.is_service and reaches(by, Permission.MANAGE_PEOPLE, unit=unit)
    ):
        raise NotPermitted("A token can be made for your own account, or by an administrator for a service account.")
    _check_token(scopes=scopes, expires_at=expires_at)
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
            "name": name,
            "scopes": ", ".join(sorted(scopes)),
            "unit": unit.name,
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
    record(events.TOKEN_REVOKED, subject=token, by=by, trails=[token.person], data={"name": token.name})


def hash_of(secret: str) -> str:
    """SHA-256 in hex: a token is 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_token(*, scopes: list[str], expires_at: datetime) -> None:
    problems = {}
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        problems["scopes"] = f"Choose from {', '.join(SCOPES)}; got {', '.join(unknown) or 'none'}."
    if expires_at <= timezone.now():
        problems["expires_at"] = f"A token must end in the future, got {expires_at:%d %b %Y %H:%M}."
    if problems:
        raise InvalidInput(problems)
