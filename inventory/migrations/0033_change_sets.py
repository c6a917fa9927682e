import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q

PROTECTED = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+"}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_roles_and_tokens_held"),
        ("jobs", "0002_month_days_and_states"),
        ("inventory", "0032_exports"),
    ]
    operations = [
        migrations.CreateModel(
            name="ChangeSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("import", "Import"), ("bulk", "Bulk change"), ("call", "Call of the API")],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=1000)),
                ("file_name", models.CharField(blank=True, max_length=200)),
                ("sha256", models.CharField(blank=True, help_text="Of the file, as it came", max_length=64)),
                (
                    "notes",
                    models.JSONField(default=list, help_text="What is to be known of all of it, in sentences"),
                ),
                ("counts", models.JSONField(default=dict, help_text="Rows by what they do")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("applied_at", models.DateTimeField(null=True)),
                ("discarded_at", models.DateTimeField(null=True)),
                ("asked_by", models.ForeignKey(to="accounts.account", **PROTECTED)),
                ("job", models.ForeignKey(null=True, to="jobs.job", **PROTECTED)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(applied_at=None) | Q(discarded_at=None), name="change_set_ends_once"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="ChangeRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.PositiveIntegerField(help_text="Its number in the file")),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("create", "New"),
                            ("change", "Changed"),
                            ("same", "As it is"),
                            ("error", "Error"),
                        ],
                        max_length=10,
                    ),
                ),
                ("external_id", models.CharField(blank=True, max_length=200)),
                (
                    "digest",
                    models.CharField(blank=True, help_text="Of the record that is to change", max_length=64),
                ),
                (
                    "values",
                    models.JSONField(default=dict, help_text="Field to value: units and people by their codes"),
                ),
                (
                    "differences",
                    models.JSONField(default=list, help_text="[field, before, after] in words"),
                ),
                ("problems", models.JSONField(default=dict, help_text="Column to sentence")),
                (
                    "change_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="inventory.changeset"
                    ),
                ),
                ("model", models.ForeignKey(null=True, to="inventory.model", **PROTECTED)),
            ],
            options={
                "ordering": ["change_set", "line"],
                "indexes": [models.Index(fields=["change_set", "verb", "line"], name="change_row_verb")],
            },
        ),
    ]
