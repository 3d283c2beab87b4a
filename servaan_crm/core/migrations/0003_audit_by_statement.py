"""The trail is written once per statement. A café of an earlier version gets the new triggers on all its tables."""

from django.db import migrations

from servaan_crm.core.audit import audit_by_statement


class Migration(migrations.Migration):
    dependencies = [("core", "0002_trigger_functions")]
    operations = [migrations.RunPython(audit_by_statement, migrations.RunPython.noop)]
