"""Undo of a whole import: whose import a guest or a visit is, what it overwrote, and the undo itself."""

import django.db.models.deletion
import django.utils.timezone
import servaan_crm.core.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_bulk_and_count"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("customer", "import_id", models.UUIDField(editable=False, null=True)),
        migrations.AddField("visit", "import_id", models.UUIDField(editable=False, null=True)),
        migrations.AddField("importjob", "is_traced", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            name="ImportChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("customer_id", models.UUIDField()),
                ("values", models.JSONField(default=dict)),
                ("tags", models.JSONField(default=list)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="customers.importjob",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["customer_id"], name="import_change_of_guest")],
                "constraints": [
                    models.UniqueConstraint(fields=("job", "customer_id"), name="import_change_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportUndo",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=servaan_crm.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("completed", "Completed"), ("failed", "Failed")],
                        default="running",
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("values", "Earlier values"),
                            ("visits", "Visits"),
                            ("guests", "Guests"),
                            ("done", "Done"),
                        ],
                        default="values",
                        max_length=6,
                    ),
                ),
                ("cursor", models.UUIDField(null=True)),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="started at"),
                ),
                ("heartbeat_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                ("guests_removed", models.PositiveIntegerField(default=0, verbose_name="guests taken back")),
                (
                    "guests_restored",
                    models.PositiveIntegerField(default=0, verbose_name="guests with their earlier values"),
                ),
                ("visits_voided", models.PositiveIntegerField(default=0, verbose_name="visits taken back")),
                ("kept", models.PositiveIntegerField(default=0, verbose_name="kept")),
                ("gone", models.PositiveIntegerField(default=0, verbose_name="gone before")),
                ("actor_name", models.CharField(max_length=150, verbose_name="by")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="undo",
                        to="customers.importjob",
                    ),
                ),
            ],
            options={
                "verbose_name": "undo of an import",
                "verbose_name_plural": "undos of imports",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ImportKept",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("guest", "Guest"), ("values", "Values of a guest"), ("visit", "Visit"),
                        ],
                        max_length=6,
                    ),
                ),
                ("row_id", models.UUIDField()),
                ("reasons", models.JSONField(default=list)),
                (
                    "undo",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="left",
                        to="customers.importundo",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("undo", "what", "row_id"), name="import_kept_once")
                ],
            },
        ),
    ]
