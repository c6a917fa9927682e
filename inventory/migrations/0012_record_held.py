from django.db import migrations

from audit.transitions import hold_columns, hold_once_set, hold_transitions

PARTS = ("use", "assumption", "limitation", "overlay", "exemption", "responsibility")
CHANGE_CLASSES = {
    "unstated": {"minor", "notify", "material"},
    "minor": {"notify", "material"},
    "notify": {"material"},
}


class Migration(migrations.Migration):
    dependencies = [("inventory", "0011_record")]
    operations = [
        hold_columns("inventory_profile", "model_id"),
        *(hold_columns(f"inventory_{part}", "model_id", "number", "added_at", "added_by_id") for part in PARTS),
        *(hold_once_set(f"inventory_{part}", "closed_at", "closed_by_id", "closing_reason") for part in PARTS),
        hold_columns(
            "inventory_overlayvalue",
            *("model_id", "overlay_id", "effective_on", "value", "reason", "set_at", "set_by_id"),
        ),
        hold_columns(
            "inventory_overlayrenewal",
            *("model_id", "overlay_id", "limitation_id", "from_on", "until_on", "reason"),
            *("renewed_at", "renewed_by_id"),
        ),
        # A verdict is not corrected: a later one stands beside it.
        hold_columns(
            "inventory_verdict",
            *("model_id", "framework_id", "scope", "rationale", "answers"),
            *("is_complex_method", "applies_theory", "gives_estimates", "decided_on", "decided_at", "decided_by_id"),
        ),
        # Every value that was stored must stay readable.
        hold_columns("inventory_fielddefinition", "key", "type", "pack", "defined_at", "defined_by_id"),
        hold_once_set("inventory_fielddefinition", "retired_at", "retired_by_id", "retiring_reason"),
        hold_transitions("inventory_modelversion", "change_class", CHANGE_CLASSES),
    ]
