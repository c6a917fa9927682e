"""Records that a client names by a code: what is not known is refused with those that can be named."""

from rest_framework import serializers

from accounts.access import people_beside, people_in_words, units_in_words, units_of
from accounts.models import Account, Person, Unit
from accounts.roles import Permission
from web.text import is_storable
from web.wording import SAID, quoted


class NamedByCode(serializers.SlugRelatedField):
    """A record by one of its fields. The serializer's context holds the account that asks, as `by`."""

    def to_internal_value(self, code):
        found = self.get_queryset().filter(**{self.slug_field: code}).first() if is_storable(code) else None
        if found is None:
            raise serializers.ValidationError(self.unknown(quoted(code), self.context["by"]), code=SAID)
        return found

    def unknown(self, code: str, account: Account) -> str:
        """What to say of a code that names nothing."""
        raise NotImplementedError


class UnitByCode(NamedByCode):
    def __init__(self, **options):
        super().__init__("code", queryset=Unit.objects.all(), **options)

    def unknown(self, code: str, account: Account) -> str:
        units = units_in_words(units_of(account, Permission.REGISTER))
        return f"There is no unit with the code {code}. {f'Yours are: {units}.' if units else 'You have none.'}"


class PersonByNumber(NamedByCode):
    def __init__(self, **options):
        people = Person.objects.filter(is_active=True)
        super().__init__("hr_number", queryset=people, **options)

    def unknown(self, code: str, account: Account) -> str:
        said = f"There is no active person with the HR number {code}. Yours is {account.person.hr_number}."
        others = people_in_words(people_beside(account).exclude(pk=account.person_id))
        return f"{said} Owners and developers beside you: {others}." if others else said
