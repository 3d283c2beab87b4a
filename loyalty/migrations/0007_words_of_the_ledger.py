"""An erased guest's words leave the ledger too; its figures stay, and nothing else in it can change."""

from django.db import migrations

from servaan_crm.core.audit import words_can_be_emptied


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0006_guest_card")]
    operations = words_can_be_emptied("loyalty_ledgerentry", ("description", "notes", "reference"))
