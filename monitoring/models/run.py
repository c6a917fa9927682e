from __future__ import annotations

from django.db import models

from accounts.models import Account
from inventory.models import Model


class RunQuerySet(models.QuerySet):
    def visible_to(self, account: Account) -> RunQuerySet:
        return self.filter(model__in=Model.objects.visible_to(account))

    def measured(self) -> RunQuerySet:
        """Completed, with figures of its own: a repeat only compares."""
        return self.exclude(result_digest="").filter(repeats=None)


class Run(models.Model):
    """One reading of a monitor's log up to a label cut-off. Its measurements are sealed by one digest."""

    class Outcome(models.TextChoices):
        COMPUTED = "computed", "Computed"
        PARTLY = "partly", "Partly computed"
        REFUSED = "refused", "Refused"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="runs")
    monitor = models.ForeignKey("monitoring.Monitor", models.PROTECT, related_name="runs")
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="run")
    reference = models.ForeignKey("monitoring.Reference", models.PROTECT, null=True, related_name="+")
    labels_as_of = models.DateTimeField(help_text="Labels known later are not used")
    repeats = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="repeated_by")
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    reasons = models.JSONField(default=list, help_text="Why it was computed in part or refused, as sentences")
    differences = models.JSONField(default=list, help_text="Of a repeat: what did not come out as it was, as sentences")
    inputs = models.JSONField(default=dict, help_text="Partition key to sha256")
    input_digest = models.CharField(max_length=64, blank=True)
    result_digest = models.CharField(max_length=64, blank=True)
    code_version = models.CharField(max_length=80, blank=True)
    rows_read = models.PositiveBigIntegerField(default=0)
    rows_refused = models.PositiveBigIntegerField(default=0)
    partitions_read = models.PositiveIntegerField(default=0)
    partitions_reused = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        return f"RUN-{self.asked_at:%Y}-{self.pk:05d}"

    @property
    def same_bits(self) -> bool | None:
        """Whether a repeat on the same inputs gave the same figures; None where it is no such repeat."""
        if self.repeats is None or not self.result_digest or self.input_digest != self.repeats.input_digest:
            return None
        return self.result_digest == self.repeats.result_digest

    @property
    def verdict(self) -> str:
        """How a repeat compares, in words; empty where it is none, or has not come to its end."""
        if self.repeats is None or not self.result_digest:
            return ""
        if self.same_bits is None:
            return "the inputs are not those of then"
        return "the same figures, to the last bit" if self.same_bits else "NOT the same figures as before"
