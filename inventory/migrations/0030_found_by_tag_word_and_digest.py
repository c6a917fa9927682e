import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

NEWEST_STATES = """
    update inventory_standing s set latest_digest_state = v.digest_state
    from inventory_modelversion v where v.model_id = s.model_id and v.label = s.latest_version
"""


def in_both_ways(column, name):
    """Empty values stand last in both directions, which one index cannot give."""
    return [
        migrations.AddIndex(
            "standing",
            models.Index(
                models.OrderBy(models.F(column), descending=descending, nulls_last=True), name=f"standing_{name}_{way}"
            ),
        )
        for descending, way in ((False, "up"), (True, "down"))
    ]


class Migration(migrations.Migration):
    dependencies = [("inventory", "0023_network_held")]
    operations = [
        migrations.AddField(
            "model",
            "tags",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                blank=True,
                default=list,
                help_text="Words of the bank's own, to find it by",
            ),
        ),
        migrations.AddField(
            "standing",
            "latest_digest_state",
            models.CharField(
                blank=True,
                choices=[
                    ("pending", "Digest pending"),
                    ("verified", "Digest computed"),
                    ("mismatch", "Refused: digest differs"),
                    ("failed", "Artefact could not be read"),
                ],
                default="",
                help_text="What the newest version's artefact was found to be; empty: no version",
                max_length=10,
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(NEWEST_STATES, migrations.RunSQL.noop),
        migrations.AddIndex("model", models.Index(fields=["name", "id"], name="model_name_order")),
        migrations.AddIndex(
            "model",
            django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("name", "purpose", "description", config="simple"),
                name="model_words",
            ),
        ),
        migrations.AddIndex(
            "model", django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="model_tags")
        ),
        migrations.AddIndex(
            "standing", models.Index(fields=["latest_digest_state", "model"], name="standing_digest_state")
        ),
        *in_both_ways("latest_auc", "auc"),
        *in_both_ways("latest_score_psi", "psi"),
    ]
