"""An import that fails again and again ends; new guests no longer pay for two indexes nobody reads."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def unindexed() -> models.Field:
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
        ("customers", "0014_duplicates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            "importjob",
            "attempts",
            models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="attempts"),
        ),
        migrations.AddField(
            "importjob", "retry_at", models.DateTimeField(null=True, verbose_name="next attempt at")
        ),
        migrations.AlterField("customer", "created_by", unindexed()),
        migrations.AlterField("customer", "updated_by", unindexed()),
    ]
