from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_start")]

    operations = [
        migrations.AddField(
            model_name="explanation",
            name="scale",
            field=models.CharField(
                default="identity",
                help_text="logit: contributions are log-odds; identity: parts of the score",
                max_length=10,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="explanation",
            name="importance",
            field=models.JSONField(help_text="Feature to mean |SHAP| in the window, on the scale"),
        ),
        migrations.AddField(
            model_name="explanation",
            name="reference_importance",
            field=models.JSONField(default=dict, help_text="The same over the reference sample"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="explanation",
            name="importance_change",
            field=models.JSONField(default=dict, help_text="Feature to change of its share of all importance, -1..1"),
            preserve_default=False,
        ),
    ]
