from django.db import models

from inventory.models.part import Part


class Responsibility(Part):
    """Who answers for what of a model, beside its owner and developer; it ends and stays on record."""

    class Duty(models.TextChoices):
        REVIEWER = "reviewer", "Reviewer"
        VALIDATOR = "validator", "Validator"
        APPROVER = "approver", "Approver"
        SENIOR_MANAGER = "senior_manager", "Senior manager (SMF)"
        DELEGATE = "delegate", "Owner's delegate"

    LETTER = "R"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="responsibilities")
    duty = models.CharField(max_length=15, choices=Duty, help_text="What the person answers for")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", help_text="Name or HR number")
    note = models.CharField(max_length=200, blank=True, help_text="What of it, where it is not all")

    class Meta(Part.Meta):
        verbose_name_plural = "responsibilities"

    @property
    def words(self) -> str:
        return f"{self.get_duty_display()}: {self.person}"

    @property
    def words_on_trail(self) -> str:
        return f"{self.get_duty_display()}: {self.person.hr_number}"
