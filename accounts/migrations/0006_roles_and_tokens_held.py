from django.db import migrations

from audit.transitions import hold_columns, hold_once_set


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_roles_over_the_whole_bank")]
    operations = [
        # A role ends once; a new one is a new row.
        hold_once_set("accounts_roleassignment", "ended_at", "ended_by_id"),
        # A token is what was shown once: nobody widens it, gives it to another account or lets it live longer.
        hold_columns(
            "accounts_apitoken",
            *("person_id", "account_id", "name", "start", "sha256", "scopes", "unit_id"),
            *("made_at", "made_by_id", "expires_at"),
        ),
        hold_once_set("accounts_apitoken", "revoked_at", "revoked_by_id"),
    ]
