from __future__ import annotations

from django.db import models
from django.db.models import Q

CRITERIA = {
    "is_complex_method": "Is it a complex quantitative method, system or approach?",
    "applies_theory": "Does it apply statistical, economic, financial or other theory to its inputs?",
    "gives_estimates": "Does it give quantitative estimates that decisions rest on?",
}


class VerdictQuerySet(models.QuerySet):
    def newest(self) -> VerdictQuerySet:
        """The latest of each model and regime, by the day on which it was decided."""
        return self.order_by("model_id", "framework__code", "-decided_on", "-id").distinct(
            "model_id", "framework__code"
        )


class Verdict(models.Model):
    """Whether a model falls under a regime, as somebody decided it on a day. A later one does not change it."""

    class Scope(models.TextChoices):
        IN = "in", "In scope"
        IN_PART = "in_part", "In scope in part"
        OUT = "out", "Out of scope"
        NOT_A_MODEL = "not_a_model", "Not a model"
        OPEN = "open", "To be decided"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="verdicts")
    framework = models.ForeignKey("inventory.Framework", models.PROTECT, related_name="verdicts")
    scope = models.CharField(max_length=12, choices=Scope)
    rationale = models.TextField()
    answers = models.JSONField(default=dict, help_text="To the regime's own questions, by their keys")
    is_complex_method = models.BooleanField(null=True)
    applies_theory = models.BooleanField(null=True)
    gives_estimates = models.BooleanField(null=True)
    decided_on = models.DateField(help_text="From which day it holds")
    decided_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")

    objects = VerdictQuerySet.as_manager()

    class Meta:
        ordering = ["-decided_on", "-id"]
        indexes = [models.Index(name="verdict_model_framework", fields=["model", "framework", "-decided_on"])]
        constraints = [
            models.CheckConstraint(
                condition=~Q(scope="not_a_model")
                | (
                    Q(is_complex_method__isnull=False, applies_theory__isnull=False, gives_estimates__isnull=False)
                    & (Q(is_complex_method=False) | Q(applies_theory=False) | Q(gives_estimates=False))
                ),
                name="not_a_model_answers_the_three_criteria",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.framework}: {self.get_scope_display().lower()}"

    @property
    def is_out(self) -> bool:
        return self.scope in (self.Scope.OUT, self.Scope.NOT_A_MODEL)
