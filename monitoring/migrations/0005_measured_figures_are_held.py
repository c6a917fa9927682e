from django.db import migrations, models

from audit.transitions import append_only, hold_columns, never_deleted

MEASURED = (
    "monitor_id",
    "run_id",
    "start_on",
    "end_on",
    "revision",
    "rows",
    "labelled",
    "state_sha256",
    "figures_sha256",
    "shares",
)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0004_profile_days")]

    operations = [
        migrations.AddField(
            model_name="window",
            name="figures_sha256",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Of everything measured, to its last bit (measures.digests); empty for windows older than it",
                max_length=64,
            ),
            preserve_default=False,
        ),
        append_only("monitoring_measurement"),
        never_deleted("monitoring_window"),
        hold_columns("monitoring_window", *MEASURED),
        migrations.RunSQL(
            "revoke update on monitoring_window from app; grant update (is_newest) on monitoring_window to app",
            "grant update on monitoring_window to app",
        ),
    ]
