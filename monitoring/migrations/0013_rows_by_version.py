from importlib import import_module

from django.db import migrations, models

from audit.transitions import hold_columns

MEASURED = import_module("monitoring.migrations.0005_measured_figures_are_held").MEASURED


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0012_windows_without_rows")]

    operations = [
        migrations.AddField(
            model_name="window",
            name="versions",
            field=models.JSONField(
                default=dict, help_text="Version that scored, as the log says, to rows; empty where no column says it"
            ),
        ),
        hold_columns("monitoring_window", *MEASURED, "versions", formerly=MEASURED),
    ]
