"""What PostgreSQL refuses, whoever asks: the ledger and the stamps only grow, lots and balances fit together.

What it cannot refuse: a superuser may set ``session_replication_role`` and so switch triggers off, and the owner of
the tables may drop them. The first is closed to the application's role when it is no superuser (see
docs/operations.md); both leave the figures for ``verify_ledger`` to find.
"""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from checkout.services import VisitRequest, record_visit
from loyalty.models import LedgerEntry, LoyaltyAccount, StampEntry
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.tests.shelf import SOMEBODY, card_of, guest_with


@pytest.fixture
def books(cafe):
    """A guest with points and a stamp."""
    card_of(needed=5)
    guest = guest_with(200)
    record_visit(actor=SOMEBODY, request=VisitRequest(customer_id=guest.pk, total_amount=50_000))
    return guest


def run(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # TRUNCATE would stumble over the checks of the fixture first
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["loyalty_ledgerentry", "loyalty_stampentry"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET created_at = now()",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
        "WITH gone AS (DELETE FROM {} RETURNING 1) SELECT count(*) FROM gone",
        "UPDATE {} SET id = id",
        "MERGE INTO {0} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
        "INSERT INTO {0} SELECT * FROM {0} LIMIT 1 ON CONFLICT (id) DO UPDATE SET created_at = now()",
    ],
)
def test_history_is_not_rewritten(books, table, statement):
    """Also for the owner of the tables, who is the one connected here."""
    counts = LedgerEntry.objects.count(), StampEntry.objects.count()
    with pytest.raises(DatabaseError, match="append-only"):
        run(statement.format(table))
    with pytest.raises(DatabaseError, match="append-only"):
        run("SELECT set_config('servaan.erasing', 'yes', true); " + statement.format(table))
    assert counts == (LedgerEntry.objects.count(), StampEntry.objects.count())


@pytest.mark.parametrize(
    "change",
    [
        "notes = 'else'",
        "notes = '', points = points + 1",
        "description = '', created_at = now()",
        "explanation = '{}'",
    ],
)
def test_an_erase_empties_words_and_nothing_else(books, change):
    with pytest.raises(DatabaseError, match="append-only"):
        run(f"SELECT set_config('servaan.erasing', 'yes', true); UPDATE loyalty_ledgerentry SET {change}")
    with pytest.raises(DatabaseError, match="append-only"):
        run("UPDATE loyalty_ledgerentry SET description = ''")
    before = list(
        LedgerEntry.objects.values("points", "balance_after", "explanation", "lot_points").order_by("pk")
    )
    run("SELECT set_config('servaan.erasing', 'yes', true); UPDATE loyalty_ledgerentry SET description = ''")
    assert before == list(
        LedgerEntry.objects.values("points", "balance_after", "explanation", "lot_points").order_by("pk")
    )
    assert set(LedgerEntry.objects.values_list("description", flat=True)) == {""}


def test_triggers_cannot_be_switched_off_by_an_ordinary_role(books):
    """A role with every right on the tables, but neither superuser nor owner: what an application needs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema(), quote_ident(session_user)")
        schema, me = cursor.fetchone()
        with transaction.atomic():
            cursor.execute("CREATE ROLE servaan_app_for_a_test NOLOGIN NOSUPERUSER")
            cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO servaan_app_for_a_test")
            cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO servaan_app_for_a_test")
            cursor.execute(f"GRANT servaan_app_for_a_test TO {me}")
            cursor.execute("SET LOCAL ROLE servaan_app_for_a_test")
            for statement in (
                "SET session_replication_role = replica",
                "ALTER TABLE loyalty_ledgerentry DISABLE TRIGGER ALL",
                "DROP TRIGGER loyalty_ledgerentry_append_only ON loyalty_ledgerentry",
                "UPDATE loyalty_ledgerentry SET points = points + 1",
                "DELETE FROM loyalty_stampentry",
                "TRUNCATE loyalty_ledgerentry CASCADE",
            ):
                with pytest.raises(DatabaseError), transaction.atomic():
                    cursor.execute(statement)
            cursor.execute("RESET ROLE")
            transaction.set_rollback(True)


@pytest.mark.parametrize(
    "change",
    [
        "balance = balance + 1",
        "balance = -1, points_earned_total = -1",
        "points_earned_total = points_earned_total + 10",
        "lot_expiries = ARRAY['2030-01-01'::date], lot_points = ARRAY[5]",
        "lot_expiries = ARRAY['2030-01-01'::date, NULL], lot_points = ARRAY[-10, balance + 10]",
        "lot_expiries = ARRAY['2030-01-01'::date], lot_points = ARRAY[]::int[]",
        "lot_expiries = ARRAY['2030-01-01'::date, NULL], lot_points = ARRAY[0, balance]",
        "next_expiry_on = '2030-01-01'",
    ],
)
def test_an_account_whose_figures_do_not_fit_is_refused(books, change):
    with pytest.raises(IntegrityError):
        run(f"UPDATE loyalty_loyaltyaccount SET {change}")


@pytest.mark.parametrize(
    "values",
    [
        {"points": 50, "balance_after": -1},
        {"points": 0},
        {"points": -50},
        {"points": 50, "lot_expiries": [None], "lot_points": [40]},
        {"points": 50, "lot_expiries": [], "lot_points": [50]},
        {"points": 50, "sequence": 1},
    ],
)
def test_an_entry_whose_figures_do_not_fit_is_refused(books, values):
    terms = {"sequence": 99, "balance_after": 300, "type": "earned_bonus", "description": "x"} | values
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(customer=books, **terms)


def test_what_no_constraint_sees_the_proof_does(books):
    """Balance and totals moved together fit each other, and not the ledger."""
    assert list(find_wrong_accounts()) == []
    with transaction.atomic():
        run(
            "UPDATE loyalty_loyaltyaccount SET balance = balance + 7, points_earned_total = points_earned_total + 7"
        )
        (wrong,) = find_wrong_accounts()
        assert "balance" in wrong.faults
        transaction.set_rollback(True)
    with transaction.atomic():
        LoyaltyAccount.objects.update(
            lot_expiries=["2031-01-01"],
            lot_points=[LoyaltyAccount.objects.get().balance],
            next_expiry_on="2031-01-01",
        )
        (wrong,) = find_wrong_accounts()
        assert {"open lots", "next expiry"} <= set(wrong.faults)
        transaction.set_rollback(True)
