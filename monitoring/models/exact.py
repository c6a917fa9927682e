from __future__ import annotations

from django.db import models


class ExactCheck(models.Model):
    """The exact figures of one column of one window, from its rows read again, beside those of the profile."""

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="+")
    window = models.ForeignKey("monitoring.Window", models.PROTECT, related_name="exact_checks")
    column = models.CharField(max_length=120, blank=True, help_text="The feature; empty: the score")
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="exact_check")
    figures = models.JSONField(
        default=list, help_text="metric, words, value of the profile, bound, exact value, and whether that is within"
    )
    code_version = models.CharField(max_length=80, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    made_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["column"]
        constraints = [models.UniqueConstraint(fields=["window", "column"], name="exact_once_per_column")]

    def __str__(self) -> str:
        return f"exact figures of {self.column or 'the score'} in {self.window}"

    @property
    def holds(self) -> bool:
        return all(figure["is_within"] for figure in self.figures)
