from django.db import models

from inventory.models.part import ApprovedPart


class Use(ApprovedPart):
    """What the model may be used for, where, and within which bounds; and what it is really used for."""

    LETTER = "U"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="uses")
    purpose = models.TextField(help_text="Which decision it supports, and how")
    product = models.CharField(max_length=200, blank=True, help_text="Product or portfolio")
    legal_entity = models.CharField(max_length=200, blank=True, help_text="Which entity uses it")
    jurisdiction = models.CharField(max_length=100, blank=True, help_text="Under whose supervision")
    intended_use = models.TextField(blank=True, help_text="How it is meant to be used")
    actual_use = models.TextField(blank=True, help_text="How it is used today; say where that differs from the intent")
    operating_boundaries = models.TextField(
        blank=True, help_text="Ranges of inputs, customers and markets within which it may be relied on"
    )
    restrictions = models.TextField(blank=True, help_text="What it may not be used for; say “none” where none")

    @property
    def words(self) -> str:
        return self.purpose
