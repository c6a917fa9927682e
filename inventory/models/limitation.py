from django.db import models

from inventory.models.part import Part

MOST_RENEWALS = 3  # of overlays for one limitation: from then on the model itself is to be reviewed


class Limitation(Part):
    """What the model cannot do, what is done about it, and how far it may be used all the same."""

    LETTER = "L"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="limitations")
    statement = models.TextField(help_text="What it cannot do, or does badly")
    mitigant = models.TextField(help_text="What is done about it")
    use_limit = models.TextField(help_text="How far it may be used all the same; say “none” where it does not matter")
    review_asked_on = models.DateField(
        null=True, blank=True, editable=False, help_text="When its overlays had been renewed so often that it was asked"
    )
    review_outcome = models.TextField(
        "outcome of the redevelopment review",
        blank=True,
        help_text="What the review decided, where overlays for this limitation keep coming back",
    )

    @property
    def words(self) -> str:
        return self.statement

    @property
    def waits_for_review(self) -> bool:
        return bool(self.review_asked_on) and not self.review_outcome and self.closed_at is None
