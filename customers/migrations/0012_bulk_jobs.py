"""Large changes of many guests as jobs, in parts that are done and taken back one by one.

Deleted guests get an index: a count of the summaries is corrected by the few that belong to them.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0011_undo_of_imports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "waiting"), (1, "done"), (2, "undone")], default=0
                    ),
                ),
                (
                    "ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("changed", models.PositiveIntegerField(default=0)),
                (
                    "changed_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                (
                    "before_status",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=8), default=list, size=None
                    ),
                ),
                (
                    "before_reason",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None
                    ),
                ),
            ],
            options={
                "verbose_name": "part of a bulk operation",
                "verbose_name_plural": "parts of bulk operations",
            },
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="cancel_requested",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="claim",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="error",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=300, verbose_name="problem"
            ),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="finished_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="ended at"),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="heartbeat_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="is_job",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="processed",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="started_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Waiting"),
                    ("running", "Running"),
                    ("undoing", "Being taken back"),
                    ("completed", "Done"),
                    ("cancelled", "Cancelled"),
                    ("failed", "Stopped"),
                ],
                db_default="completed",
                default="completed",
                max_length=9,
                verbose_name="state",
            ),
        ),
        migrations.AddIndex(
            model_name="bulkoperation",
            index=models.Index(
                condition=models.Q(("status__in", ["pending", "running", "undoing"])),
                fields=["created_at"],
                name="bulk_active",
            ),
        ),
        migrations.AddField(
            model_name="bulkbatch",
            name="operation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="batches",
                to="customers.bulkoperation",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkbatch",
            constraint=models.UniqueConstraint(fields=("operation", "number"), name="bulk_batch_number"),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="acts_for",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="bulkoperation",
            name="goal",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["id"], name="customer_deleted"
            ),
        ),
    ]
