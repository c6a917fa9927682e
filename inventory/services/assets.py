"""Verbs on what models rest on and is no model: data sources, vendors, components, shared assumptions."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.policies import check_reason
from accounts.refusals import InvalidInput, NotNow
from audit.services import record
from inventory import events, permissions
from inventory.models import Asset, Dependency
from inventory.models.dependency import node_of


@transaction.atomic
def register_asset(*, kind: str, name: str, description: str = "", by: Account) -> tuple[Asset, bool]:
    """Make something known to the network; the same name again is the same. Returns (asset, whether it is new)."""
    permissions.check_can_add_assets(by)
    if not name.strip():
        raise InvalidInput({"name": "Say what people call it."})
    asset, is_new = Asset.objects.get_or_create(
        kind=Asset.Kind(kind),
        name=name.strip(),
        retired_at=None,
        defaults={"description": description, "registered_by": by.person},
    )
    if not is_new:
        return asset, False
    record(events.ASSET_REGISTERED, subject=asset, by=by, data={"kind": asset.get_kind_display(), "name": asset.name})
    return asset, True


@transaction.atomic
def retire_asset(*, asset: Asset, reason: str, by: Account) -> Asset:
    """Take an asset out of the network; not while anything in force touches it."""
    asset = Asset.objects.select_for_update().get(pk=asset.pk)
    permissions.check_can_keep_assets(by)
    check_reason(reason)
    if asset.retired_at:
        raise NotNow(f"{asset} is retired already.")
    if Dependency.objects.in_force().touching(node_of(asset)).exists():
        raise NotNow(f"Dependencies on {asset} are in force; they are ended first.")
    asset.retired_at, asset.retired_by = timezone.now(), by.person
    asset.save(update_fields=["retired_at", "retired_by"])
    data = {"kind": asset.get_kind_display(), "name": asset.name, "reason": reason}
    record(events.ASSET_RETIRED, subject=asset, by=by, data=data)
    return asset
