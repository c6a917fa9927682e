from __future__ import annotations

from django.db import models
from django.db.models import Q


class ModelVersionQuerySet(models.QuerySet):
    def newest_first(self) -> ModelVersionQuerySet:
        return self.order_by("-registered_at", "-id")


class ModelVersion(models.Model):
    """One version of a model, bound to its artefact's digest. Only the digest's state ever moves.

    The digest, and what was read from the artefact with it, are set once. Triggers hold all of this.
    """

    class DigestState(models.TextChoices):
        PENDING = "pending", "Digest pending"
        VERIFIED = "verified", "Digest computed"
        MISMATCH = "mismatch", "Refused: digest differs"
        FAILED = "failed", "Artefact could not be read"

    class ChangeClass(models.TextChoices):
        UNSTATED = "unstated", "Not stated"
        MINOR = "minor", "Minor"
        NOTIFY = "notify", "To be notified"
        MATERIAL = "material", "Material"

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="versions")
    label = models.CharField(max_length=60, help_text="4.1.0")
    mlflow_uri = models.CharField(max_length=400, help_text="models:/name/3 or runs:/…/model")
    claimed_digest = models.CharField(max_length=64, blank=True, help_text="What the client says it is")
    digest = models.CharField(max_length=64, blank=True, help_text="model-tree-v1, computed by the portal")
    digest_state = models.CharField(max_length=10, choices=DigestState, default=DigestState.PENDING)
    digest_note = models.TextField(blank=True)
    flavour = models.CharField(max_length=60, blank=True)
    signature = models.JSONField(null=True, blank=True)
    artefact_bytes = models.BigIntegerField(null=True, blank=True)
    is_loaded_by_code = models.BooleanField(
        default=False,
        help_text="The artefact holds a pickle or code of its own, which runs when it is loaded",
    )
    training_data_digest = models.CharField(max_length=128, blank=True)
    notes = models.TextField(blank=True)
    change_class = models.CharField(
        max_length=10,
        choices=ChangeClass,
        default=ChangeClass.UNSTATED,
        help_text="How much it changes against the version before; it only ever goes up",
    )
    change_reason = models.TextField(blank=True, help_text="Why it is of this class")
    classified_at = models.DateTimeField(null=True, blank=True)
    classified_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    registered_at = models.DateTimeField(auto_now_add=True)
    registered_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-registered_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["model", "label"], name="version_label_once_per_model"),
            models.CheckConstraint(
                condition=Q(digest_state="verified", digest__regex=r"^[0-9a-f]{64}$") | ~Q(digest_state="verified"),
                name="verified_version_has_a_digest",
            ),
            models.CheckConstraint(
                condition=Q(change_class="unstated", classified_at=None, classified_by=None)
                | (~Q(change_class="unstated") & Q(classified_at__isnull=False, classified_by__isnull=False)),
                name="version_class_has_classified_at_and_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.ref} {self.label}"


# From each digest state, where it may go; held by a trigger in the database too.
DIGEST_TRANSITIONS = {
    ModelVersion.DigestState.PENDING: {
        ModelVersion.DigestState.VERIFIED,
        ModelVersion.DigestState.MISMATCH,
        ModelVersion.DigestState.FAILED,
    },
    ModelVersion.DigestState.FAILED: {ModelVersion.DigestState.PENDING},
    ModelVersion.DigestState.VERIFIED: set(),
    ModelVersion.DigestState.MISMATCH: set(),
}

# From each change class, what it may be called after all: more, never less. Held by a trigger in the database too.
CLASSES_AFTER = {
    ModelVersion.ChangeClass.UNSTATED: {
        ModelVersion.ChangeClass.MINOR,
        ModelVersion.ChangeClass.NOTIFY,
        ModelVersion.ChangeClass.MATERIAL,
    },
    ModelVersion.ChangeClass.MINOR: {ModelVersion.ChangeClass.NOTIFY, ModelVersion.ChangeClass.MATERIAL},
    ModelVersion.ChangeClass.NOTIFY: {ModelVersion.ChangeClass.MATERIAL},
    ModelVersion.ChangeClass.MATERIAL: set(),
}
