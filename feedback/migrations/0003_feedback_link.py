"""A link per visit, by which its guest says how it was without a login."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import servaan_crm.core.ids


class Migration(migrations.Migration):
    dependencies = [("customers", "0016_visit_indexes"), ("feedback", "0002_audit")]
    operations = [
        migrations.CreateModel(
            name="FeedbackLink",
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
                ("key", models.CharField(db_collation="C", editable=False, max_length=8, unique=True)),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("used_at", models.DateTimeField(null=True, verbose_name="answered at")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="feedback_links",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "visit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="feedback_link",
                        to="customers.visit",
                        verbose_name="visit",
                    ),
                ),
            ],
            options={"verbose_name": "feedback link", "verbose_name_plural": "feedback links"},
        ),
    ]
