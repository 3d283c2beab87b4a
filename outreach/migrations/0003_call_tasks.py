"""Calls that somebody should make; changes leave a trace."""

import django.db.models.deletion
import django.utils.timezone
import servaan_crm.core.ids
from django.conf import settings
from django.db import migrations, models

from servaan_crm.core.audit import audit_table


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0016_visit_indexes'),
        ('core', '0002_trigger_functions'),
        ('outreach', '0002_audit'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CallTask',
            fields=[
                ('id', models.UUIDField(default=servaan_crm.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('type', models.CharField(choices=[('new_customer', 'Welcome call'), ('follow_up', 'Follow-up call'), ('at_risk', 'Win-back call'), ('birthday', 'Birthday call'), ('anniversary', 'Anniversary call'), ('repeat_reminder', 'Reminder to come again'), ('automation', 'From an automation')], max_length=15, verbose_name='type')),
                ('priority', models.CharField(choices=[('hot', 'Hot'), ('warm', 'Warm'), ('cold', 'Cold')], default='warm', max_length=4, verbose_name='priority')),
                ('status', models.CharField(choices=[('pending', 'Open'), ('completed', 'Done'), ('skipped', 'Skipped')], default='pending', max_length=9, verbose_name='status')),
                ('task_date', models.DateField(verbose_name='due on')),
                ('hint', models.TextField(blank=True, verbose_name='why')),
                ('outcome', models.CharField(blank=True, choices=[('successful', 'Answered'), ('no_answer', 'No answer'), ('busy', 'Busy'), ('follow_up_needed', 'Call back'), ('not_interested', 'Not interested'), ('wrong_number', 'Wrong number')], max_length=16, verbose_name='outcome')),
                ('outcome_detail', models.CharField(blank=True, max_length=200, verbose_name='what came of it')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('follow_up_date', models.DateField(blank=True, null=True, verbose_name='follow up on')),
                ('completed_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                ('source_reference', models.CharField(blank=True, max_length=64, verbose_name='source')),
                ('agent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='call_tasks', to=settings.AUTH_USER_MODEL, verbose_name='agent')),
                ('completed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='ended by')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='call_tasks', to='customers.customer', verbose_name='customer')),
                ('interaction', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='call_task', to='outreach.interaction', verbose_name='contact')),
            ],
            options={
                'verbose_name': 'call',
                'verbose_name_plural': 'calls',
                'indexes': [models.Index(condition=models.Q(('status', 'pending')), fields=['task_date'], name='call_task_open'), models.Index(fields=['task_date', 'status'], name='call_task_day'), models.Index(fields=['agent', '-completed_at'], name='call_task_of_agent'), models.Index(condition=models.Q(('status', 'pending'), _negated=True), fields=['-completed_at'], name='call_task_ended')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'pending')), fields=('customer', 'type'), name='call_task_open_once'), models.UniqueConstraint(condition=models.Q(('source_reference', ''), _negated=True), fields=('source_reference',), name='call_task_source_once'), models.CheckConstraint(condition=models.Q(('type__in', ['new_customer', 'follow_up', 'at_risk', 'birthday', 'anniversary', 'repeat_reminder', 'automation'])), name='call_task_type'), models.CheckConstraint(condition=models.Q(('priority__in', ['hot', 'warm', 'cold'])), name='call_task_priority'), models.CheckConstraint(condition=models.Q(models.Q(('completed_at', None), ('outcome', ''), ('status', 'pending')), models.Q(('completed_at__isnull', False), ('outcome', ''), ('status', 'skipped')), models.Q(('completed_at__isnull', False), ('outcome__in', ['successful', 'no_answer', 'busy', 'follow_up_needed', 'not_interested', 'wrong_number']), ('status', 'completed')), _connector='OR'), name='call_task_end')],
            },
        ),
        audit_table("outreach_calltask"),
    ]
