from django.db import migrations, models


class Migration(migrations.Migration):
    """The table itself is made by audit/sql, as those of the trail are."""

    dependencies = [("audit", "0003_erasure")]
    operations = [
        migrations.CreateModel(
            name="Epoch",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("reason", models.TextField()),
                ("key", models.TextField()),
                ("old_key", models.TextField()),
                ("old_size", models.BigIntegerField()),
                ("old_root", models.BinaryField()),
                ("kept_size", models.BigIntegerField()),
                ("kept_root", models.BinaryField()),
                ("asked_by", models.TextField()),
                ("accepted_by", models.TextField()),
                ("after_checkpoint", models.BigIntegerField()),
                ("begun_at", models.DateTimeField()),
                ("note", models.TextField()),
            ],
            options={"db_table": '"audit"."epoch"', "managed": False, "ordering": ["number"]},
        ),
    ]
