import django.db.models.deletion
from django.db import migrations, models

from audit.transitions import hold_columns


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0005_stages_and_versions_held'),
    ]

    operations = [
        migrations.CreateModel(
            name='Framework',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40)),
                ('version', models.PositiveSmallIntegerField()),
                ('name', models.CharField(max_length=200)),
                ('short_name', models.CharField(max_length=40)),
                ('authority', models.CharField(max_length=200)),
                ('jurisdiction', models.CharField(max_length=100)),
                ('force', models.CharField(choices=[('in_force', 'In force'), ('coming', 'Coming'), ('proposed', 'Proposed'), ('voluntary', 'Voluntary'), ('rescinded', 'Rescinded'), ('unknown', 'No final text known')], max_length=20)),
                ('effective_on', models.DateField(null=True)),
                ('mark', models.CharField(choices=[('P', 'Primary text read'), ('Q', 'Primary text quoted in public sources'), ('S', 'Secondary article'), ('K', 'Background knowledge, not checked'), ('?', 'Unknown')], max_length=1)),
                ('refs_are_ours', models.BooleanField(default=False, help_text="The regime numbers nothing: the refs are the portal's")),
                ('note', models.TextField(blank=True)),
                ('scope_questions', models.JSONField(default=list, help_text='Asked before a verdict: [{key, text}]')),
                ('asked_of_all', models.JSONField(default=list, help_text='Fields of the record that every model must have')),
                ('asked_unless_negligible', models.JSONField(default=list, help_text='Fields that a negligible model may lack')),
                ('sha256', models.CharField(help_text='Digest of the file', max_length=64)),
                ('published_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['jurisdiction', 'short_name', '-version'],
                'constraints': [models.UniqueConstraint(fields=('code', 'version'), name='framework_version_once')],
            },
        ),
        migrations.CreateModel(
            name='Clause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.PositiveSmallIntegerField(help_text='Where it stands in the file')),
                ('ref', models.CharField(max_length=60)),
                ('section', models.CharField(blank=True, max_length=200)),
                ('title', models.TextField(help_text='Title, or what it says in other words')),
                ('evidence', models.TextField(blank=True)),
                ('mark', models.CharField(choices=[('P', 'Primary text read'), ('Q', 'Primary text quoted in public sources'), ('S', 'Secondary article'), ('K', 'Background knowledge, not checked'), ('?', 'Unknown')], max_length=1)),
                ('note', models.CharField(blank=True, help_text='Check against the source', max_length=200)),
                ('maps_to', models.JSONField(default=list, help_text='Refs of the framework that came after it')),
                ('framework', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clauses', to='inventory.framework')),
            ],
            options={
                'ordering': ['place'],
                'constraints': [models.UniqueConstraint(fields=('framework', 'ref'), name='clause_ref_once')],
            },
        ),
        # What is published never changes; a regime that moves on has a further version.
        hold_columns(
            "inventory_framework",
            *("code", "version", "name", "short_name", "authority", "jurisdiction", "force", "effective_on", "mark"),
            *("refs_are_ours", "note", "scope_questions", "asked_of_all", "asked_unless_negligible", "sha256"),
            "published_at",
        ),
        hold_columns(
            "inventory_clause",
            *("framework_id", "place", "ref", "section", "title", "evidence", "mark", "note", "maps_to"),
        ),
    ]
