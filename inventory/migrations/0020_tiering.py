
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_roles_and_tokens_held'),
        ("inventory", "0012_record_held"),
        ('proposals', '0005_roles_rest_on_proposals'),
    ]

    operations = [
        migrations.AddField(
            model_name='standing',
            name='computed_tier',
            field=models.PositiveSmallIntegerField(help_text='What the answers give; an override may stand', null=True),
        ),
        migrations.AddField(
            model_name='standing',
            name='exposure',
            field=models.DecimalField(decimal_places=2, help_text="In millions of the bank's currency", max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='standing',
            name='inherent_risk',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='standing',
            name='next_review_on',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='standing',
            name='rating_state',
            field=models.CharField(blank=True, help_text='Provisional, confirmed or challenged', max_length=12),
        ),
        migrations.AddField(
            model_name='standing',
            name='residual_risk',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='standing',
            name='review_reason',
            field=models.CharField(blank=True, help_text='What the next review is due to', max_length=300),
        ),
        migrations.CreateModel(
            name='TieringScheme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(help_text='Its version, from 1', unique=True)),
                ('name', models.CharField(max_length=300)),
                ('content', models.JSONField(help_text='Factors, axes, matrices and tiers: inventory.measures.scheme reads it')),
                ('note', models.TextField(help_text='What differs from the one before, and why')),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'In force'), ('superseded', 'Superseded'), ('discarded', 'Discarded')], default='draft', max_length=10)),
                ('drafted_at', models.DateTimeField(auto_now_add=True)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('drafted_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('published_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
            ],
            options={
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='Assessment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('answers', models.JSONField(help_text='Factor → level and rationale')),
                ('exposure', models.DecimalField(blank=True, decimal_places=2, help_text="In millions of the bank's currency", max_digits=14, null=True)),
                ('tier', models.PositiveSmallIntegerField(help_text='Computed from the answers')),
                ('bands', models.JSONField(help_text='Inherent risk, materiality and controls, each by its band')),
                ('scores', models.JSONField(help_text='Score of each part and axis, as it was computed')),
                ('residual', models.CharField(blank=True, help_text='What the controls leave of the inherent risk', max_length=300)),
                ('answered_at', models.DateTimeField(help_text='When the answers were given')),
                ('rated_at', models.DateTimeField(auto_now_add=True, help_text='When the tier was computed from them')),
                ('state', models.CharField(choices=[('provisional', 'Provisional'), ('confirmed', 'Confirmed'), ('challenged', 'Challenged')], default='provisional', max_length=12)),
                ('judged_at', models.DateTimeField(blank=True, help_text='When it was confirmed or challenged', null=True)),
                ('judgement', models.TextField(blank=True, help_text='Why it was confirmed or challenged')),
                ('superseded_at', models.DateTimeField(blank=True, null=True)),
                ('answered_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('judged_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='inventory.model')),
                ('rated_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('superseded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('scheme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='inventory.tieringscheme')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='TierOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('computed_tier', models.PositiveSmallIntegerField(help_text='What it stands against')),
                ('tier', models.PositiveSmallIntegerField()),
                ('reason', models.TextField()),
                ('until', models.DateField(help_text='Its last day')),
                ('granted_at', models.DateTimeField(auto_now_add=True)),
                ('end', models.CharField(blank=True, choices=[('expired', 'Expired'), ('rated anew', 'The computed tier moved'), ('taken back', 'Taken back')], max_length=10)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('assessment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='overrides', to='inventory.assessment')),
                ('ended_by', models.ForeignKey(blank=True, help_text='Nobody where it expired', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('granted_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='overrides', to='inventory.model')),
                ('proposal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='proposals.proposal')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddConstraint(
            model_name='tieringscheme',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'published')), fields=('state',), name='scheme_in_force_once'),
        ),
        migrations.AddConstraint(
            model_name='tieringscheme',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('published_at', None), ('published_by', None)), models.Q(('published_at__isnull', False), ('published_by__isnull', False)), _connector='OR'), name='scheme_published_at_has_published_by'),
        ),
        migrations.AddConstraint(
            model_name='tieringscheme',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['published', 'superseded']), _negated=True), ('published_at__isnull', False), _connector='OR'), name='scheme_in_force_was_published'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.UniqueConstraint(condition=models.Q(('superseded_at', None)), fields=('model',), name='assessment_current_once_a_model'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.CheckConstraint(condition=models.Q(('tier__range', (1, 4))), name='assessment_tier_1_to_4'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.CheckConstraint(condition=models.Q(('exposure', None), ('exposure__gte', 0), _connector='OR'), name='assessment_exposure_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('judged_at', None), ('judged_by', None), ('state', 'provisional')), models.Q(models.Q(('state', 'provisional'), _negated=True), ('judged_at__isnull', False), ('judged_by__isnull', False)), _connector='OR'), name='assessment_judged_at_has_judged_by'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('superseded_at', None), ('superseded_by', None)), models.Q(('superseded_at__isnull', False), ('superseded_by__isnull', False)), _connector='OR'), name='assessment_superseded_at_has_superseded_by'),
        ),
        migrations.AddConstraint(
            model_name='tieroverride',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('model',), name='override_in_force_once_a_model'),
        ),
        migrations.AddConstraint(
            model_name='tieroverride',
            constraint=models.CheckConstraint(condition=models.Q(('tier__range', (1, 4)), models.Q(('tier', models.F('computed_tier')), _negated=True)), name='override_is_another_tier'),
        ),
        migrations.AddConstraint(
            model_name='tieroverride',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('end', ''), ('ended_at', None), ('ended_by', None)), models.Q(('end', 'expired'), ('ended_at__isnull', False), ('ended_by', None)), models.Q(('end__in', ['rated anew', 'taken back']), ('ended_at__isnull', False), ('ended_by__isnull', False)), _connector='OR'), name='override_ended_at_has_ended_by'),
        ),
    ]
