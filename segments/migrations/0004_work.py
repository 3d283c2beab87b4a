"""Where a calculation keeps the guests whose segments have to change. Unlogged: a new run makes it anew."""

from django.db import migrations

CREATE_WORK = """
CREATE UNLOGGED TABLE segments_work (
    claim uuid NOT NULL, customer_id uuid NOT NULL, mark text NOT NULL, base text NOT NULL,
    segs uuid[] NOT NULL, present uuid[] NOT NULL
)
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0003_memberships")]
    operations = [
        migrations.RunSQL(CREATE_WORK, "DROP TABLE segments_work"),
        migrations.RunSQL(
            "CREATE INDEX segments_work_next ON segments_work (claim, customer_id)",
            "DROP INDEX segments_work_next",
        ),
    ]
