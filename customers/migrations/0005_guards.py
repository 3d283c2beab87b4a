"""Consent is a history that only grows; notes, family and own fields leave a trace."""

from django.db import migrations

from servaan_crm.core.audit import append_only, audit_table


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_whole_book"), ("core", "0002_trigger_functions")]
    operations = [
        *append_only("customers_consentchange"),
        audit_table("customers_customernote"),
        audit_table("customers_familymember"),
        audit_table("customers_customfield"),
    ]
