from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


class Profile(models.Model):
    """What the record of a model says beside its name and people: one row a model, made when first filled in."""

    class Origin(models.TextChoices):
        INTERNAL = "internal", "Built here"
        VENDOR = "vendor", "Vendor's"
        ADAPTED = "adapted", "Vendor's, adapted here"

    class Basis(models.TextChoices):
        PROVISIONAL = "provisional", "Provisional"
        CONFIRMED = "confirmed", "Confirmed in review"

    class Level(models.TextChoices):
        LOW = "low", "Low"
        MODERATE = "moderate", "Moderate"
        HIGH = "high", "High"
        VERY_HIGH = "very_high", "Very high"

    class OtherData(models.TextChoices):
        NONE = "none", "None"
        ALTERNATIVE = "alternative", "Alternative data"
        UNSTRUCTURED = "unstructured", "Unstructured data"
        BOTH = "both", "Alternative and unstructured data"

    model = models.OneToOneField("inventory.Model", models.PROTECT, related_name="profile")
    # ---- identity
    origin = models.CharField(
        max_length=10, blank=True, choices=Origin, help_text="Who built it; an adapted one is rated like one of our own"
    )
    legal_entity = models.CharField(
        max_length=200, blank=True, help_text="Which entity answers for it to its supervisor"
    )
    method = models.CharField(
        "method", max_length=200, blank=True, help_text="Logistic regression, gradient-boosted trees, expert scorecard"
    )
    # ---- use
    products = models.TextField(blank=True, help_text="Which products, portfolios and decisions it touches")
    users = models.TextField(blank=True, help_text="Who works with its output: teams or roles, no names")
    jurisdictions = models.CharField(max_length=200, blank=True, help_text="Where it is used: Norway, Sweden")
    # ---- risk
    rating_basis = models.CharField(
        "rating is",
        max_length=12,
        blank=True,
        choices=Basis,
        help_text="A provisional rating stands until an independent review confirmed it; another person says so",
    )
    rating_inputs = models.TextField(
        "what the rating rests on", blank=True, help_text="Exposure, purpose, complexity, data: each factor apart"
    )
    inherent_risk = models.CharField(
        max_length=10, blank=True, choices=Level, help_text="Before any control: from assumptions, complexity and data"
    )
    residual_risk = models.CharField(
        max_length=10, blank=True, choices=Level, help_text="What remains behind the controls; it never drives the tier"
    )
    next_rating_on = models.DateField("next rating", null=True, blank=True, help_text="When it is rated again")
    negligible_exemption = models.TextField(
        blank=True,
        help_text="Why its risk counts as negligible, and who approved it until when; another person enters it",
    )
    # ---- inputs and outputs
    data_sources = models.TextField(blank=True, help_text="Each source with what it holds and where it comes from")
    inputs = models.TextField("inputs and components", blank=True, help_text="Variables, feeds and models it takes in")
    outputs = models.TextField(blank=True, help_text="What it gives, in which unit, and where that goes")
    alternative_data = models.CharField(
        "alternative or unstructured data", max_length=12, blank=True, choices=OtherData, help_text="Raises complexity"
    )
    # ---- relations
    dependencies = models.TextField(
        blank=True, help_text="What feeds it and what it feeds, shared data and components; say “none” where none"
    )
    # ---- status
    deployed_on = models.DateField("deployed", null=True, blank=True, help_text="First day in production")
    monitoring_exceptions = models.TextField(
        blank=True, help_text="What of its monitoring is missing or late; say “none” where none"
    )
    last_review_on = models.DateField("last review", null=True, blank=True, help_text="Day of the last review")
    next_review_on = models.DateField("next review", null=True, blank=True, help_text="Day by which it is reviewed")
    validation_months = models.PositiveSmallIntegerField(
        "validated every",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text="Months",
    )
    validation_rationale = models.TextField(
        "why that often", blank=True, help_text="Purpose, method, changes, limits of the data"
    )
    valid_from = models.DateField(null=True, blank=True, help_text="First day for which it is held to be valid")
    valid_until = models.DateField(null=True, blank=True, help_text="Last day for which it is expected to stay valid")
    open_findings = models.TextField(
        blank=True, help_text="Findings that are not closed, with their due dates; say “none” where none"
    )
    approval_conditions = models.TextField(
        "conditions of approval", blank=True, help_text="What its approval demands, until when"
    )

    own = models.JSONField(
        "further fields", default=dict, blank=True, help_text="Values of the fields that the bank or a pack defined"
    )

    class Meta:
        indexes = [GinIndex(name="profile_own", fields=["own"], opclasses=["jsonb_path_ops"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="profile_valid_until_after_from",
            ),
            models.CheckConstraint(
                condition=Q(last_review_on=None) | Q(next_review_on=None) | Q(next_review_on__gte=F("last_review_on")),
                name="profile_next_review_after_last",
            ),
        ]

    def __str__(self) -> str:
        return f"Profile of {self.model_id}"
