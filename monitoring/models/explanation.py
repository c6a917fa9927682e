from django.db import models


class Explanation(models.Model):
    """SHAP values of a seeded sample of a window, made in the sandbox from the registered artefact."""

    model = models.ForeignKey("inventory.Model", models.PROTECT, related_name="+")
    window = models.OneToOneField("monitoring.Window", models.PROTECT, related_name="explanation")
    version = models.ForeignKey("inventory.ModelVersion", models.PROTECT, related_name="+")
    job = models.OneToOneField("jobs.Job", models.PROTECT, related_name="explanation")
    reference = models.ForeignKey("monitoring.Reference", models.PROTECT, related_name="+")
    method = models.CharField(max_length=80)
    detail = models.TextField(blank=True)
    rows = models.PositiveIntegerField()
    seed = models.PositiveBigIntegerField()
    scale = models.CharField(max_length=10, help_text="logit: contributions are log-odds; identity: parts of the score")
    importance = models.JSONField(help_text="Feature to mean |SHAP| in the window, on the scale")
    reference_importance = models.JSONField(help_text="The same over the reference sample")
    importance_change = models.JSONField(help_text="Feature to change of its share of all importance, -1..1")
    reason_codes = models.JSONField(help_text="Of ten sample rows: the features that moved each score most")
    additivity_error = models.FloatField()
    rescored_rows = models.PositiveIntegerField()
    rescored_unequal = models.PositiveIntegerField()
    rescoring_largest_difference = models.FloatField(null=True)
    mismatching_rows = models.JSONField(default=list, help_text="Salted digests of row ids, worst first, at most 20")
    is_loaded_by_code = models.BooleanField()
    libraries = models.JSONField()
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"SHAP of {self.window}"
