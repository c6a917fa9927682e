from django.db import models

# Which app says what: each writes its own part, through inventory.services.set_standing, and no other.
PARTS = {
    "inventory": ("latest_version",),
    "monitoring": (
        "light",
        "last_run_at",
        "last_window",
        "open_breaches",
        "latest_auc",
        "latest_score_psi",
        "auc_history",
        "score_psi_history",
    ),
}


class Standing(models.Model):
    """How a model stands, in one row that lists filter and sort on. Each app writes its part, by downward calls.

    Not governed: everything in it is derived from records that are.
    """

    class Light(models.TextChoices):
        GOOD = "good", "Good"
        WATCH = "watch", "Watch"
        BREACH = "breach", "Breach"
        UNKNOWN = "unknown", "Unknown"

    model = models.OneToOneField("inventory.Model", models.PROTECT, primary_key=True, related_name="standing")
    light = models.CharField(max_length=10, choices=Light, default=Light.UNKNOWN)
    light_since = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True)
    last_window = models.CharField(max_length=20, blank=True)
    open_breaches = models.PositiveIntegerField(default=0)
    latest_auc = models.FloatField(null=True)
    latest_score_psi = models.FloatField(null=True)
    auc_history = models.JSONField(default=list, help_text="Last twelve values, oldest first; null where not computed")
    score_psi_history = models.JSONField(default=list)
    latest_version = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(name="standing_light", fields=["light", "model"])]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.light}"
