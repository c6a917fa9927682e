from datetime import timedelta

from django.db import migrations, models
from django.db.models import F


def hold_at_their_cut_off_alone(apps, schema):
    """Nobody looked when a label of the profiles kept so far changes next: each holds for its own cut-off."""
    stored = apps.get_model("monitoring", "StoredProfile").objects.using(schema.connection.alias)
    stored.update(labels_change_at=F("labels_as_of") + timedelta(microseconds=1))


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0007_thresholds_are_versioned")]

    operations = [
        migrations.RenameModel("PartitionProfile", "StoredProfile"),
        migrations.AlterField(
            model_name="storedprofile",
            name="labels_as_of",
            field=models.DateTimeField(help_text="The label cut-off that it was read for"),
        ),
        migrations.AddField(
            model_name="storedprofile",
            name="labels_change_at",
            field=models.DateTimeField(
                help_text="The first moment after it at which another label counts; empty: never again", null=True
            ),
        ),
        migrations.RemoveConstraint(model_name="storedprofile", name="partition_read_once_per_cut_off"),
        migrations.AddConstraint(
            model_name="storedprofile",
            constraint=models.UniqueConstraint(
                fields=("reference", "key", "file_sha256", "labels_as_of", "sha256"),
                name="partition_read_once_per_cut_off",
            ),
        ),
        migrations.RunPython(hold_at_their_cut_off_alone, migrations.RunPython.noop),
    ]
