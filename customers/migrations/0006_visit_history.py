"""Corrections of visits leave a trace. Recording one writes no audit row: the visit itself is the trace."""

from django.db import migrations

from servaan_crm.core.audit import audit_changes


class Migration(migrations.Migration):
    dependencies = [("customers", "0005_guards")]
    operations = [audit_changes("customers_visit")]
