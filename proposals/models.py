"""Four eyes in its smallest form: what is asked, about exactly what, who asked, and who else decided."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate

from audit.reading import subject_name


class ProposalQuerySet(models.QuerySet):
    def open(self) -> ProposalQuerySet:
        return self.filter(state=Proposal.State.OPEN)

    def to_be_applied(self, *, kind: str, trail: models.Model) -> ProposalQuerySet:
        """Accepted ones of a kind on the trail of a record, of which the change is not in force yet."""
        return self.filter(kind=kind, trail=subject_name(trail), state=Proposal.State.ACCEPTED, applied_at=None)

    def overdue(self) -> ProposalQuerySet:
        """Open ones whose last day is over in the bank's zone, by the database's clock."""
        today = TruncDate(Now(), tzinfo=ZoneInfo(settings.BANK_TIME_ZONE))
        return self.open().filter(expires_on__lt=today)


class Proposal(models.Model):
    """A change that a second person decides. Kinds are data: `role`, later `threshold`, `tier override` …"""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"
        OVERTAKEN = "overtaken", "Overtaken"
        EXPIRED = "expired", "Expired"

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=120, help_text="What it is about, by its name on the trail")
    trail = models.CharField(max_length=120, blank=True)
    subject_digest = models.CharField(
        max_length=64,
        help_text="Digest of the subject when it was asked: a decision on anything else is refused",
    )
    change = models.JSONField(help_text="What is to be, by field")
    reason = models.TextField()
    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    expires_on = models.DateField(null=True, blank=True, help_text="Last day on which it can be decided")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_in = models.CharField(
        max_length=120, blank=True, help_text="The case in which it was decided, by its name on the trail"
    )
    decision_reason = models.TextField(blank=True)
    applied_at = models.DateTimeField(null=True, blank=True, help_text="When the accepted change was put in force")

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")) | Q(state="withdrawn"),
                name="proposal_decided_by_another_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "expired"], decided_by=None, decided_at=None)
                | (~Q(state__in=["open", "expired"]) & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="proposal_decision_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="expired") | Q(expires_on__isnull=False), name="expired_proposal_had_a_last_day"
            ),
            models.CheckConstraint(
                condition=Q(applied_at=None) | Q(state="accepted"), name="applied_proposal_was_accepted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.subject}"


# From each state, where it may go. docs/states.md is drawn from this; a trigger holds it in the database.
TRANSITIONS = {
    Proposal.State.OPEN: {
        Proposal.State.ACCEPTED,
        Proposal.State.DECLINED,
        Proposal.State.WITHDRAWN,
        Proposal.State.OVERTAKEN,
        Proposal.State.EXPIRED,
    },
    Proposal.State.ACCEPTED: set(),
    Proposal.State.DECLINED: set(),
    Proposal.State.WITHDRAWN: set(),
    Proposal.State.OVERTAKEN: set(),
    Proposal.State.EXPIRED: set(),
}


class Conflict(models.Model):
    """A person who may not decide a proposal, and why; noted when it is asked, so that no later change hides it."""

    class Why(models.TextChoices):
        ASKED = "asked", "asked for it"
        ABOUT = "about", "is whom it is about"
        OWNS = "owns", "owns what it is about"
        BUILT = "built", "built what it is about"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="conflicts")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    why = models.CharField(max_length=10, choices=Why)
    trail = models.CharField(max_length=120, blank=True, help_text="The proposal's trail")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["proposal", "person", "why"], name="conflict_once_per_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_why_display()}"
