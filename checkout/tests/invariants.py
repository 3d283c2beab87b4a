"""An independent reading of the rules: recomputes a whole café in plain Python and compares.

Deliberately shares no code with the services or the simulation.
"""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

from checkout.tests.benefit_invariants import benefit_faults, is_for_reward
from customers.models import Customer, CustomerSummary, MergeRecord, Visit
from loyalty.models import LedgerEntry, LoyaltyAccount, LoyaltyProgram, Tier, TierChange

EARNED = {
    "earned_purchase",
    "earned_bonus",
    "earned_referral",
    "earned_birthday",
    "adjustment_add",
    "reversed_earning",
    "merge_earned",
}


def assert_books_agree() -> None:
    """Fail with every breach of the invariants that hold whatever the staff corrected since."""
    assert check_cafe(by_rule=False) == []


def check_cafe(*, by_rule: bool = True) -> list[str]:
    """Return every breach of an invariant in the current café, in words; [] when all is right.

    by_rule: also recompute the points of each visit from today's program; off for cafés whose program changed,
    with points given by hand, or with voided visits.
    """
    faults: list[str] = []
    visits: dict[Any, list[Visit]] = defaultdict(list)
    for visit in Visit.objects.exclude(customer=None).order_by("visit_number"):
        visits[visit.customer_id].append(visit)
    entries: dict[Any, list[LedgerEntry]] = defaultdict(list)
    for entry in LedgerEntry.objects.order_by("sequence"):
        entries[entry.customer_id].append(entry)
    accounts = {account.pk: account for account in LoyaltyAccount.objects.all()}
    changes: dict[Any, list[TierChange]] = defaultdict(list)
    for change in TierChange.objects.order_by("created_at"):
        changes[change.customer_id].append(change)
    roots = _roots()
    merged = {who for pair in MergeRecord.objects.values_list("kept_id", "merged_id") for who in pair}
    for summary in CustomerSummary.objects.all():
        who = summary.pk
        faults += [f"{who}: {fault}" for fault in _summary_faults(summary, visits[who])]
        faults += [f"{who}: {fault}" for fault in _ledger_faults(summary, accounts.get(who), entries[who])]
        if by_rule and who not in merged:
            faults += [
                f"{who}: {fault}"
                for fault in _rule_faults(summary, accounts.get(who), visits[who], entries[who], changes[who])
            ]
    known = set(CustomerSummary.objects.values_list("pk", flat=True))
    faults += [f"{who}: visits or ledger without a summary" for who in (set(visits) | set(entries)) - known]
    faults += _visit_effect_faults(roots)
    faults += benefit_faults()
    faults += _merge_faults(merged, roots, visits, entries, accounts, by_rule)
    for visit in Visit.objects.filter(customer=None):
        if visit.points_earned or visit.points_redeemed or visit.visit_number is not None:
            faults.append(f"walk-in {visit.pk} has points or a number")
    return faults


def _roots() -> dict[Any, Any]:
    """Return guest → the guest it is part of now: itself, unless it was merged into another."""
    parents = dict(Customer.objects.values_list("pk", "merged_into_id"))

    def root(who: Any) -> Any:
        while parents[who] is not None:
            who = parents[who]
        return who

    return {who: root(who) for who in parents}


def _visit_effect_faults(roots: dict[Any, Any]) -> list[str]:
    """What the ledger moved for each visit, all corrections together, is what the visit says.

    It moved it for the visit's own guest (or a record that is part of that guest now), and for nobody else.
    """
    moved: dict[Any, dict[Any, int]] = defaultdict(lambda: defaultdict(int))
    for entry in LedgerEntry.objects.exclude(visit=None).select_related("reverses"):
        if is_for_reward(entry):
            continue  # points for a reward are in no figure of the visit: see benefit_invariants
        moved[entry.visit_id][roots[entry.customer_id]] += entry.points - entry.shortfall
    faults = []
    for visit in Visit.objects.all():
        expected = 0 if visit.voided_at else visit.points_earned - visit.points_redeemed
        owner = roots.get(visit.customer_id)
        for guest in {owner, *moved[visit.pk]}:
            wanted = expected if guest == owner else 0
            if moved[visit.pk][guest] != wanted:
                faults.append(
                    f"visit {visit.pk}: the ledger of {guest} moved {moved[visit.pk][guest]}, should be {wanted}"
                )
    return faults


