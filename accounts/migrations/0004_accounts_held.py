from django.db import migrations

from audit.transitions import hold_columns


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_role_ends_by_somebody")]
    operations = [
        # Four eyes goes by person, and a service account never decides: neither may be turned into the other.
        hold_columns("accounts_account", "person_id", "kind"),
    ]
