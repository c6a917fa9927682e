"""What an account may name: the units that its roles cover, and the people who can own or develop a model there."""

from collections.abc import Callable

from django.db.models import Q, QuerySet

from accounts.models import Account, Person, Unit
from accounts.permissions import assignments_of
from accounts.roles import MATRIX, Permission, Role

MOST_NAMED = 20


def units_of(account: Account, permission: Permission | None = None) -> QuerySet[Unit]:
    """Units that a role with the permission covers, those below them too; without a permission, any role."""
    over = [unit for role, unit in assignments_of(account) if permission is None or permission in MATRIX[role]]
    if None in over:
        return Unit.objects.all()
    covered = Q(pk__in=[])
    for unit in over:
        covered |= Q(path__startswith=unit.path)
    return Unit.objects.filter(covered)


def people_beside(account: Account) -> QuerySet[Person]:
    """Active owners and developers whose role covers, or lies below, a unit of the account's roles."""
    holders = Person.objects.filter(is_active=True).select_related("details").order_by("hr_number").distinct()
    kinds = Q(roles__ended_at=None, roles__role__in=[Role.OWNER, Role.DEVELOPER])
    over = [unit for _, unit in assignments_of(account)]
    if None in over:
        return holders.filter(kinds)
    place = Q(roles__unit=None)
    for unit in over:
        place |= Q(roles__unit__path__startswith=unit.path) | Q(roles__unit__code__in=unit.path.strip("/").split("/"))
    return holders.filter(kinds & place)


def units_in_words(units: QuerySet[Unit]) -> str:
    """`cards (Credit Cards), retail (Retail Credit)`, and how many more there are."""
    return _listed(units, lambda unit: f"{unit.code} ({unit.name})")


def people_in_words(people: QuerySet[Person]) -> str:
    """`HB-1001 (Ingrid Solberg)`; of somebody who was erased the number alone."""
    return _listed(people, lambda p: f"{p.hr_number} ({p})" if str(p) != p.hr_number else p.hr_number)


def _listed(records: QuerySet, in_words: Callable) -> str:
    shown = list(records[:MOST_NAMED])
    rest = records.count() - len(shown) if len(shown) == MOST_NAMED else 0
    return ", ".join(map(in_words, shown)) + (f" and {rest:,} more" if rest else "")
