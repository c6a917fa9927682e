from django.db import models

from inventory.models.part import Part


class Assumption(Part):
    """What is taken to be true, and what happens where it is not."""

    LETTER = "A"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="assumptions")
    statement = models.TextField(help_text="What is taken to be true")
    basis = models.TextField(blank=True, help_text="Why that is reasonable: evidence, literature, judgement")
    sensitivity = models.TextField(blank=True, help_text="What happens to the output where it does not hold")
    watched_by = models.CharField("watched by", max_length=200, blank=True, help_text="What would show that it fails")

    @property
    def words(self) -> str:
        return self.statement
