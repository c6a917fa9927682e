import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_roles_and_tokens_held"),
        ("jobs", "0002_month_days_and_states"),
        ("inventory", "0031_saved_views"),
    ]
    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "query",
                    models.CharField(
                        blank=True, help_text="Filters, order and columns, as in the address", max_length=2000
                    ),
                ),
                (
                    "form",
                    models.CharField(choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("json", "JSON")], max_length=10),
                ),
                (
                    "model_keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        default=list,
                        help_text="Keys of the models that the file holds",
                    ),
                ),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.BigIntegerField(default=0, help_text="bytes")),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("is_removed", models.BooleanField(default=False, help_text="Its file is gone")),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="jobs.job"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=Q(is_removed=False), fields=["expires_at"], name="export_not_removed"
                    )
                ]
            },
        ),
    ]
