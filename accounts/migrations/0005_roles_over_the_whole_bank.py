from django.db import migrations, models
from django.db.models import Q

from audit.transitions import hold_columns


class Migration(migrations.Migration):
    """A role that reaches the whole bank has no unit. One that was granted over a unit must end before this runs."""

    dependencies = [("accounts", "0004_accounts_held")]
    operations = [
        migrations.AddConstraint(
            model_name="roleassignment",
            constraint=models.CheckConstraint(
                condition=Q(unit=None)
                | ~Q(role__in=["administrator", "auditor", "officer"])
                | Q(ended_at__isnull=False),
                name="bank_wide_role_has_no_unit",
            ),
        ),
        hold_columns("accounts_roleassignment", "person_id", "role", "unit_id", "granted_at", "granted_by_id"),
    ]
