from django.db import migrations, models
from django.db.models import Q

from audit.transitions import hold_once_set


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_files_held")]
    operations = [
        migrations.AddField("artefact", "erased_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "artefact",
            "erased_by",
            models.CharField(blank=True, default="", help_text="The person, as on the trail", max_length=120),
        ),
        migrations.AddField("artefact", "erasure_reason", models.TextField(blank=True, default="")),
        migrations.AddConstraint(
            "artefact",
            models.CheckConstraint(
                condition=Q(erased_at=None, erased_by="", erasure_reason="")
                | (Q(erased_at__isnull=False) & ~Q(erased_by="") & ~Q(erasure_reason="")),
                name="artefact_erased_at_has_who_and_why",
            ),
        ),
        migrations.AddConstraint(
            "artefact",
            models.CheckConstraint(
                condition=Q(erased_at=None) | Q(retention="sample"), name="artefact_erased_where_its_class_allows"
            ),
        ),
        hold_once_set("audit_artefact", "erased_at", "erased_by", "erasure_reason"),
    ]
