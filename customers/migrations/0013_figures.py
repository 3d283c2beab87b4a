"""The figures of the whole book, kept by the database: how many guests of each segment and tier, visits and spend.

A statement that changes summaries adds one row of differences for each segment and tier it touches; the sum of the
rows is exact within each transaction, and nobody waits for anybody. The index on the last visit carries the columns
that derived facts read, so that counting them reads the index alone.
"""

from django.db import migrations, models
from django.db.models import F

FUNCTION = """
CREATE OR REPLACE FUNCTION customers_add_figures() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN {differences} LOOP
        EXECUTE format('INSERT INTO %I.customers_guestfigure (segment, tier, guests, visits, spent)'
                       ' VALUES ($1, $2, $3, $4, $5)', TG_TABLE_SCHEMA)
        USING part.segment, part.tier, part.guests, part.visits, part.spent;
    END LOOP;
    RETURN NULL;
END $$
"""
ROWS = "SELECT segment, tier, {sign}1 AS n, {sign}total_visits AS v, {sign}lifetime_spent AS s FROM {table}"
SUMS = (
    "SELECT segment, tier, sum(n) AS guests, sum(v) AS visits, sum(s) AS spent FROM ({rows}) AS d"
    " GROUP BY segment, tier HAVING sum(n) <> 0 OR sum(v) <> 0 OR sum(s) <> 0"
)
AFTER, BEFORE = ROWS.format(sign="", table="after_rows"), ROWS.format(sign="-", table="before_rows")
TRIGGERS = {
    "insert": ("NEW TABLE AS after_rows", AFTER),
    "update": ("OLD TABLE AS before_rows NEW TABLE AS after_rows", f"{AFTER} UNION ALL {BEFORE}"),
    "delete": ("OLD TABLE AS before_rows", BEFORE),
}


def keep(event: str) -> list[migrations.RunSQL]:
    """Return the function and the trigger of one event; each sees only the rows its event has."""
    tables, rows = TRIGGERS[event]
    name = f"customers_figures_{event}"
    body = FUNCTION.format(differences=SUMS.format(rows=rows)).replace("customers_add_figures", name)
    return [
        migrations.RunSQL([(body, None)], f"DROP FUNCTION {name}()"),
        migrations.RunSQL(
            f"CREATE TRIGGER {name} AFTER {event.upper()} ON customers_customersummary REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
            f"DROP TRIGGER {name} ON customers_customersummary",
        ),
    ]


FIRST = (
    "INSERT INTO customers_guestfigure (segment, tier, guests, visits, spent) SELECT segment, tier, count(*),"
    " sum(total_visits), sum(lifetime_spent) FROM customers_customersummary GROUP BY segment, tier"
)


class Migration(migrations.Migration):
    dependencies = [("customers", "0012_bulk_jobs")]

    operations = [
        migrations.CreateModel(
            name="GuestFigure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("segment", models.CharField(max_length=10)),
                ("tier", models.CharField(max_length=8)),
                ("guests", models.BigIntegerField()),
                ("visits", models.BigIntegerField()),
                ("spent", models.DecimalField(decimal_places=2, max_digits=20)),
            ],
            options={"verbose_name": "figures of the book", "verbose_name_plural": "figures of the book"},
        ),
        *(operation for event in TRIGGERS for operation in keep(event)),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="customersummary",
            index=models.Index(
                F("last_visit_at").desc(nulls_last=True),
                "customer_id",
                name="summary_facts",
                include=["segment", "tier", "total_visits", "lifetime_spent"],
            ),
        ),
        migrations.RemoveIndex(model_name="customersummary", name="summary_last_visit"),
    ]
