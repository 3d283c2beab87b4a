"""The trail of one guest's notes, family and tags is found without reading everybody's."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("customers", "0008_import_work"), ("core", "0002_trigger_functions")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX audit_of_customer ON core_auditentry ((COALESCE(new ->> 'customer_id', old ->> 'customer_id')))"
            " WHERE action <> 'update' AND table_name IN"
            " ('customers_customernote', 'customers_familymember', 'customers_customer_tags')",
            "DROP INDEX audit_of_customer",
        ),
    ]
