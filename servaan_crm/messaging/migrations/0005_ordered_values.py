"""Values of templates keep their order; changed rules of sending leave a trace."""

from django.db import migrations, models

from servaan_crm.core.audit import audit_table


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_every_channel"), ("core", "0003_audit_by_statement")]
    operations = [
        migrations.AlterField(
            model_name="message",
            name="values",
            field=models.JSONField(blank=True, db_default=[], default=list, verbose_name="values"),
        ),
        audit_table("messaging_sendingrules"),
    ]
