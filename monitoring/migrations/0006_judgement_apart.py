from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0005_measured_figures_are_held")]

    operations = [
        migrations.RemoveField(model_name="measurement", name="level"),
        migrations.RemoveConstraint(model_name="breach", name="breach_once_per_window_revision"),
        migrations.AddConstraint(
            model_name="breach",
            constraint=models.UniqueConstraint(
                fields=("window", "threshold", "metric", "column", "segment"),
                name="breach_once_per_threshold",
                nulls_distinct=False,
            ),
        ),
    ]
