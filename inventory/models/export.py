from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import Account


class ExportQuerySet(models.QuerySet):
    def of(self, account: Account) -> ExportQuerySet:
        return self.filter(asked_by=account)

    def expired(self) -> ExportQuerySet:
        return self.filter(expires_at__lte=timezone.now())


class Export(models.Model):
    """A file of models that one account asked for, kept by its SHA-256 for a short while and handed out to it alone.

    Not governed: that it was taken, by whom and with which digest stands in an entry, which stays when this row's
    file has gone.
    """

    class Form(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        JSON = "json", "JSON"

    asked_by = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    query = models.CharField(max_length=2_000, blank=True, help_text="Filters, order and columns, as in the address")
    form = models.CharField(max_length=10, choices=Form)
    job = models.ForeignKey("jobs.Job", models.PROTECT, null=True, related_name="+")
    model_keys = ArrayField(models.BigIntegerField(), default=list, help_text="Keys of the models that the file holds")
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0, help_text="bytes")
    asked_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    is_removed = models.BooleanField(default=False, help_text="Its file is gone")

    objects = ExportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(name="export_not_removed", fields=["expires_at"], condition=models.Q(is_removed=False))]

    def __str__(self) -> str:
        return self.file_name

    @property
    def file_name(self) -> str:
        return f"models-{self.asked_at:%Y-%m-%d}-{self.pk}.{self.form}"

    @property
    def is_ready(self) -> bool:
        return bool(self.sha256) and not self.is_removed and self.expires_at > timezone.now()
