"""What a worker notes about an import it has in hand."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0007_anniversary_index")]
    operations = [
        migrations.AddField(
            "importjob", "options", models.JSONField(blank=True, db_default={}, default=dict)
        ),
        migrations.AddField("importjob", "staged", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("importjob", "is_staged", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("importjob", "claim", models.UUIDField(null=True)),
    ]
