"""The ledger only grows; changes of the rules leave a trace."""

from django.db import migrations

from servaan_crm.core.audit import append_only, audit_table


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial"), ("core", "0002_trigger_functions")]
    operations = [
        *append_only("loyalty_ledgerentry"),
        audit_table("loyalty_loyaltyprogram"),
        audit_table("loyalty_tier"),
    ]
