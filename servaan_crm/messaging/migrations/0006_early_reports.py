"""Reports that come before the provider's number was written down."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0005_ordered_values")]
    operations = [
        migrations.CreateModel(
            name="EarlyReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("account", models.CharField(max_length=40, verbose_name="account")),
                ("provider_message_id", models.CharField(max_length=200, verbose_name="provider's number")),
                ("state", models.CharField(max_length=12, verbose_name="state")),
                ("status", models.CharField(blank=True, max_length=20, verbose_name="provider's status")),
                ("is_read", models.BooleanField(default=False, verbose_name="read")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name": "early report",
                "verbose_name_plural": "early reports",
                "indexes": [models.Index(fields=["account", "provider_message_id"], name="early_report")],
            },
        ),
    ]
