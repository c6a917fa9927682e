import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from the tokens: their rows are held, and a governed row that moved with each call would flood the trail."""

    dependencies = [("accounts", "0006_roles_and_tokens_held")]
    operations = [
        migrations.CreateModel(
            name="TokenUse",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="use",
                        serialize=False,
                        to="accounts.apitoken",
                    ),
                ),
                ("used_at", models.DateTimeField()),
            ],
        ),
    ]
