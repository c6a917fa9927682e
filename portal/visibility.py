"""Which trails an account may see: decided by the record that a trail belongs to, one line for each kind of record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_

from django.db.models import Func, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull

from accounts.models import Account
from accounts.permissions import may
from accounts.roles import Permission
from audit.reading import every_entry, subject_name
from inventory.models import Model as InventoryModel

# Kinds of record that have a trail, each with the rows of it that an account may see. A trail of another kind is seen
# by who sees the whole log.
KINDS: dict[type[Model], Callable[[Account], QuerySet]] = {
    InventoryModel: InventoryModel.objects.visible_to,
}
FEW = 200  # trails that are looked up one by one


def sees_whole_log(account: Account) -> bool:
    return may(account, Permission.SEE_WHOLE_TRAIL)


def entries_seen_by(account: Account) -> QuerySet:
    """The whole log for who sees the whole bank; else the entries on trails that one may see, newest first."""
    if sees_whole_log(account):
        return every_entry()
    few = [name for kind, rows in KINDS.items() for name in _names(kind, rows(account).order_by()[: FEW + 1])]
    # Two ways to the same entries. From few trails the indexes lead to their entries; where the reader sees many, going
    # back from the newest entry soon fills a page, which for few would read the whole log.
    if len(few) <= FEW:
        return every_entry().filter(Q(subject__in=few) | Q(trails__overlap=few))
    return every_entry().filter(reduce(or_, (_is_about(kind, rows(account)) for kind, rows in KINDS.items())))


def may_see(account: Account, trail: str) -> bool:
    """Whether the account may see the trail of this name."""
    return trail in seen_among(account, [trail])


def seen_among(account: Account, trails: Iterable[str]) -> set[str]:
    """Those of some trails that the account may see; one query for each kind that is named."""
    trails = set(trails)
    if sees_whole_log(account):
        return trails
    keys = {kind: keys_named(kind, trails) for kind in KINDS}
    return {
        name for kind in KINDS if keys[kind] for name in _names(kind, KINDS[kind](account).filter(pk__in=keys[kind]))
    }


def keys_named(kind: type[Model], names: Iterable[str]) -> list[int]:
    """Keys of the records of one kind among names on the trail, in their order; what is no such name has none."""
    start = f"{kind._meta.label_lower}:"
    keys = (name.removeprefix(start) for name in names if name.startswith(start))
    return [int(key) for key in keys if key.isascii() and key.isdigit()]


def _names(kind: type[Model], rows: QuerySet) -> list[str]:
    return [subject_name(kind(pk=pk)) for pk in rows.values_list("pk", flat=True)]


class _KeysNamed(Func):
    """`keys_named` in the database, among one entry's trails and its subject."""

    arg_joiner = " || "
    template = (
        "(select split_part(name, ':', 2)::bigint from unnest(%(expressions)s) name where name like '%(kind)s:%%%%')"
    )


def _is_about(kind: type[Model], visible: QuerySet) -> Q:
    """Entries about a visible record or on its trail, each found out by itself.

    A scalar subquery: EXISTS would be planned as a join of every entry with every visible record.
    """
    keys = _KeysNamed(OuterRef("trails"), OuterRef("subject"), kind=kind._meta.label_lower)
    first = visible.filter(pk__in=keys).order_by().values("pk")[:1]
    return Q(IsNull(Subquery(first), False))
