import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0002_numbers_and_guards"),
        ("jobs", "0001_start"),
        ("monitoring", "0013_rows_by_version"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExactCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("column", models.CharField(blank=True, help_text="The feature; empty: the score", max_length=120)),
                (
                    "figures",
                    models.JSONField(
                        default=list,
                        help_text="metric, words, value of the profile, bound, exact value, and whether that is within",
                    ),
                ),
                ("code_version", models.CharField(blank=True, max_length=80)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("made_at", models.DateTimeField(null=True)),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exact_check", to="jobs.job"
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.model"
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exact_checks",
                        to="monitoring.window",
                    ),
                ),
            ],
            options={
                "ordering": ["column"],
                "constraints": [models.UniqueConstraint(fields=("window", "column"), name="exact_once_per_column")],
            },
        ),
    ]
