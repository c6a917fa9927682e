
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_roles_and_tokens_held'),
        ('inventory', '0021_tiers_held'),
    ]

    operations = [
        migrations.CreateModel(
            name='Asset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('data_source', 'Data source'), ('vendor', 'Vendor'), ('component', 'Component'), ('assumption', 'Assumption')], max_length=12)),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True)),
                ('registered_at', models.DateTimeField(auto_now_add=True)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('registered_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('retired_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
            ],
            options={
                'ordering': ['kind', 'name'],
            },
        ),
        migrations.CreateModel(
            name='Dependency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('feeds', 'Feeds'), ('challenger_of', 'Challenger of'), ('derived_from', 'Derived from'), ('shares_data', 'Shares data with'), ('shares_component', 'Shares a component with'), ('overlay_on', 'Overlay on')], max_length=16)),
                ('note', models.CharField(blank=True, help_text='What flows, or what is shared', max_length=300)),
                ('trail', models.CharField(help_text="The trail that it hangs on: its target's, if that is a model", max_length=120)),
                ('added_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('added_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('source_asset', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.asset')),
                ('source_model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.model')),
                ('target_asset', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.asset')),
                ('target_model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.model')),
            ],
            options={
                'verbose_name_plural': 'dependencies',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ReviewMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.CharField(choices=[('material_change', 'Material change upstream'), ('red_monitor', 'Red monitor upstream')], max_length=16)),
                ('what', models.CharField(help_text='What happened upstream', max_length=1000)),
                ('due_on', models.DateField(help_text='By when the model is to be looked at')),
                ('marked_at', models.DateTimeField(auto_now_add=True, help_text='A person or the portal; the entry says which')),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.TextField(blank=True, help_text='What was found')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='review_marks', to='inventory.model')),
                ('settled_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.person')),
                ('upstream_asset', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.asset')),
                ('upstream_model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.model')),
            ],
            options={
                'ordering': ['due_on', 'id'],
            },
        ),
        migrations.AddConstraint(
            model_name='asset',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('kind', 'name'), name='asset_name_once_a_kind'),
        ),
        migrations.AddConstraint(
            model_name='asset',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('retired_at', None), ('retired_by', None)), models.Q(('retired_at__isnull', False), ('retired_by__isnull', False)), _connector='OR'), name='asset_retired_at_has_retired_by'),
        ),
        migrations.AddConstraint(
            model_name='dependency',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('kind', 'source_model', 'source_asset', 'target_model', 'target_asset'), name='dependency_in_force_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='dependency',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('source_model', None), ('source_asset', None), _connector='XOR'), models.Q(('target_model', None), ('target_asset', None), _connector='XOR')), name='dependency_has_two_ends'),
        ),
        migrations.AddConstraint(
            model_name='dependency',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('source_model', models.F('target_model')), _negated=True), models.Q(('source_asset', models.F('target_asset')), _negated=True)), name='dependency_not_on_itself'),
        ),
        migrations.AddConstraint(
            model_name='dependency',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ended_by', None)), models.Q(('ended_at__isnull', False), ('ended_by__isnull', False)), _connector='OR'), name='dependency_ended_at_has_ended_by'),
        ),
        migrations.AddConstraint(
            model_name='reviewmark',
            constraint=models.UniqueConstraint(condition=models.Q(('settled_at', None)), fields=('model', 'cause', 'upstream_model', 'upstream_asset'), name='review_mark_open_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='reviewmark',
            constraint=models.CheckConstraint(condition=models.Q(('upstream_model', None), ('upstream_asset', None), _connector='XOR'), name='review_mark_has_a_cause'),
        ),
        migrations.AddConstraint(
            model_name='reviewmark',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', ''), ('settled_at', None), ('settled_by', None)), models.Q(('settled_at__isnull', False), ('settled_by__isnull', False), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='review_mark_settled_at_has_settled_by'),
        ),
    ]
