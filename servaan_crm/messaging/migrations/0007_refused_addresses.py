"""E-mail addresses among those that are not written to, and what an early report says of an address."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0006_early_reports")]
    operations = [
        migrations.AlterField("blockednumber", "recipient", models.CharField("number", max_length=254)),
        migrations.AddField(
            "earlyreport",
            "refusal",
            models.CharField("refusal", blank=True, db_default="", max_length=8),
        ),
    ]
