from django.db import models
from django.db.models import F
from django.db.models.expressions import OrderBy

from inventory.models.version import ModelVersion

# Which app says what: each writes its own part, through inventory.services.set_standing, and no other.
PARTS = {
    "inventory": ("latest_version", "latest_digest_state"),
    "tiering": ("computed_tier", "inherent_risk", "residual_risk", "rating_state", "exposure"),
    "reviews": ("next_review_on", "review_reason"),
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
    computed_tier = models.PositiveSmallIntegerField(
        null=True, help_text="What the answers give; an override may stand"
    )
    inherent_risk = models.CharField(max_length=300, blank=True)
    residual_risk = models.CharField(max_length=300, blank=True)
    rating_state = models.CharField(max_length=12, blank=True, help_text="Provisional, confirmed or challenged")
    exposure = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, help_text="In millions of the bank's currency"
    )
    next_review_on = models.DateField(null=True)
    review_reason = models.CharField(max_length=300, blank=True, help_text="What the next review is due to")
    latest_digest_state = models.CharField(
        max_length=10,
        choices=ModelVersion.DigestState,
        blank=True,
        help_text="What the newest version's artefact was found to be; empty: no version",
    )

    class Meta:
        indexes = [
            models.Index(name="standing_light", fields=["light", "model"]),
            models.Index(name="standing_digest_state", fields=["latest_digest_state", "model"]),
            *(
                # Empty values stand last in both directions, which one index cannot give.
                models.Index(OrderBy(F(column), descending=down, nulls_last=True), name=f"standing_{name}_{way}")
                for column, name in (("latest_auc", "auc"), ("latest_score_psi", "psi"))
                for down, way in ((False, "up"), (True, "down"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.light}"
