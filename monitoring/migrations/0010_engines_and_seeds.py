from django.db import migrations, models

from audit.transitions import hold_columns


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0009_repeats_compare")]

    operations = [
        migrations.AddField(
            model_name="storedprofile",
            name="engine",
            field=models.CharField(
                default="",
                help_text="Digest of what read it (measures.digests); another engine reads again. Empty: nobody noted",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(model_name="storedprofile", name="partition_read_once_per_cut_off"),
        migrations.AddConstraint(
            model_name="storedprofile",
            constraint=models.UniqueConstraint(
                fields=("reference", "key", "file_sha256", "engine", "labels_as_of", "sha256"),
                name="partition_read_once_per_cut_off",
            ),
        ),
        migrations.AlterField(
            model_name="monitor",
            name="seed",
            field=models.PositiveBigIntegerField(
                help_text="Key of every sample that its runs draw: drawn at random, told to nobody, never changed"
            ),
        ),
        hold_columns("monitoring_monitor", "seed"),
    ]
