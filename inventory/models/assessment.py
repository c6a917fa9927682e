from __future__ import annotations

from django.db import models
from django.db.models import Q


class AssessmentQuerySet(models.QuerySet):
    def current(self) -> AssessmentQuerySet:
        """The newest of each model."""
        return self.filter(superseded_at=None)


class Assessment(models.Model):
    """A model's answers under one scheme, and the tier that follows. What others say of it, and its end, is added."""

    class State(models.TextChoices):
        PROVISIONAL = "provisional", "Provisional"
        CONFIRMED = "confirmed", "Confirmed"
        CHALLENGED = "challenged", "Challenged"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="assessments")
    scheme = models.ForeignKey("inventory.TieringScheme", models.PROTECT, related_name="assessments")
    answers = models.JSONField(help_text="Factor → level and rationale")
    exposure = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="In millions of the bank's currency"
    )
    tier = models.PositiveSmallIntegerField(help_text="Computed from the answers")
    bands = models.JSONField(help_text="Inherent risk, materiality and controls, each by its band")
    scores = models.JSONField(help_text="Score of each part and axis, as it was computed")
    residual = models.CharField(max_length=300, blank=True, help_text="What the controls leave of the inherent risk")
    answered_at = models.DateTimeField(help_text="When the answers were given")
    answered_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    rated_at = models.DateTimeField(auto_now_add=True, help_text="When the tier was computed from them")
    rated_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=State, default=State.PROVISIONAL)
    judged_at = models.DateTimeField(null=True, blank=True, help_text="When it was confirmed or challenged")
    judged_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    judgement = models.TextField(blank=True, help_text="Why it was confirmed or challenged")
    superseded_at = models.DateTimeField(null=True, blank=True)
    superseded_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model"], condition=Q(superseded_at=None), name="assessment_current_once_a_model"
            ),
            models.CheckConstraint(condition=Q(tier__range=(1, 4)), name="assessment_tier_1_to_4"),
            models.CheckConstraint(
                condition=Q(exposure=None) | Q(exposure__gte=0), name="assessment_exposure_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(state="provisional", judged_at=None, judged_by=None)
                | (~Q(state="provisional") & Q(judged_at__isnull=False, judged_by__isnull=False)),
                name="assessment_judged_at_has_judged_by",
            ),
            models.CheckConstraint(
                condition=Q(superseded_at=None, superseded_by=None)
                | Q(superseded_at__isnull=False, superseded_by__isnull=False),
                name="assessment_superseded_at_has_superseded_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: tier {self.tier} under scheme {self.scheme_id}"

    @property
    def levels(self) -> dict[str, str]:
        """Factor → the level that was answered."""
        return {factor: answer["level"] for factor, answer in self.answers.items()}


# What a second person says of a rating; a trigger holds it. A challenged one is answered by rating the model anew, or
# taken back by confirming it.
ASSESSMENT_TRANSITIONS = {
    Assessment.State.PROVISIONAL: {Assessment.State.CONFIRMED, Assessment.State.CHALLENGED},
    Assessment.State.CONFIRMED: {Assessment.State.CHALLENGED},
    Assessment.State.CHALLENGED: {Assessment.State.CONFIRMED},
}
