"""What a visit would earn, and why: the simulator of the program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from customers.models import Customer, MenuItem
from loyalty.models import LedgerEntry
from loyalty.rules import BillFacts, BillLine, Earning, RuleBook, compute_earning, unmet
from loyalty.selectors.status import get_loyalty_status
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.text import search_key

# What a visit itself earns; a referral or a gift that names the visit is not part of it.
VISIT_TYPES = (
    LedgerEntry.Type.EARNED_PURCHASE,
    LedgerEntry.Type.EARNED_BONUS,
    LedgerEntry.Type.EARNED_BIRTHDAY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A visit that was not made. Amounts in the base unit; ``at`` is aware; ``total_amount`` before the discount."""

    total_amount: Decimal
    at: datetime
    discount: Decimal = Decimal(0)
    points_to_redeem: int = 0
    tier: str = "bronze"
    lines: tuple[BillLine, ...] = ()
    visit_number: int = 2
    visit_type: str = ""
    outlet_id: str = ""
    code: str = ""
    birthday: date | None = None
    earned_today: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A bonus rule that gave nothing: ``reason`` is a condition of ``rules.unmet``, "stacking", "cap" or "rounding"."""

    rule_id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a situation earns, which bonuses it misses and why; ``worth`` of the points in the base unit."""

    earning: Earning
    left_out: tuple[LeftOut, ...]
    situation: Situation
    paid: Decimal
    worth: Decimal


def simulate(book: RuleBook, situation: Situation) -> Simulation:
    """Return what the visit would earn by ``book``, the same way the checkout works it out. No query."""
    final = max(Decimal(0), situation.total_amount - situation.discount)
    value = min(final, situation.points_to_redeem * book.point_value)
    facts = BillFacts(
        at=situation.at.astimezone(get_locale().tz),
        total_amount=situation.total_amount,
        visit_number=situation.visit_number,
        lines=situation.lines,
        birthday=situation.birthday,
        code=situation.code,
        visit_type=situation.visit_type,
        outlet_id=situation.outlet_id,
        earned_today=situation.earned_today,
    )

    def earn(rules: RuleBook) -> Earning:
        return compute_earning(
            rules, tier=situation.tier, final_amount=final, points_value=value, facts=facts
        )

    earning = earn(book)
    free = replace(book, max_points_per_visit=None, max_points_per_day=None)
    # From the strictest rules to the laxest: where a bonus appears first tells what kept it out before.
    stages = [
        ("cap", _given(earning)),
        ("stacking", _given(earn(free))),
        ("rounding", _given(earn(replace(free, stacking="all")))),
    ]
    left_out = []
    if "base" in earning.explanation:
        for terms in book.bonuses:
            reason = unmet(terms, facts, tier=situation.tier, paid=final - value) or _kept_out(
                terms.id, stages
            )
            if reason:
                left_out.append(LeftOut(terms.id, terms.name, reason))
    return Simulation(earning, tuple(left_out), situation, final - value, earning.points * book.point_value)


def _given(earning: Earning) -> set[str]:
    return {part.explanation["rule_id"] for part in earning.bonuses}


def _kept_out(rule_id: str, stages: list[tuple[str, set[str]]]) -> str:
    """Return what kept a bonus that fits out of the earning; "" when it is in."""
    reason = ""
    for name, given in stages:
        if rule_id in given:
            return reason
        reason = name
    return reason


def with_guest(situation: Situation, customer: Customer, book: RuleBook) -> Situation:
    """Return the situation with what is known of a real guest: tier, next visit number, birthday, points of today.

    ``customer`` is loaded with its summary.
    """
    capped = book.max_points_per_day is not None
    return replace(
        situation,
        tier=get_loyalty_status(customer, book).tier.level,
        visit_number=customer.summary.last_visit_number + 1,
        birthday=customer.birthday,
        earned_today=earned_today(customer.pk) if capped else 0,
    )


def earned_today(customer_id: UUID, except_visit: UUID | None = None) -> int:
    """Return the points a guest's visits earned so far today in the café's zone, less those taken back.

    Args:
        except_visit: a visit whose own points do not count.
    """
    start, end = local_day_bounds(local_date(timezone.now()), get_locale().tz)
    rows = LedgerEntry.objects.filter(
        customer=customer_id,
        visit__isnull=False,
        created_at__gte=start,
        created_at__lt=end,
        type__in=(*VISIT_TYPES, LedgerEntry.Type.REVERSED_EARNING),
    )
    if except_visit is not None:
        rows = rows.exclude(visit_id=except_visit)
    return max(0, rows.aggregate(points=Sum("points"))["points"] or 0)


def bill_lines(items: Iterable[dict[str, Any]]) -> tuple[BillLine, ...]:
    """Return the lines of a bill from ``{name, quantity?, category?, total_price?}``.

    What is left out is taken from the menu, by any spelling of the name; one query.
    """
    wanted = list(items)
    if not wanted:
        return ()
    rows = MenuItem.objects.values_list("name", "category", "price")
    menu = {search_key(name): (category, price) for name, category, price in rows}
    lines = []
    for item in wanted:
        key, quantity = search_key(item["name"]), item.get("quantity", 1)
        category, price = menu.get(key, ("", Decimal(0)))
        amount = item.get("total_price")
        lines.append(
            BillLine(
                item_key=key,
                category_key=search_key(item.get("category") or category),
                quantity=quantity,
                amount=price * quantity if amount is None else Decimal(amount),
            )
        )
    return tuple(lines)
