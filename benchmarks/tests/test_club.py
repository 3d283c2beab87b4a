"""The night by hand is an honest limit: it leaves the same books behind as ours."""

from typing import Any

from django.db import connection
from django_tenants.utils import tenant_context

from benchmarks import club
from checkout.tests.invariants import assert_books_agree
from checkout.tests.stack import database_url
from loyalty.models import LedgerEntry
from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.services import drop_cafe


def test_both_nights_and_both_redemptions_keep_the_books(fresh_cafe: Any, monkeypatch: Any) -> None:
    fresh_cafe()  # lets the test write and commit
    connection.set_schema_to_public()
    lines: list[str] = []
    cafe, subject = club.build(30, lines.append)
    try:
        with tenant_context(cafe), use_locale(cafe.locale):
            night, proof = club.nights(30, lines.append)
            assert night["guests"] == proof["guests"] == 30
            monkeypatch.setenv("DATABASE_URL", database_url())
            redeem = club.hand_worker(subject, seed=1)
            for _ in range(20):
                redeem()
            assert LedgerEntry.objects.filter(type="redeemed_item").count() == 20
            assert LedgerEntry.objects.filter(type="expired").count() == 30 * club.ROUNDS
            assert_books_agree()
    finally:
        connection.set_schema_to_public()
        drop_cafe(cafe)
