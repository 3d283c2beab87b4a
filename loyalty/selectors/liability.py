"""What the café owes its guests: points that can still be used, what they are worth, and when they run out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from customers.models import Customer, MenuItem
from loyalty.models import LedgerEntry, Reward
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from servaan_crm.l10n.jalali import add_months, month_bounds
from servaan_crm.l10n.text import search_key

# The expected breakage is the café's own; with less to learn from, there is none.
ENOUGH_MONTHS, ENOUGH_POINTS = 3, 1000

# Open lots by tier and last valid day; what an account holds beside dated lots never runs out.
_OPEN = """
WITH lots AS (
    SELECT a.tier, lot.day, lot.points
      FROM loyalty_loyaltyaccount a
      JOIN customers_customer c ON c.id = a.customer_id AND c.deleted_at IS NULL
     CROSS JOIN LATERAL unnest(
           CASE WHEN cardinality(a.lot_points) = 0 THEN ARRAY[NULL::date] ELSE a.lot_expiries END,
           CASE WHEN cardinality(a.lot_points) = 0 THEN ARRAY[a.balance] ELSE a.lot_points END) AS lot(day, points)
     WHERE a.balance > 0
)
SELECT tier, day, sum(points) FROM lots WHERE day IS NULL OR day >= %(today)s GROUP BY tier, day
"""
# Of the points whose last valid day lay in the span: how many there were, and how many nobody used.
_ENDED = """
SELECT lot.day,
       coalesce(sum(lot.points) FILTER (WHERE l.type = ANY(%(earning)s)), 0),
       coalesce(-sum(lot.points) FILTER (WHERE l.type = 'expired'), 0)
  FROM loyalty_ledgerentry l CROSS JOIN LATERAL unnest(l.lot_expiries, l.lot_points) AS lot(day, points)
 WHERE cardinality(l.lot_points) > 0 AND lot.day >= %(first)s AND lot.day < %(today)s
   AND l.type = ANY(%(earning)s || ARRAY['expired'])
 GROUP BY lot.day
"""


@dataclass(frozen=True, slots=True)
class RewardPrice:
    """A free item as a measure of what points are worth: its price on the menu today, base unit."""

    name: str
    price: Decimal
    points: int

    @property
    def per_point(self) -> Decimal:
        return self.price / self.points


@dataclass(frozen=True, slots=True)
class Breakage:
    """How much of the points that ended in the last twelve months nobody used; the café's own history."""

    ended: int
    unused: int
    months: int

    @property
    def is_enough(self) -> bool:
        """Whether it is enough to expect anything from."""
        return self.months >= ENOUGH_MONTHS and self.ended >= ENOUGH_POINTS

    @property
    def share(self) -> Decimal | None:
        """The unused share between 0 and 1, or None while there is not enough to learn from."""
        return min(Decimal(1), Decimal(self.unused) / self.ended) if self.is_enough else None

    @property
    def share_percent(self) -> Decimal | None:
        """The share in percent."""
        return None if self.share is None else self.share * 100


@dataclass(frozen=True, slots=True)
class Liability:
    """Points that can be used today. ``by_month``: first day of the month in which they run out → points."""

    outstanding: int
    never: int
    by_month: dict[date, int]
    by_tier: dict[str, int]
    point_value: Decimal
    cheapest: RewardPrice | None
    breakage: Breakage

    @property
    def value(self) -> Decimal:
        """What they are worth as a discount now, base unit."""
        return self.outstanding * self.point_value

    @property
    def never_value(self) -> Decimal:
        """What of it never runs out."""
        return self.never * self.point_value

    @property
    def value_in_rewards(self) -> Decimal | None:
        """What they cost at today's menu prices, if everybody took the reward that costs the café least."""
        return _money(self.outstanding * self.cheapest.per_point) if self.cheapest else None

    @property
    def expected_breakage(self) -> int | None:
        """How many of the points that run out are expected to stay unused."""
        share = self.breakage.share
        return None if share is None else int((self.outstanding - self.never) * share)


