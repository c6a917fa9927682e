from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account
from accounts.permissions import may
from accounts.roles import Permission


class SavedViewQuerySet(models.QuerySet):
    def visible_to(self, account: Account) -> SavedViewQuerySet:
        """One's own, and the shared ones of others for whoever sees any model."""
        own = Q(owner=account.person_id)
        return self.filter(own | Q(is_shared=True) if may(account, Permission.SEE_MODELS) else own)


class SavedView(models.Model):
    """A way to look at the list of models under a name: the query of its address, and nothing else.

    Not governed: it decides nothing and shows nothing by itself. Whoever opens it sees the models that they may see.
    """

    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2_000, blank=True, help_text="tier=1&stage=in_use&columns=ref")
    is_shared = models.BooleanField(default=False, help_text="Offered to everybody who sees models")
    made_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="saved_view_name_once")]

    def __str__(self) -> str:
        return self.name
