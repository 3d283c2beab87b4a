"""The link of a guest's card, which staff can renew."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("loyalty", "0005_club_guards")]
    operations = [
        migrations.CreateModel(
            name="GuestCard",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="guest_card",
                        serialize=False,
                        to="customers.customer",
                    ),
                ),
                ("key", models.CharField(editable=False, max_length=8, unique=True)),
                ("renewed_at", models.DateTimeField(verbose_name="renewed at")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
            options={"verbose_name": "guest card", "verbose_name_plural": "guest cards"},
        ),
    ]
