"""Bills without four indexes that others begin with, or that nobody reads."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def by_user() -> models.Field:
    return models.ForeignKey(
        db_index=False,
        editable=False,
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("customers", "0015_import_attempts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            "visit",
            "customer",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="visits",
                to="customers.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            "visit",
            "outlet",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.outlet",
                verbose_name="outlet",
            ),
        ),
        migrations.AlterField("visit", "created_by", by_user()),
        migrations.AlterField("visit", "voided_by", by_user()),
    ]
