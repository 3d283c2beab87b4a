"""Large changes of many guests as jobs: the parts of one get their values from the code, and deleted guests an index.

The index lets a count of the summaries be corrected by the few that belong to deleted guests.
"""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0013_club")]

    operations = [
        migrations.AlterField(
            model_name="bulkbatch",
            name="before_reason",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200), default=list, size=None
            ),
        ),
        migrations.AlterField(
            model_name="bulkbatch",
            name="before_status",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=8), default=list, size=None
            ),
        ),
        migrations.AlterField(
            model_name="bulkbatch", name="changed", field=models.PositiveIntegerField(default=0)
        ),
        migrations.AlterField(
            model_name="bulkbatch",
            name="changed_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), default=list, size=None
            ),
        ),
        migrations.AlterField(
            model_name="bulkbatch",
            name="state",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "waiting"), (1, "done"), (2, "undone")], default=0
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["id"], name="customer_deleted"
            ),
        ),
    ]
