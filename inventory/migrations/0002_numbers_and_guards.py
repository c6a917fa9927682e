from django.db import migrations

from audit.transitions import hold_columns, hold_transitions

DIGEST_EDGES = {"pending": {"verified", "mismatch", "failed"}, "failed": {"pending"}}


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_start")]
    operations = [
        migrations.RunSQL("create sequence inventory_model_number", "drop sequence inventory_model_number"),
        hold_columns("inventory_model", "ref", "external_id"),
        hold_columns("inventory_modelversion", "model_id", "label", "mlflow_uri", "claimed_digest"),
        hold_transitions("inventory_modelversion", "digest_state", DIGEST_EDGES),
    ]
