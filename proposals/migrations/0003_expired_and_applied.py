from django.db import migrations, models
from django.db.models import Q

from audit.transitions import hold_columns, hold_transitions

TABLE = "proposals_proposal"
EDGES = {"open": {"accepted", "declined", "withdrawn", "overtaken", "expired"}}
HELD = ("kind", "subject", "trail", "subject_digest", "change", "reason", "asked_by_id", "asked_at", "expires_on")
EDGES_BEFORE = {"open": EDGES["open"] - {"expired"}}
HELD_BEFORE = ("kind", "subject", "subject_digest", "change", "reason", "asked_by_id", "asked_at")
STATES = ["open", "accepted", "declined", "withdrawn", "overtaken", "expired"]


class Migration(migrations.Migration):
    dependencies = [("proposals", "0002_guards")]
    operations = [
        migrations.AlterField(
            model_name="proposal",
            name="state",
            field=models.CharField(
                choices=[(state, state.capitalize()) for state in STATES], default="open", max_length=10
            ),
        ),
        migrations.AlterField(
            model_name="proposal",
            name="expires_on",
            field=models.DateField(blank=True, help_text="Last day on which it can be decided", null=True),
        ),
        migrations.AddField(
            model_name="proposal",
            name="applied_at",
            field=models.DateTimeField(blank=True, help_text="When the accepted change was put in force", null=True),
        ),
        migrations.AddField(
            model_name="proposal",
            name="decided_in",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The case in which it was decided, by its name on the trail",
                max_length=120,
            ),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(model_name="proposal", name="proposal_decision_has_who_and_when"),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=Q(state__in=["open", "expired"], decided_by=None, decided_at=None)
                | (~Q(state__in=["open", "expired"]) & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="proposal_decision_has_who_and_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=~Q(state="expired") | Q(expires_on__isnull=False), name="expired_proposal_had_a_last_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=Q(applied_at=None) | Q(state="accepted"), name="applied_proposal_was_accepted"
            ),
        ),
        migrations.RunSQL(hold_columns(TABLE, *HELD).sql, hold_columns(TABLE, *HELD_BEFORE).sql),
        migrations.RunSQL(
            hold_transitions(TABLE, "state", EDGES).sql, hold_transitions(TABLE, "state", EDGES_BEFORE).sql
        ),
    ]
