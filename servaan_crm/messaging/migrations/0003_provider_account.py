"""Accounts are not of SMS providers alone any more."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0002_pinned_and_fewer_indexes")]
    operations = [migrations.RenameModel("SmsProvider", "ProviderAccount")]