def get_liability(today: date, book: RuleBook | None = None) -> Liability:
    """Return the points outstanding on the café's day ``today``; five queries, whatever the number of guests."""
    book = book or get_rule_book()
    by_month: dict[date, int] = defaultdict(int)
    by_tier: dict[str, int] = {tier.level: 0 for tier in book.tiers}
    never = 0
    for tier, day, points in _rows(_OPEN, {"today": today}):
        by_tier[tier] = by_tier.get(tier, 0) + int(points)
        if day is None:
            never += int(points)
        else:
            by_month[month_bounds(day)[0]] += int(points)
    return Liability(
        outstanding=never + sum(by_month.values()),
        never=never,
        by_month=dict(sorted(by_month.items())),
        by_tier=by_tier,
        point_value=book.point_value,
        cheapest=min(reward_prices(today), key=lambda reward: reward.per_point, default=None),
        breakage=get_breakage(today),
    )


def reward_prices(today: date) -> list[RewardPrice]:
    """Return the free items guests can get on ``today``, at the price of the menu; what is not on it: as entered."""
    menu = {search_key(name): price for name, price in MenuItem.objects.values_list("name", "price")}
    rewards = Reward.objects.filter(
        Q(valid_from=None) | Q(valid_from__lte=today),
        Q(valid_until=None) | Q(valid_until__gte=today),
        Q(stock=None) | Q(stock__gt=0),
        is_active=True,
        kind=Reward.Kind.ITEM,
    )
    found = [
        RewardPrice(reward.name, menu.get(search_key(reward.item_name), reward.value), reward.points_cost)
        for reward in rewards
    ]
    return [reward for reward in found if reward.price > 0]


def get_breakage(today: date) -> Breakage:
    """Return what became of the points whose last valid day lay within the twelve months before ``today``."""
    earning = [str(kind) for kind in LedgerEntry.EARNING_TYPES]
    params = {"today": today, "first": add_months(today, -12), "earning": earning}
    rows = [(day, int(ended), int(unused)) for day, ended, unused in _rows(_ENDED, params)]
    return Breakage(
        ended=sum(ended for _, ended, _ in rows),
        unused=sum(unused for _, _, unused in rows),
        months=len({month_bounds(day)[0] for day, ended, _ in rows if ended}),
    )


# Guests with the points that one figure of the report counts.
_HOLDERS = """
SELECT a.customer_id, sum(lot.points) AS points, min(lot.day) AS first_day
  FROM loyalty_loyaltyaccount a
  JOIN customers_customer c ON c.id = a.customer_id AND c.deleted_at IS NULL
 CROSS JOIN LATERAL unnest(
       CASE WHEN cardinality(a.lot_points) = 0 THEN ARRAY[NULL::date] ELSE a.lot_expiries END,
       CASE WHEN cardinality(a.lot_points) = 0 THEN ARRAY[a.balance] ELSE a.lot_points END) AS lot(day, points)
 WHERE a.balance > 0 AND (%(tier)s = '' OR a.tier = %(tier)s)
   AND CASE WHEN %(never)s THEN lot.day IS NULL
            WHEN %(first)s::date IS NOT NULL THEN lot.day BETWEEN greatest(%(first)s::date, %(today)s) AND %(last)s
            ELSE lot.day IS NULL OR lot.day >= %(today)s END
 GROUP BY a.customer_id
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """A guest with points; ``first_day`` is the last valid day of those that run out first."""

    customer: Customer
    points: int
    first_day: date | None


class Holders:
    """The guests behind one figure, those with most points first; read page by page, as a paginator does."""

    def __init__(
        self, today: date, *, tier: str = "", never: bool = False, span: tuple[date, date] | None = None
    ) -> None:
        """Choose the guests: of one tier; ``never``: only points that never run out; ``span``: only points whose
        last valid day lies within these days, both included."""
        first, last = span or (None, None)
        self._params = {"today": today, "tier": tier, "never": never, "first": first, "last": last}

    def count(self) -> int:
        """Return how many guests there are; one query."""
        return int(_rows(f"SELECT count(*) FROM ({_HOLDERS}) AS h", self._params)[0][0])

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, place: slice) -> list[Holder]:
        query = f"SELECT * FROM ({_HOLDERS}) AS h ORDER BY points DESC, customer_id LIMIT %(limit)s OFFSET %(offset)s"
        offset = place.start or 0
        rows = _rows(query, {**self._params, "limit": place.stop - offset, "offset": offset})
        guests = Customer.objects.select_related("summary").in_bulk([row[0] for row in rows])
        return [Holder(guests[row[0]], int(row[1]), row[2]) for row in rows]


def _rows(query: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