def _merge_faults(
    merged: set[Any],
    roots: dict[Any, Any],
    visits: dict[Any, list[Visit]],
    entries: dict[Any, list[LedgerEntry]],
    accounts: dict[Any, LoyaltyAccount],
    by_rule: bool,
) -> list[str]:
    """What still holds for guests that were ever merged, whose visits lie in another order than they were made."""
    faults: list[str] = []
    carried: dict[tuple[str, str], int] = defaultdict(int)
    for who in merged:
        for entry in entries[who]:
            if entry.type in ("merge_earned", "merge_redeemed"):
                carried[entry.reference, entry.type] += entry.points
        account = accounts.get(who)
        if roots[who] != who and (
            visits[who] or (account and (account.balance or account.points_earned_total))
        ):
            faults.append(f"{who}: is part of {roots[who]} and still has visits or points")
        if by_rule and account and roots[who] == who:
            reached = [
                t.level
                for t in Tier.objects.order_by("threshold")
                if t.threshold <= account.points_earned_total
            ]
            order = list(Tier.objects.order_by("threshold").values_list("level", flat=True))
            if order.index(account.tier) < order.index(reached[-1]):
                faults.append(f"{who}: tier {account.tier}, thresholds say {reached[-1]}")
        if by_rule:
            program, tiers = LoyaltyProgram.objects.get(), list(Tier.objects.all())
            for visit in visits[who]:
                paid = visit.total_amount - visit.discount_amount - visit.points_value
                if visit.points_earned not in {_points(program, tier, paid) for tier in tiers}:
                    faults.append(
                        f"{who}: visit {visit.visit_number} earned {visit.points_earned}, no tier gives that"
                    )
    faults += [
        f"{reference}: {kind} moved {points} to nobody"
        for (reference, kind), points in carried.items()
        if points
    ]
    foreign = [
        who
        for who, rows in entries.items()
        if who not in merged and any("merge_" in row.type for row in rows)
    ]
    return faults + [f"{who}: was never merged and has entries of a merge" for who in foreign]


def _summary_faults(summary: CustomerSummary, visits: list[Visit]) -> list[str]:
    counted = [visit for visit in visits if visit.voided_at is None]
    dates = [visit.visit_date for visit in counted]
    expected = {
        "total_visits": len(counted),
        "last_visit_number": len(visits),
        "lifetime_spent": sum((visit.total_amount - visit.discount_amount for visit in counted), Decimal(0)),
        "first_visit_at": min(dates, default=None),
        "last_visit_at": max(dates, default=None),
    }
    faults = [
        f"summary.{name} is {getattr(summary, name)}, visits say {value}"
        for name, value in expected.items()
        if getattr(summary, name) != value
    ]
    if [visit.visit_number for visit in visits] != list(range(1, len(visits) + 1)):
        faults.append("visit numbers are not 1…n")
    return faults


def _ledger_faults(
    summary: CustomerSummary, account: LoyaltyAccount | None, entries: list[LedgerEntry]
) -> list[str]:
    faults, balance = [], 0
    for place, entry in enumerate(entries, 1):
        balance += entry.points
        if entry.sequence != place:
            faults.append(f"ledger sequence {entry.sequence} at place {place}")
        if entry.balance_after != balance or balance < 0:
            faults.append(f"ledger {place}: balance after {entry.balance_after}, sum {balance}")
    earned = sum(entry.points for entry in entries if entry.type in EARNED)
    if account is None:
        if entries or summary.points:
            faults.append("points without an account")
        return faults
    expected = {
        "balance": balance,
        "last_sequence": len(entries),
        "points_earned_total": earned,
        "points_redeemed_total": earned - balance,
        "tier": summary.tier,
    }
    faults += [
        f"account.{name} is {getattr(account, name)}, expected {value}"
        for name, value in expected.items()
        if getattr(account, name) != value
    ]
    faults += _lot_faults(account, entries)
    if summary.points != balance:
        faults.append(f"summary.points is {summary.points}, ledger says {balance}")
    return faults


