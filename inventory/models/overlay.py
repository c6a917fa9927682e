from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from inventory.models.part import Part


class Overlay(Part):
    """An adjustment put on the model's output: why, how much over time, and until when."""

    class Unit(models.TextChoices):
        AMOUNT = "amount", "Amount of money"
        BASIS_POINTS = "basis_points", "Basis points"

    LETTER = "O"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="overlays")
    name = models.CharField(max_length=200, help_text="What it adjusts")
    unit = models.CharField("measured in", max_length=12, choices=Unit, help_text="What its values are")
    currency = models.CharField(max_length=3, blank=True, help_text="Of an amount: NOK")
    limitation = models.ForeignKey(
        "inventory.Limitation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="overlays",
        verbose_name="triggered by",
        help_text="The limitation that it makes up for",
    )
    rationale = models.TextField(help_text="Why it is needed, and how its size was found")
    expires_on = models.DateField("ends", help_text="Its last day; it is renewed or it ends")

    class Meta(Part.Meta):
        constraints = [
            *Part.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(unit="amount") | Q(currency__regex=r"^[A-Z]{3}$"), name="overlay_amount_has_a_currency"
            ),
        ]

    @property
    def words(self) -> str:
        return self.name

    @property
    def unit_words(self) -> str:
        return self.currency if self.unit == self.Unit.AMOUNT else "basis points"


class OverlayValue(models.Model):
    """How large an overlay is from a day on. Another value is another row."""

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="+")
    overlay = models.ForeignKey(Overlay, models.PROTECT, related_name="values")
    effective_on = models.DateField("from")
    value = models.DecimalField(max_digits=20, decimal_places=4)
    reason = models.TextField()
    set_at = models.DateTimeField(auto_now_add=True)
    set_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-effective_on", "-id"]

    def __str__(self) -> str:
        return f"{self.value} from {self.effective_on}"


class OverlayRenewal(models.Model):
    """One more time that an overlay goes on: renewed itself, or made anew for a limitation that had one before."""

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="+")
    overlay = models.ForeignKey(Overlay, models.PROTECT, related_name="renewals")
    limitation = models.ForeignKey(
        "inventory.Limitation",
        models.PROTECT,
        null=True,
        related_name="renewals",
        help_text="What it still makes up for",
    )
    from_on = models.DateField("ended", help_text="When it would have ended")
    until_on = models.DateField("ends now")
    reason = models.TextField()
    renewed_at = models.DateTimeField(auto_now_add=True)
    renewed_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(until_on__gt=F("from_on")), name="renewal_ends_later_than_before")
        ]

    def __str__(self) -> str:
        return f"{self.overlay_id} until {self.until_on}"
