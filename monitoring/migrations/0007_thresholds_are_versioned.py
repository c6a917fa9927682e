import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from audit.transitions import hold_columns

SET = (
    "model_id",
    "monitor_id",
    "metric",
    "column",
    "segment",
    "side",
    "watch",
    "breach",
    "rationale",
    "set_at",
    "set_by_id",
)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0006_judgement_apart")]

    operations = [
        migrations.AlterModelOptions(
            name="threshold", options={"ordering": ["metric", "column", "segment", "id"]}
        ),
        migrations.AddField(
            model_name="threshold",
            name="column",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The feature; empty: every one, or the score",
                max_length=120,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="threshold",
            name="segment",
            field=models.CharField(
                blank=True, default="", help_text="As column=value; empty: the whole window", max_length=120
            ),
            preserve_default=False,
        ),
        migrations.AddField(model_name="threshold", name="ended_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="threshold",
            name="ended_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.person"
            ),
        ),
        migrations.RemoveConstraint(model_name="threshold", name="threshold_once_per_metric"),
        migrations.AddConstraint(
            model_name="threshold",
            constraint=models.UniqueConstraint(
                fields=("monitor", "metric", "column", "segment"),
                condition=Q(ended_at=None),
                name="threshold_in_force_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="threshold",
            constraint=models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="threshold_ended_by_somebody",
            ),
        ),
        hold_columns("monitoring_threshold", *SET),
    ]
