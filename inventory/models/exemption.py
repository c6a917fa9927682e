from django.db import models

from inventory.models.part import ApprovedPart


class Exemption(ApprovedPart):
    """An exception to the bank's own policy: from which rule, why, how it is made up for, and until when."""

    LETTER = "X"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="exceptions")
    rule = models.TextField(help_text="What the policy asks for")
    reason = models.TextField(help_text="Why it is not done")
    mitigant = models.TextField(help_text="How it is made up for meanwhile")
    expires_on = models.DateField("ends", help_text="Its last day")

    class Meta(ApprovedPart.Meta):
        verbose_name = "exception"

    @property
    def words(self) -> str:
        return self.rule
