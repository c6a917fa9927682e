from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0011_breaches_end")]

    operations = [
        migrations.AlterField(
            model_name="window",
            name="rows",
            field=models.PositiveBigIntegerField(help_text="0: nothing came, and nothing is measured of it"),
        ),
    ]
