"""Changes leave a trace."""

from django.db import migrations

from servaan_crm.core.audit import audit_table


class Migration(migrations.Migration):
    dependencies = [("outreach", "0001_initial"), ("core", "0002_trigger_functions")]
    operations = [audit_table("outreach_interaction")]
