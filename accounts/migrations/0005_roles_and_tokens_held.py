from django.db import migrations

from audit.transitions import hold_columns, hold_once_set


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_accounts_held")]
    operations = [
        # A role is what was granted, over what; it ends once, and a new one is a new row.
        hold_columns("accounts_roleassignment", "person_id", "role", "unit_id", "granted_at", "granted_by_id"),
        hold_once_set("accounts_roleassignment", "ended_at", "ended_by_id"),
        # A token is what was shown once: nobody widens it, gives it to another account or lets it live longer.
        hold_columns(
            "accounts_apitoken",
            *("person_id", "account_id", "name", "start", "sha256", "scopes", "unit_id"),
            *("made_at", "made_by_id", "expires_at"),
        ),
        hold_once_set("accounts_apitoken", "revoked_at", "revoked_by_id"),
    ]
