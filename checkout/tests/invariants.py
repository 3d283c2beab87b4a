"""An independent check of everything that must hold in a café, in plain Python."""

from collections import defaultdict

from customers.models import Customer, CustomerSummary, Visit
from loyalty.models import LedgerEntry, LoyaltyAccount


def check_cafe() -> None:
    """Assert that visits, summaries, ledger and accounts of the current café tell the same story."""
    visits, entries = defaultdict(list), defaultdict(list)
    for visit in Visit.objects.exclude(customer=None).order_by("visit_number"):
        visits[visit.customer_id].append(visit)
    for entry in LedgerEntry.objects.order_by("sequence"):
        entries[entry.customer_id].append(entry)
    accounts = {account.pk: account for account in LoyaltyAccount.objects.all()}
    summaries = {summary.pk: summary for summary in CustomerSummary.objects.all()}
    for customer in Customer.objects.all():
        _check_visits(summaries[customer.pk], visits[customer.pk])
        _check_ledger(summaries[customer.pk], accounts.get(customer.pk), entries[customer.pk])
        _check_entries_of_visits(visits[customer.pk], entries[customer.pk])


def _check_visits(summary: CustomerSummary, visits: list[Visit]) -> None:
    assert [visit.visit_number for visit in visits] == list(range(1, len(visits) + 1))
    counted = [visit for visit in visits if visit.voided_at is None]
    assert summary.last_visit_number == len(visits)
    assert summary.total_visits == len(counted)
    assert summary.lifetime_spent == sum(visit.total_amount - visit.discount_amount for visit in counted)
    assert summary.last_visit_at == max((visit.visit_date for visit in counted), default=None)
    assert summary.first_visit_at == min((visit.visit_date for visit in counted), default=None)


def _check_ledger(summary: CustomerSummary, account: LoyaltyAccount | None, entries: list[LedgerEntry]) -> None:
    balance = earned = redeemed = 0
    for number, entry in enumerate(entries, start=1):
        assert entry.sequence == number
        balance += entry.points
        assert entry.balance_after == balance >= 0
        if entry.type in LedgerEntry.EARNING_TYPES:
            earned += entry.points
        else:
            redeemed -= entry.points
    if account is None:
        assert not entries
        assert (summary.points, summary.tier) == (0, "bronze")
        return
    assert (account.balance, account.last_sequence) == (balance, len(entries))
    assert (account.points_earned_total, account.points_redeemed_total) == (earned, redeemed)
    assert (summary.points, summary.tier) == (account.balance, account.tier)


def _check_entries_of_visits(visits: list[Visit], entries: list[LedgerEntry]) -> None:
    by_visit = defaultdict(list)
    for entry in entries:
        if entry.visit_id:
            by_visit[entry.visit_id].append(entry)
    for visit in visits:
        own = by_visit[visit.pk]
        earned = sum(e.points for e in own if e.type == "earned_purchase")
        paid = -sum(e.points for e in own if e.type == "redeemed_discount")
        assert (visit.points_earned, visit.points_redeemed) == (earned, paid)
        if visit.voided_at:
            assert sum(e.points for e in own) == sum(e.shortfall for e in own)
