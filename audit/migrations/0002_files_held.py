from django.db import migrations

from audit.transitions import hold_columns


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_start")]
    operations = [
        hold_columns("audit_artefact", "sha256", "size", "media_type", "retention", "trail", "filed_at"),
        hold_columns(
            "audit_attachment",
            *("artefact_id", "subject", "trail", "role", "name", "inputs", "code_version", "how_to_repeat"),
            "filed_at",
        ),
    ]
