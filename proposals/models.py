"""Four eyes in its smallest form: what is asked, about exactly what, who asked, and who else decided."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class ProposalQuerySet(models.QuerySet):
    def open(self) -> ProposalQuerySet:
        return self.filter(state=Proposal.State.OPEN)


class Proposal(models.Model):
    """A change that a second person decides. Kinds are data: `role`, later `threshold`, `tier override` …"""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"
        OVERTAKEN = "overtaken", "Overtaken"

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
    expires_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")) | Q(state="withdrawn"),
                name="proposal_decided_by_another_person",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_by=None, decided_at=None)
                | (~Q(state="open") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="proposal_decision_has_who_and_when",
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
    },
    Proposal.State.ACCEPTED: set(),
    Proposal.State.DECLINED: set(),
    Proposal.State.WITHDRAWN: set(),
    Proposal.State.OVERTAKEN: set(),
}
