from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0008_profiles_hold_until_a_label_changes")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="differences",
            field=models.JSONField(default=list, help_text="Of a repeat: what did not come out as it was, as sentences"),
        ),
    ]
