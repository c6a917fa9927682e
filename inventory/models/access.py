from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from accounts.models import Account


class AccessQuerySet(models.QuerySet):
    def in_force(self) -> AccessQuerySet:
        """Not ended, and its last day not over in the bank's zone, by the database's clock."""
        today = TruncDate(Now(), tzinfo=ZoneInfo(settings.BANK_TIME_ZONE))
        return self.filter(Q(until=None) | Q(until__gte=today), ended_at=None)

    def of(self, account: Account) -> AccessQuerySet:
        """Those of the account's person; through a token, to models of its unit alone."""
        own = self.filter(person=account.person_id)
        return own.filter(model__unit__path__startswith=account.token.unit.path) if account.token else own


class Access(models.Model):
    """One model that a person may see beside those of the own units: assigned to validate it, or to decide on it.

    How far that goes is for the person's roles to say: what reaches assigned models reaches it.
    """

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="accesses")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="accesses")
    why = models.CharField(max_length=200, help_text="What it is needed for")
    until = models.DateField(null=True, blank=True, help_text="Its last day; empty: until it is ended")
    granted_at = models.DateTimeField(default=timezone.now)
    granted_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    objects = AccessQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "accesses"
        indexes = [models.Index(fields=["person", "model"], condition=Q(ended_at=None), name="access_not_ended")]
        constraints = [
            models.CheckConstraint(condition=~Q(granted_by=F("person")), name="access_not_given_to_oneself"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="access_ended_at_has_ended_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.why}"
