"""Possible duplicates in a table, and an index for the numbers of family members."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0013_figures"),
    ]

    operations = [
        migrations.CreateModel(
            name="DuplicatePair",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), size=None, verbose_name="reasons"
                    ),
                ),
                ("score", models.PositiveSmallIntegerField(verbose_name="score")),
                (
                    "found_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="found at"),
                ),
            ],
            options={
                "verbose_name": "possible duplicate",
                "verbose_name_plural": "possible duplicates",
                "ordering": ["-score", "first_id", "second_id"],
            },
        ),
        migrations.CreateModel(
            name="DuplicateScan",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("requested_at", models.DateTimeField(null=True, verbose_name="asked for at")),
                ("started_at", models.DateTimeField(null=True, verbose_name="started at")),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("claim", models.UUIDField(null=True)),
                ("step", models.PositiveSmallIntegerField(default=0)),
                ("found", models.PositiveIntegerField(default=0, verbose_name="found")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
            ],
            options={
                "verbose_name": "search for duplicates",
                "verbose_name_plural": "searches for duplicates",
            },
        ),
        migrations.AddIndex(
            model_name="familymember",
            index=models.Index(
                condition=models.Q(("phone", ""), _negated=True), fields=["phone"], name="family_phone"
            ),
        ),
        migrations.AddField(
            model_name="duplicatepair",
            name="first",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
            ),
        ),
        migrations.AddField(
            model_name="duplicatepair",
            name="second",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
            ),
        ),
        migrations.AddConstraint(
            model_name="duplicatescan",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="duplicate_scan_single"),
        ),
        migrations.AddIndex(
            model_name="duplicatepair",
            index=models.Index(
                models.OrderBy(models.F("score"), descending=True),
                models.F("first"),
                models.F("second"),
                name="duplicate_pair_likeliest",
            ),
        ),
        migrations.AddConstraint(
            model_name="duplicatepair",
            constraint=models.UniqueConstraint(fields=("first", "second"), name="duplicate_pair_once"),
        ),
        migrations.AddConstraint(
            model_name="duplicatepair",
            constraint=models.CheckConstraint(
                condition=models.Q(("first__lt", models.F("second"))), name="duplicate_pair_sorted"
            ),
        ),
    ]
