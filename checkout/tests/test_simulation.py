"""A simulated café keeps every rule, and the same seed gives the same café."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models import F, Max
from django.utils import timezone, translation
from django.utils.translation import gettext

from checkout.simulation import load, run
from checkout.simulation.calendar import build_days, is_ramadan
from checkout.simulation.profiles import NoProfile, profile_for
from checkout.simulation.run import NotSimulated, make_plan, simulate
from checkout.tests.invariants import check_cafe
from customers.models import Customer, CustomerSummary, MenuItem, Visit
from customers.selectors.counts import count_all_guests
from loyalty.models import LedgerEntry, LoyaltyAccount, LoyaltyProgram
from loyalty.selectors.verify import find_wrong_accounts
from segments.services import refresh_base_segments
from servaan_crm.core.models import AuditEntry, Event
from servaan_crm.l10n.jalali import local_date, to_jalali
from servaan_crm.l10n.locale import IR
from servaan_crm.l10n.phone import parse_phone

# Ramadan 1446 and Nowruz 1404 lie within the 120 days before it.
TODAY = date(2025, 4, 30)


class Cancelled(Exception):
    pass


def small(**changes: Any) -> run.Outcome:
    return simulate(make_plan(**{"customers": 60, "days": 120, "seed": 1, "today": TODAY} | changes))


def snapshot() -> list[Any]:
    people = Customer.objects.order_by("phone").values_list(
        "phone", "name", "name_english", "email", "birthday", "status", "notes", "preferences", "created_at"
    )
    bills = Visit.objects.order_by("visit_date").values_list(
        "visit_date", "customer__phone", "visit_number", "total_amount", "discount_amount", "points_earned",
        "points_redeemed", "payment_method", "visit_type", "table_number", "item_count", "server_name",
    )  # fmt: skip
    return [*people, *bills]


def definitions() -> set[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef, NULL FROM pg_indexes WHERE schemaname = current_schema()"
            " UNION ALL SELECT conrelid::regclass::text || conname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
            " JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = current_schema()"
            " UNION ALL SELECT t.tgrelid::regclass::text || t.tgname, t.tgenabled::text FROM pg_trigger t"
            " JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace"
            " WHERE n.nspname = current_schema() AND NOT t.tgisinternal"
        )
        return set(cursor.fetchall())


def test_keeps_every_rule(cafe: Any) -> None:
    outcome = small(customers=150)

    assert count_all_guests() == Customer.objects.filter(deleted_at=None).count() > 0
    assert check_cafe() == []
    assert list(find_wrong_accounts()) == []
    assert outcome.customers == Customer.objects.count() == CustomerSummary.objects.count() == 150
    assert outcome.visits == Visit.objects.count() > 300
    assert outcome.entries == LedgerEntry.objects.count()
    assert LedgerEntry.objects.filter(type="redeemed_discount").exists()
    assert refresh_base_segments() == 0


def test_rows_look_like_those_of_the_counter(cafe: Any) -> None:
    small()
    earned = LedgerEntry.objects.filter(type="earned_purchase").select_related("visit").first()
    assert earned is not None
    with translation.override("fa"):
        assert earned.description == gettext("Visit")
    assert set(earned.explanation) == {"paid", "amount_per_point", "base", "tier", "multiplier"}
    assert earned.created_at == earned.visit.visit_date
    assert earned.rule_version == LoyaltyProgram.objects.get().version
    line = Visit.objects.exclude(items=[]).first().items[0]
    assert set(line) == {"item_id", "name", "category", "quantity", "unit_price", "total_price"}
    assert MenuItem.objects.get(pk=line["item_id"]).price == line["unit_price"]
    assert not LoyaltyAccount.objects.filter(last_sequence=0).exists()
    names = {user.pk for user in cafe.users.values() if user.role in ("staff", "manager")}
    assert set(Visit.objects.values_list("created_by", flat=True)) <= names


def test_history_sends_nothing_and_is_not_in_the_audit_trail(cafe: Any) -> None:
    small()
    assert not Event.objects.exists()
    assert not AuditEntry.objects.filter(table_name="customers_customer").exists()
    Customer.objects.update(notes="changed by hand")
    assert AuditEntry.objects.filter(table_name="customers_customer").count() == 60


def test_program_with_cap_minimum_and_spend_basis(cafe: Any) -> None:
    LoyaltyProgram.objects.update(
        amount_per_point=Decimal("700.5"),
        max_points_per_visit=333,
        minimum_amount=120_000,
        point_value=Decimal("12.5"),
    )
    small()
    assert check_cafe() == []
    assert LedgerEntry.objects.aggregate(most=Max("points"))["most"] == 333


def test_same_seed_same_café(cafe: Any) -> None:
    def once(seed: int) -> list[Any]:
        with transaction.atomic():
            small(seed=seed)
            seen = snapshot()
            transaction.set_rollback(True)
        return seen

    first = once(1)
    assert first == once(1)
    assert first != once(2)


def test_indexes_and_checks_are_back_after_a_large_run(cafe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "REBUILD_FROM", 1)
    before = definitions()
    small()
    assert definitions() == before
    assert check_cafe() == []


def test_a_failure_leaves_nothing_behind(cafe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> str:
        raise Cancelled

    monkeypatch.setattr(run, "REBUILD_FROM", 1)
    monkeypatch.setattr(load, "insert_accounts", fail)
    before = definitions()
    with pytest.raises(Cancelled):
        small()
    assert definitions() == before
    assert not Customer.objects.exists()
    assert not Visit.objects.exists()


def test_guests_live_by_the_calendar(cafe: Any) -> None:
    small(customers=400)
    dates = [local_date(moment, IR) for moment in Visit.objects.values_list("visit_date", flat=True)]
    assert not [day for day in dates if to_jalali(day)[1] == 1 and to_jalali(day)[2] <= 3]
    weekdays = [sum(day.weekday() == number for day in dates) for number in range(7)]
    assert max(weekdays) in (weekdays[3], weekdays[4])
    hours = [
        moment.astimezone(IR.tz).hour
        for moment in Visit.objects.values_list("visit_date", flat=True)
        if is_ramadan(local_date(moment, IR))
    ]
    assert sum(hour >= 18 for hour in hours) > 0.8 * len(hours)
    first = Visit.objects.filter(visit_number=1)
    assert not first.exclude(visit_date=F("customer__created_at")).exists()


def test_phones_and_names_are_of_the_country(indian_cafe: Any) -> None:
    from django_tenants.utils import tenant_context

    with tenant_context(indian_cafe.cafe):
        small(customers=80)
        assert check_cafe() == []
        for phone, name in Customer.objects.values_list("phone", "name"):
            assert parse_phone(phone, "IN") == phone
            assert name.isascii()


def test_refusals_say_why(cafe: Any) -> None:
    small(customers=5)
    with pytest.raises(NotSimulated, match="guests already"):
        small()
    with pytest.raises(NotSimulated, match="--days"):
        make_plan(customers=10, days=1, seed=1)
    with pytest.raises(NotSimulated, match="future"):
        make_plan(customers=10, days=100, seed=1, today=date(2999, 1, 1))
    with pytest.raises(NoProfile, match="IN, IR"):
        profile_for("BD")
    with pytest.raises(CommandError, match="no café with the schema nowhere"):
        call_command("simulate_cafe", schema="nowhere")


def test_new_year_in_the_calendar() -> None:
    days = {day.date: day for day in build_days(date(2026, 4, 5), 60, IR)}
    assert days[date(2026, 3, 21)].weight == days[date(2026, 3, 23)].weight == 0
    assert 0 < days[date(2026, 4, 2)].weight < days[date(2026, 3, 27)].weight


@pytest.mark.parametrize("months", [1, 3, 12])
def test_points_that_run_out_have_their_lots(cafe: Any, months: int) -> None:
    LoyaltyProgram.objects.update(expiry_months=months)
    small(customers=150, days=500)
    assert check_cafe() == []
    assert list(find_wrong_accounts()) == []
    expired = LedgerEntry.objects.filter(type="expired")
    assert expired.exclude(idempotency_key="").exists()  # at the end, of guests who stayed away
    assert months == 12 or expired.filter(idempotency_key="").exists()  # with the bills on the way
    assert not LoyaltyAccount.objects.filter(next_expiry_on__lt=local_date(timezone.now())).exists()


def test_verify_ledger_names_wrong_accounts(cafe: Any, capsys: pytest.CaptureFixture[str]) -> None:
    small(customers=20)
    account = LoyaltyAccount.objects.exclude(balance=0).earliest("pk")
    LoyaltyAccount.objects.filter(pk=account.pk).update(
        balance=F("balance") + 5, points_earned_total=F("points_earned_total") + 5
    )
    with pytest.raises(CommandError, match="wrong accounts: 1") as failure:
        call_command("verify_ledger", schema=cafe.cafe.schema_name)
    assert failure.value.returncode == 1
    assert f"{account.pk}: balance, points earned" in capsys.readouterr().err
