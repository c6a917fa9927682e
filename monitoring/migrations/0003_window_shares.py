from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0002_explanation_scale")]

    operations = [
        migrations.AddField(
            model_name="window",
            name="shares",
            field=models.JSONField(
                default=dict,
                help_text="Feature to labels, reference and current: rows in each PSI bin or level, for drawing",
            ),
        ),
    ]
