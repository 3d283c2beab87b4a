"""Changes of guests, visits and the menu leave a trace."""

from django.db import migrations

from servaan_crm.core.audit import audit_table


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("core", "0002_trigger_functions")]
    operations = [
        audit_table("customers_customer"),
        audit_table("customers_customer_tags"),
        audit_table("customers_menuitem"),
        audit_table("customers_tag"),
    ]
