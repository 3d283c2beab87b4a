from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("customers", "0006_visit_history")]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                fields=["anniversary"],
                name="customer_anniversary",
                condition=Q(("anniversary__isnull", False), ("deleted_at", None)),
            ),
        )
    ]
