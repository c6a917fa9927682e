from django.db import migrations

from audit.transitions import hold_columns, hold_once_set


class Migration(migrations.Migration):
    dependencies = [("inventory", "0022_network")]
    operations = [
        hold_columns("inventory_asset", "kind", "registered_at", "registered_by_id"),
        hold_once_set("inventory_asset", "retired_at", "retired_by_id"),
        hold_columns(
            "inventory_dependency",
            *("kind", "source_model_id", "source_asset_id", "target_model_id", "target_asset_id", "note", "trail"),
            *("added_at", "added_by_id"),
        ),
        hold_once_set("inventory_dependency", "ended_at", "ended_by_id"),
        hold_columns(
            "inventory_reviewmark",
            *("model_id", "cause", "upstream_model_id", "upstream_asset_id", "what", "due_on", "marked_at"),
        ),
        hold_once_set("inventory_reviewmark", "settled_at", "settled_by_id", "outcome"),
    ]
