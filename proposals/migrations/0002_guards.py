from django.db import migrations

from audit.transitions import hold_columns, hold_transitions

EDGES = {"open": {"accepted", "declined", "withdrawn", "overtaken"}}


class Migration(migrations.Migration):
    dependencies = [("proposals", "0001_start")]
    operations = [
        hold_columns(
            "proposals_proposal", "kind", "subject", "subject_digest", "change", "reason", "asked_by_id", "asked_at"
        ),
        hold_transitions("proposals_proposal", "state", EDGES),
    ]
