"""Codes, vouchers, rewards and stamps: what the counters say is what the bills say."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from customers.models import Customer, MergeRecord, Visit
from loyalty.models import DiscountCode, DiscountUse, LedgerEntry, StampEntry, Voucher


def is_for_reward(entry: LedgerEntry) -> bool:
    """Whether the entry paid for a reward, or gave its points back."""
    return "reward_id" in (entry.reverses.explanation if entry.reverses else entry.explanation)


def benefit_faults() -> list[str]:
    """Return every breach, in words."""
    visits = {visit.pk: visit for visit in Visit.objects.all()}
    return [*_code_faults(visits), *_voucher_faults(visits), *_stamp_faults(visits)]


def _code_faults(visits: dict[Any, Visit]) -> list[str]:
    faults, counts = [], defaultdict(int)
    merged = set(MergeRecord.objects.values_list("kept_id", flat=True))
    guests: dict[Any, int] = defaultdict(int)
    for use in DiscountUse.objects.all():
        visit = visits[use.visit_id]
        if (use.reversed_at is None) != (visit.voided_at is None):
            faults.append(
                f"use of a code on visit {visit.pk}: taken back {use.reversed_at}, voided {visit.voided_at}"
            )
        if use.customer_id != visit.customer_id:
            faults.append(f"use of a code on visit {visit.pk} belongs to another guest")
        if use.reversed_at is None:
            counts[use.code_id] += 1
            guests[use.code_id, use.customer_id] += 1
    for code in DiscountCode.objects.all():
        if code.times_used != counts[code.pk]:
            faults.append(f"{code.code}: times_used {code.times_used}, bills say {counts[code.pk]}")
        most = code.max_uses_per_guest
        for (code_id, guest), count in guests.items():
            # Two records of one guest may each have used a code as often as one guest may.
            if code_id == code.pk and most is not None and guest and guest not in merged and count > most:
                faults.append(f"{code.code}: guest {guest} used it {count} times")
    return faults


def _voucher_faults(visits: dict[Any, Visit]) -> list[str]:
    faults, given, bought = [], defaultdict(Decimal), defaultdict(int)
    for use in DiscountUse.objects.filter(reversed_at=None):
        given[use.visit_id] += use.amount
    for voucher in Voucher.objects.exclude(used_visit=None).select_related("entry"):
        visit = visits[voucher.used_visit_id]
        given[visit.pk] += voucher.discount_given
        if visit.voided_at or voucher.customer_id != visit.customer_id:
            faults.append(
                f"voucher {voucher.code} is used on visit {visit.pk}, which is voided or another guest's"
            )
        if voucher.entry and voucher.entry.visit_id == visit.pk:
            bought[visit.pk] += voucher.points_paid
    paid: dict[Any, int] = defaultdict(int)
    for entry in LedgerEntry.objects.exclude(visit=None).select_related("reverses"):
        if is_for_reward(entry):
            paid[entry.visit_id] -= entry.points
    for visit in visits.values():
        if visit.voided_at is None and visit.discount_amount < given[visit.pk]:
            faults.append(
                f"visit {visit.pk}: discount {visit.discount_amount}, codes and vouchers {given[visit.pk]}"
            )
        if paid[visit.pk] != bought[visit.pk]:
            faults.append(f"visit {visit.pk}: {paid[visit.pk]} points for rewards worth {bought[visit.pk]}")
    return faults


def _stamp_faults(visits: dict[Any, Visit]) -> list[str]:
    faults: list[str] = []
    # Stamps put on before a merge stay in the history of the merged record and are carried over as a sum.
    heirs = dict(Customer.objects.values_list("pk", "merged_into_id"))
    totals: dict[Any, int] = defaultdict(int)
    of_visit: dict[Any, int] = defaultdict(int)
    for entry in StampEntry.objects.order_by("sequence"):
        key = entry.card_id, entry.customer_id
        totals[key] += entry.stamps
        owner = entry.customer_id
        while heirs.get(owner):
            owner = heirs[owner]
        of_visit[entry.card_id, owner, entry.visit_id] += entry.stamps
        if entry.total_after != totals[key]:
            faults.append(f"card of {entry.customer_id}: {entry.total_after} stamps, sum {totals[key]}")
    for (_card, customer, visit_id), stamps in of_visit.items():
        visit = visits.get(visit_id)
        if visit is not None and stamps and (visit.voided_at or visit.customer_id != customer):
            faults.append(f"visit {visit_id}: {stamps} stamps stay on the card of {customer}")
    return faults
