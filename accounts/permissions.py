"""Who may, and how far: one answer for services, pages and the API."""

from django.db.models import Q

from accounts.models import Account, Unit
from accounts.refusals import NotPermitted
from accounts.roles import MATRIX, SCOPES, Permission, Reach, Role

_NOWHERE = Reach(0)
_BY_UNIT = Reach.UNITS | Reach.BANK


def assignments_of(account: Account) -> list[tuple[Role, Unit | None]]:
    """Roles in force, with the unit each covers (None: the whole bank). A service account has the one role."""
    if not (account.is_active and account.person.is_active):
        return []
    if account.is_service:
        return [(Role.SERVICE, account.token.unit)] if account.token else []
    cached = account.__dict__.get("_assignments")
    if cached is None:
        rows = account.person.roles.in_force().select_related("unit")
        cached = account.__dict__["_assignments"] = [(Role(row.role), row.unit) for row in rows]
    return _within_token(cached, account.token.unit) if account.token else cached


def may(account: Account, permission: Permission) -> bool:
    """Whether the account has the permission anywhere."""
    return any(permission in MATRIX[role] for role, _ in assignments_of(account)) and _in_scope(account, permission)


def reaches(
    account: Account, permission: Permission, *, unit: Unit, is_own: bool = False, is_assigned: bool = False
) -> bool:
    """Whether the permission reaches a record of `unit`.

    is_own       the account's person owns or develops it
    is_assigned  the account's person was given access to it, whatever its unit
    """
    if not _in_scope(account, permission):
        return False
    for role, over in assignments_of(account):
        reach = MATRIX[role].get(permission, _NOWHERE)
        if is_assigned and Reach.ASSIGNED in reach and _within_tokens_unit(account, unit):
            return True
        if _covers(over, unit) and (reach & _BY_UNIT or (is_own and Reach.OWN in reach)):
            return True
    return False


def check_may(account: Account, permission: Permission) -> None:
    _check_scope(account, permission)
    if not may(account, permission):
        raise NotPermitted(f"Your roles do not permit this: {permission}. An administrator can propose a role for you.")


def reaches_assigned(account: Account, permission: Permission) -> bool:
    """Whether the permission reaches, beside units, the single models that the account's person was given access to."""
    ways = (MATRIX[role].get(permission, _NOWHERE) for role, _ in assignments_of(account))
    return _in_scope(account, permission) and any(Reach.ASSIGNED in way for way in ways)


def check_reaches(
    account: Account, permission: Permission, *, unit: Unit, is_own: bool = False, is_assigned: bool = False
) -> None:
    _check_scope(account, permission)
    if not reaches(account, permission, unit=unit, is_own=is_own, is_assigned=is_assigned):
        raise NotPermitted(f"Your roles do not permit this in {unit}: {permission}.")


def seen_units(account: Account, path_field: str) -> Q | None:
    """Condition on a unit's path for the units whose models the account may see, empty for the whole bank.

    None means no model at all.
    """
    if not may(account, Permission.SEE_MODELS):
        return None
    condition = Q(**{f"{path_field}__in": []})  # whoever sees assigned models alone sees no unit's
    for role, over in assignments_of(account):
        if not MATRIX[role].get(Permission.SEE_MODELS, _NOWHERE) & _BY_UNIT:
            continue
        if over is None:
            return Q()
        condition |= Q(**{f"{path_field}__startswith": over.path})
    return condition


def _within_token(assignments: list[tuple[Role, Unit | None]], unit: Unit) -> list[tuple[Role, Unit | None]]:
    """A person's own token reaches no further than its unit."""
    narrowed = []
    for role, over in assignments:
        if _covers(over, unit):
            narrowed.append((role, unit))
        elif over.path.startswith(unit.path):
            narrowed.append((role, over))
    return narrowed


def _covers(over: Unit | None, unit: Unit) -> bool:
    return over is None or unit.path.startswith(over.path)


def _within_tokens_unit(account: Account, unit: Unit) -> bool:
    return account.token is None or _covers(account.token.unit, unit)


def _check_scope(account: Account, permission: Permission) -> None:
    """Of a token without the scope, its account's roles are not to blame."""
    wanted = [scope for scope, permits in SCOPES.items() if permission in permits]
    if wanted and not _in_scope(account, permission):
        raise NotPermitted(
            f"This token's scopes ({', '.join(account.token.scopes)}) do not permit this: {permission}."
            f" Make a token with the scope {' or '.join(wanted)}."
        )


def _in_scope(account: Account, permission: Permission) -> bool:
    """A token narrows what its account may."""
    if account.token is None:
        return True
    return any(permission in SCOPES.get(scope, ()) for scope in account.token.scopes)