def _lot_faults(account: LoyaltyAccount, entries: list[LedgerEntry]) -> list[str]:
    """The open lots are what the entries opened and used; no lot ever held less than nothing; the next expiry."""
    faults: list[str] = []
    held: dict[Any, int] = defaultdict(int)
    for entry in entries:
        parts = list(zip(entry.lot_expiries, entry.lot_points, strict=True)) or [(None, entry.points)]
        if sum(points for _, points in parts) != entry.points:
            faults.append(f"ledger {entry.sequence}: its lots are not its points")
        for day, points in parts:
            held[day] += points
        if min(held.values()) < 0:
            faults.append(f"ledger {entry.sequence}: takes more of a lot than it held: {dict(held)}")
    dated = sorted((day, points) for day, points in held.items() if day is not None and points)
    expected = [*dated, *([(None, held[None])] if held[None] else [])] if dated else []
    stored = list(zip(account.lot_expiries, account.lot_points, strict=True))
    if stored != expected:
        faults.append(f"open lots are {stored}, the ledger says {expected}")
    if account.next_expiry_on != (dated[0][0] if dated else None):
        faults.append(f"next expiry is {account.next_expiry_on}, the lots say {dated[:1]}")
    return faults


def _rule_faults(
    summary: CustomerSummary,
    account: LoyaltyAccount | None,
    visits: list[Visit],
    entries: list[LedgerEntry],
    changes: list[TierChange],
) -> list[str]:
    program = LoyaltyProgram.objects.get()
    tiers = list(Tier.objects.order_by("threshold"))
    place, lifetime, spent, faults = 0, 0, Decimal(0), []
    rows: list[tuple[Any, str, int, Any]] = []
    steps: list[tuple[str, str, Any]] = []
    last_date = None
    for visit in visits:
        final = visit.total_amount - visit.discount_amount
        if last_date and visit.visit_date < last_date:
            faults.append(f"visit {visit.visit_number} is earlier than the one before")
        last_date = visit.visit_date
        if visit.points_value != visit.points_redeemed * program.point_value:
            faults.append(f"visit {visit.visit_number}: points paid with are worth {visit.points_value}")
        expected = _points(program, tiers[place], final - visit.points_value)
        if visit.points_earned != expected:
            faults.append(
                f"visit {visit.visit_number}: earned {visit.points_earned}, the rule says {expected}"
            )
        if visit.points_redeemed:
            rows.append((visit.pk, "redeemed_discount", -visit.points_redeemed, visit.points_value))
        if visit.points_earned:
            rows.append((visit.pk, "earned_purchase", visit.points_earned, final))
        lifetime += expected
        spent += final
        reached = [index for index, tier in enumerate(tiers) if tier.threshold <= lifetime]
        if reached and reached[-1] > place:
            steps.append((tiers[place].level, tiers[reached[-1]].level, visit.pk))
            place = reached[-1]
        total = sum(line["total_price"] for line in visit.items)
        if visit.items and total != visit.total_amount:
            faults.append(
                f"visit {visit.visit_number}: its items cost {total}, the bill says {visit.total_amount}"
            )
        if visit.item_count != sum(line["quantity"] for line in visit.items):
            faults.append(f"visit {visit.visit_number}: item_count {visit.item_count}")
    moved = [entry for entry in entries if entry.type != "expired"]
    if [(entry.visit_id, entry.type, entry.points, entry.related_amount) for entry in moved] != rows:
        faults.append("the ledger is not what the visits say")
    if [(change.from_tier, change.to_tier, change.visit_id) for change in changes] != steps:
        faults.append("the tier history is not what the visits say")
    if summary.tier != tiers[place].level:
        faults.append(f"tier {summary.tier}, thresholds say {tiers[place].level}")
    return faults


def _points(program: LoyaltyProgram, tier: Tier, paid: Decimal) -> int:
    if paid <= 0 or paid < program.minimum_amount:
        return 0
    base = Fraction(paid) // Fraction(program.amount_per_point)
    points = int(base * Fraction(tier.multiplier) // 1)
    return points if program.max_points_per_visit is None else min(points, program.max_points_per_visit)
