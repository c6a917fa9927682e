"""Records given by name: what a box offers while one types, and which record is meant by what was typed.

One entry a kind; forms (portal/forms.py) and the address that answers a box (portal/views/find.py) use the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model as Record
from django.db.models import Q, QuerySet

from accounts.models import Account, Person, Unit
from accounts.permissions import may
from accounts.roles import Permission
from inventory.models import Model

MOST = 20  # offered at a time; a longer list nobody reads
IN_BRACKETS = re.compile(r".*\(([^()]+)\)\s*", re.DOTALL)


@dataclass(frozen=True)
class Offer:
    """One record in a list: what the box will hold, and what one reads."""

    value: str
    label: str
    detail: str


@dataclass(frozen=True)
class Lookup:
    """A kind of record.

    noun    what a refusal calls it: "unit with the name or code"
    key     the field by which one record is meant
    names   fields that are searched, the first of which is its name
    within  the records that an account may be offered
    """

    noun: str
    key: str
    names: tuple[str, ...]
    within: Callable[[Account], QuerySet]

    def offers(self, account: Account, words: str = "") -> tuple[list[Offer], bool]:
        """The first records that have the words, by name, and whether there are more."""
        found = self.within(account)
        for word in words.replace("\0", "").split():
            matches = Q()
            for field in (self.key, *self.names):
                matches |= Q(**{f"{field}__icontains": word})
            found = found.filter(matches)
        page = list(found.order_by(self.names[0], self.key)[: MOST + 1])
        return [self.offer(record) for record in page[:MOST]], len(page) > MOST

    def offer(self, record: Record) -> Offer:
        name, key = getattr(record, "name", str(record)), getattr(record, self.key)
        return Offer(key if key == name else f"{name} ({key})", name, "" if key == name else key)

    def find(self, records: QuerySet, typed: str) -> Record | None:
        """The record that the words mean: its key, "Name (key)" as the box writes it, or a name that only one has."""
        written = IN_BRACKETS.fullmatch(typed)
        keys = [typed.strip(), *([written[1].strip()] if written else [])]
        for key in keys:
            if record := records.filter(**{f"{self.key}__iexact": key}).first():
                return record
        named = list(records.filter(**{f"{self.names[0]}__iexact": typed.strip()})[:2])
        return named[0] if len(named) == 1 else None


def _people(account: Account) -> QuerySet[Person]:
    everybody = Person.objects.filter(is_active=True).select_related("details")
    return everybody if may(account, Permission.SEE_ADMINISTRATION) else everybody.filter(pk=account.person_id)


def _service_accounts(account: Account) -> QuerySet[Account]:
    accounts = Account.objects.filter(kind=Account.Kind.SERVICE, is_active=True)
    return accounts if may(account, Permission.MANAGE_PEOPLE) else accounts.filter(person=account.person)


LOOKUPS = {
    "people": Lookup("active person with the name or HR number", "hr_number", ("details__full_name",), _people),
    "units": Lookup("unit with the name or code", "code", ("name",), lambda account: Unit.objects.all()),
    "service-accounts": Lookup("active service account", "username", ("username",), _service_accounts),
    "models": Lookup(
        "model with the name or id", "ref", ("name", "external_id"), lambda account: Model.objects.visible_to(account)
    ),
}
