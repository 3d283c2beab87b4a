"""Changes of campaigns and templates leave a trace."""

from django.db import migrations

from servaan_crm.core.audit import audit_table


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_campaigns_and_runs"), ("core", "0003_audit_by_statement")]
    operations = [
        audit_table("campaigns_campaign"),
        audit_table("campaigns_campaignvariant"),
        audit_table("campaigns_campaigntemplate"),
    ]
