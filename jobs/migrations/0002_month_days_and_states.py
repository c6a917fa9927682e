from django.db import migrations, models
from django.db.models import Q

from audit.transitions import hold_transitions

EDGES = {
    "queued": {"running", "cancelled"},
    "running": {"done", "refused", "cancelled", "poisoned", "queued"},
    "refused": {"queued"},
    "cancelled": {"queued"},
    "poisoned": {"queued"},
}


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_start")]
    operations = [
        migrations.AddField(
            model_name="schedule",
            name="day_of_month",
            field=models.PositiveSmallIntegerField(
                null=True,
                help_text="Of a monthly schedule: the day it is meant for; a shorter month has it on its last day",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=Q(day_of_month=None) | Q(cadence="monthly", day_of_month__range=(1, 31)),
                name="schedule_day_of_month_1_to_31",
            ),
        ),
        hold_transitions("jobs_job", "state", EDGES),
    ]
