from __future__ import annotations

from django.db import models
from django.db.models import Q


class AssetQuerySet(models.QuerySet):
    def in_use(self) -> AssetQuerySet:
        return self.filter(retired_at=None)


class Asset(models.Model):
    """What models rest on and is no model: a data source, a vendor, a component or an assumption that several share.

    Known to the whole bank; which models rest on it, a reader sees of the models that the reader sees.
    """

    class Kind(models.TextChoices):
        DATA_SOURCE = "data_source", "Data source"
        VENDOR = "vendor", "Vendor"
        COMPONENT = "component", "Component"
        ASSUMPTION = "assumption", "Assumption"

    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    registered_at = models.DateTimeField(auto_now_add=True)
    registered_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    objects = AssetQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "name"], condition=Q(retired_at=None), name="asset_name_once_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(retired_at=None, retired_by=None) | Q(retired_at__isnull=False, retired_by__isnull=False),
                name="asset_retired_at_has_retired_by",
            ),
        ]

    def __str__(self) -> str:
        return self.name
