"""The functions behind audited and append-only tables."""

from django.db import migrations

from servaan_crm.core.audit import append_only, create_functions


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [*create_functions(), *append_only("core_auditentry")]
