"""Keep ways to look at the list of models: save one, share it, remove it. They are not governed."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account
from accounts.refusals import InvalidInput
from inventory import permissions
from inventory.models import SavedView
from web.text import is_storable

MOST_VIEWS = 30  # of one person; more tabs than these nobody finds again
LONGEST_QUERY = 2_000


@transaction.atomic
def save_view(*, name: str, query: str, is_shared: bool = False, by: Account) -> SavedView:
    """Keep the list's query under a name; the same name again takes the new query."""
    name = name.strip()
    if not name or len(name) > 60:
        raise InvalidInput({"name": f"A name of 1 to 60 characters is wanted, got {len(name)}."})
    if len(query) > LONGEST_QUERY:
        raise InvalidInput({"query": f"At most {LONGEST_QUERY} characters of filters can be kept, got {len(query)}."})
    if not (is_storable(name) and is_storable(query)):
        raise InvalidInput({"name": "A text cannot hold the character NUL or half of a surrogate pair."})
    own = SavedView.objects.filter(owner=by.person_id)
    if own.exclude(name=name).count() >= MOST_VIEWS:
        raise InvalidInput({"name": f"You have {MOST_VIEWS} views already; remove one that you do not use."})
    view, _ = SavedView.objects.update_or_create(
        owner=by.person, name=name, defaults={"query": query, "is_shared": is_shared}
    )
    return view


@transaction.atomic
def share_view(*, view: SavedView, is_shared: bool, by: Account) -> SavedView:
    """Offer one's own view to everybody who sees models, or take it back."""
    permissions.check_own_view(by, view)
    view.is_shared = is_shared
    view.save(update_fields=["is_shared"])
    return view


@transaction.atomic
def remove_view(*, view: SavedView, by: Account) -> None:
    permissions.check_own_view(by, view)
    view.delete()
