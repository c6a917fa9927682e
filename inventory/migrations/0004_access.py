import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import F, Q

from audit.transitions import hold_columns

PERSON = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": "accounts.person"}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_role_ends_by_somebody"), ("inventory", "0003_search_indexes")]
    operations = [
        migrations.CreateModel(
            name="Access",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("why", models.CharField(help_text="What it is needed for", max_length=200)),
                (
                    "until",
                    models.DateField(blank=True, help_text="Its last day; empty: until it is ended", null=True),
                ),
                ("granted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.ForeignKey(blank=True, null=True, **PERSON)),
                ("granted_by", models.ForeignKey(**PERSON)),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="accesses", to="inventory.model"
                    ),
                ),
                ("person", models.ForeignKey(**PERSON | {"related_name": "accesses"})),
            ],
            options={
                "verbose_name_plural": "accesses",
                "indexes": [
                    models.Index(condition=Q(ended_at=None), fields=["person", "model"], name="access_not_ended")
                ],
                "constraints": [
                    models.CheckConstraint(condition=~Q(granted_by=F("person")), name="access_not_given_to_oneself"),
                    models.CheckConstraint(
                        condition=Q(ended_at=None, ended_by=None)
                        | Q(ended_at__isnull=False, ended_by__isnull=False),
                        name="access_ended_at_has_ended_by",
                    ),
                ],
            },
        ),
        hold_columns(
            "inventory_access", "model_id", "person_id", "why", "until", "granted_at", "granted_by_id"
        ),
    ]
