from django.db import migrations

from audit.transitions import hold_columns, hold_once_set, hold_rows, hold_transitions

STAGE_EDGES = {
    "proposed": {"in_development", "retired"},
    "in_development": {"in_validation", "retired"},
    "in_validation": {"in_development", "approved", "retired"},
    "approved": {"in_use", "restricted", "in_validation", "retired"},
    "in_use": {"restricted", "paused", "retired"},
    "restricted": {"in_use", "paused", "retired"},
    "paused": {"in_use", "restricted", "in_validation", "in_development", "retired"},
}


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_access")]
    operations = [
        hold_transitions("inventory_model", "stage", STAGE_EDGES),
        hold_rows("inventory_model", "stage", "retired"),
        # Who registered a model is in conflict over it, so that is no more to be changed than its names.
        hold_columns(
            "inventory_model",
            *("ref", "external_id", "registered_at", "registered_by_id"),
            formerly=("ref", "external_id"),
        ),
        hold_columns(
            "inventory_modelversion",
            *("model_id", "label", "mlflow_uri", "claimed_digest", "training_data_digest", "notes"),
            *("registered_at", "registered_by_id"),
            formerly=("model_id", "label", "mlflow_uri", "claimed_digest"),
        ),
        hold_once_set(
            "inventory_modelversion", "digest", "flavour", "signature", "artefact_bytes", "is_loaded_by_code"
        ),
    ]
