from django.db import migrations, models
from django.db.models import Q

from audit.events import COLUMNS_CHANGED
from audit.services import canonical

# Of figures that a newer revision has measured again, and of thresholds that govern them no longer.
END = """
update monitoring_breach b set ended_at = now(),
       end_reason = case when w.is_newest then 'No threshold governs it any more' else 'Its window was restated' end
  from monitoring_window w, monitoring_threshold t
 where b.window_id = w.id and b.threshold_id = t.id
   and (not w.is_newest or t.ended_at is not null or t."column" = '' and b."column" <> '' and exists (
        select 1 from monitoring_threshold own
         where own.monitor_id = w.monitor_id and own.metric = b.metric and own."column" = b."column"
           and own.segment = b.segment and own.ended_at is null))
"""


def end_what_stands_no_longer(_apps, schema):
    with schema.connection.cursor() as cursor:
        cursor.execute(END)
        if cursor.rowcount:
            data = canonical({"table": "monitoring_breach", "rows": cursor.rowcount})
            cursor.execute(
                "select audit.record(%s, %s, '{}', '', '', 'command', '', %s)",
                [COLUMNS_CHANGED.name, "monitoring.breach", data],
            )


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0010_engines_and_seeds")]

    operations = [
        migrations.AddField(model_name="breach", name="ended_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="breach",
            name="end_reason",
            field=models.CharField(blank=True, default="", max_length=300),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="breach",
            name="window",
            field=models.ForeignKey(
                help_text="The newest revision that is beyond",
                on_delete=models.PROTECT,
                related_name="breaches",
                to="monitoring.window",
            ),
        ),
        migrations.RemoveConstraint(model_name="breach", name="breach_once_per_threshold"),
        migrations.RunPython(end_what_stands_no_longer, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="breach",
            constraint=models.UniqueConstraint(
                fields=("window", "metric", "column", "segment"),
                condition=Q(ended_at=None),
                name="breach_stands_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="breach",
            constraint=models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                name="breach_ended_for_a_reason",
            ),
        ),
    ]
