"""Changes of many guests at once; the number of guests, kept by the database.

A statement that enters, deletes or restores guests adds one row with the difference. Nobody updates a row others
wait for, and the sum is right within each transaction.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import servaan_crm.core.ids
from django.conf import settings
from django.db import migrations, models


COUNT_FUNCTION = """
CREATE OR REPLACE FUNCTION customers_count_guests() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    difference bigint := 0;
    part bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT count(*) INTO part FROM before_rows WHERE deleted_at IS NULL;
        difference := difference - part;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT count(*) INTO part FROM after_rows WHERE deleted_at IS NULL;
        difference := difference + part;
    END IF;
    IF difference <> 0 THEN
        EXECUTE format('INSERT INTO %I.customers_guestcount (change) VALUES ($1)', TG_TABLE_SCHEMA)
        USING difference;
    END IF;
    RETURN NULL;
END $$
"""
TRIGGERS = {
    "INSERT": "NEW TABLE AS after_rows",
    "UPDATE": "OLD TABLE AS before_rows NEW TABLE AS after_rows",
    "DELETE": "OLD TABLE AS before_rows",
}
FIRST_COUNT = (
    "INSERT INTO customers_guestcount (change)"
    " SELECT count(*) FROM customers_customer WHERE deleted_at IS NULL HAVING count(*) > 0"
)


def count_trigger(event: str, tables: str) -> migrations.RunSQL:
    name = f"customers_count_{event.lower()}"
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} AFTER {event} ON customers_customer REFERENCING {tables}"
        " FOR EACH STATEMENT EXECUTE FUNCTION customers_count_guests()",
        f"DROP TRIGGER {name} ON customers_customer",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0009_history_of_guest"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GuestCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("change", models.IntegerField()),
            ],
            options={
                "verbose_name": "number of guests",
                "verbose_name_plural": "number of guests",
            },
        ),
        migrations.CreateModel(
            name="BulkOperation",
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
                ("action", models.CharField(max_length=20, verbose_name="action")),
                ("params", models.JSONField(default=dict, verbose_name="details")),
                ("query", models.CharField(blank=True, max_length=2000, verbose_name="filters")),
                ("matched", models.PositiveIntegerField(default=0, verbose_name="found")),
                ("changed", models.PositiveIntegerField(default=0, verbose_name="changed")),
                ("skipped", models.JSONField(default=list, verbose_name="left out")),
                (
                    "changed_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, editable=False, size=None
                    ),
                ),
                (
                    "before_status",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=8), default=list, editable=False, size=None
                    ),
                ),
                (
                    "before_reason",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, editable=False, size=None
                    ),
                ),
                ("actor_name", models.CharField(max_length=150, verbose_name="by")),
                ("undone_at", models.DateTimeField(editable=False, null=True, verbose_name="undone at")),
                ("undone", models.PositiveIntegerField(default=0, editable=False, verbose_name="taken back")),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk operation",
                "verbose_name_plural": "bulk operations",
                "ordering": ["-created_at"],
            },
        ),
        migrations.RunSQL([(COUNT_FUNCTION, None)], "DROP FUNCTION customers_count_guests()"),
        *(count_trigger(event, tables) for event, tables in TRIGGERS.items()),
        migrations.RunSQL(FIRST_COUNT, migrations.RunSQL.noop),
    ]
