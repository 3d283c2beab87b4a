"""Café «سروان»: the five guests of the tenant specification, with the figures printed there.

The specification prints visits, tiers, segments and the points of the whole club; the bills are chosen so
that the earning rule gives exactly those points. Visits are dated before the guests were entered, as history
brought along from a paper card is.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from checkout.simulation.baskets import Basket, build_baskets, make_basket
from checkout.simulation.menus import MENU_FA
from loyalty.rules import RuleBook, compute_earning
from servaan_crm.l10n.locale import CafeLocale

TRIES = 500
_POINTS_ISSUED, _POINTS_REDEEMED = 15_550, 3_000


@dataclass(frozen=True, slots=True)
class FixedBill:
    """A printed bill: what was ordered (by name) and the discount in rials."""

    order: dict[str, int]
    discount: int = 0


@dataclass(frozen=True, slots=True)
class SeedGuest:
    """One guest. ``points`` is what all visits earn together; visits are counted from 1."""

    name: str
    phone: str
    visits: int
    points: int
    hours: tuple[int, int]
    last_days: tuple[int, ...]
    rhythm: int
    fields: dict[str, Any] = field(default_factory=dict)
    redemptions: dict[int, int] = field(default_factory=dict)
    fixed: dict[int, FixedBill] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bill:
    """One visit to be written. ``discount`` in rials, ``redeem`` in points."""

    at: datetime
    basket: Basket
    discount: int = 0
    redeem: int = 0


GUESTS = (
    SeedGuest(
        "احمد محمدی", "+989123456789", 25, 2_600, (8, 11), (26, 20, 13, 8, 2), 9,
        fields={
            "email": "ahmad@email.com",
            "birthday": date(1985, 3, 15),
            "notes": "مشتری منظم - ترجیح قهوه ترک",
            "preferences": {"favorite_drink": "turkish_coffee", "allergies": [], "preferred_time": "morning"},
        },
        redemptions={14: 200, 22: 200},
        fixed={25: FixedBill({"لاته": 1, "کیک شکلاتی": 1})},
    ),
    SeedGuest(
        "فاطمه احمدی", "+989987654321", 65, 8_530, (14, 18), (27, 21, 17, 12, 7, 3), 5,
        fields={
            "email": "fateme@email.com",
            "birthday": date(1990, 7, 22),
            "notes": "ترجیح نوشیدنی سرد",
            "preferences": {"favorite_drink": "iced_coffee", "allergies": ["nuts"], "preferred_time": "afternoon"},
        },
        redemptions={20: 500, 35: 500, 50: 500, 62: 500},
        fixed={65: FixedBill({"آیس لاته": 2, "چیزکیک": 2}, discount=52_000)},
    ),
    SeedGuest(
        "علی رضایی", "+989111222333", 2, 270, (17, 20), (9, 2), 0,
        fixed={1: FixedBill({"کاپوچینو": 1})},
    ),
    SeedGuest("مریم کریمی", "+989444555666", 12, 850, (16, 20), (21,), 23),
    SeedGuest(
        "حسن موسوی", "+989333444555", 35, 3_300, (18, 22), (28, 24, 19, 14, 9, 5, 1), 7, redemptions={18: 300, 30: 300}
    ),
)  # fmt: skip
assert sum(guest.points for guest in GUESTS) == _POINTS_ISSUED
assert sum(sum(guest.redemptions.values()) for guest in GUESTS) == _POINTS_REDEEMED


class NoSolution(RuntimeError):
    """The café's program differs so much from the default that the printed points cannot be earned."""


def solve(
    guest: SeedGuest, book: RuleBook, item_ids: dict[str, str], today: date, locale: CafeLocale
) -> list[Bill]:
    """Return the guest's bills, oldest first; by the rules of ``book`` they earn ``guest.points``.

    Deterministic: tries one random sequence of bills after the other; in each, the last bill that is not
    printed gets the discount that makes the sum come out. Raises NoSolution.
    """
    moments = _moments(guest, today, locale)
    choices = build_baskets(MENU_FA, item_ids, random.Random(guest.phone))
    for attempt in range(TRIES):
        rng = random.Random(f"{guest.phone}/{attempt}")
        found = _try(guest, book, item_ids, choices, rng)
        if found:
            return [
                Bill(at, basket, discount, redeem)
                for at, (basket, discount, redeem) in zip(moments, found, strict=True)
            ]
    raise NoSolution(f"{guest.points} points of {guest.name} cannot be reached with this program")


def _moments(guest: SeedGuest, today: date, locale: CafeLocale) -> list[datetime]:
    """Return the times of the visits: the printed last days, before them one every ``rhythm`` days or so."""
    rng = random.Random(guest.phone)
    days = list(guest.last_days)
    while len(days) < guest.visits:
        days.insert(0, max(days[0], 30) + rng.randint(max(1, guest.rhythm - 3), guest.rhythm + 3))
    moments = []
    for ago in days:
        clock = time(rng.randrange(*guest.hours), rng.randrange(60), rng.randrange(60))
        moments.append(datetime.combine(today - timedelta(days=ago), clock, locale.tz).astimezone(UTC))
    return moments


_Choice = tuple[Basket, int, int]


def _try(
    guest: SeedGuest, book: RuleBook, item_ids: dict[str, str], choices: list[Basket], rng: random.Random
) -> list[_Choice] | None:
    """Walk through the visits once; None when the sum cannot be made to come out this time."""
    free = [number for number in range(1, guest.visits + 1) if number not in guest.fixed]
    bills: list[_Choice] = []
    earned = 0
    for number in range(1, guest.visits + 1):
        tier = book.tier_for(Decimal(earned)).level
        after = [_printed(bill, item_ids) for place, bill in guest.fixed.items() if place > number]
        wanted = guest.points - earned - sum(_points(book, tier, bill) for bill in after)
        if number in guest.fixed:
            bill = _printed(guest.fixed[number], item_ids)
        elif number == free[-1]:
            exact = _exact(book, tier, wanted, choices)
            if exact is None:
                return None
            bill = exact
        else:
            share = wanted / sum(place >= number for place in free) / float(book.tier(tier).multiplier)
            amount = share * float(book.amount_per_point) * rng.uniform(0.6, 1.4)
            bill = (_near(amount, rng.sample(choices, 60)), 0, guest.redemptions.get(number, 0))
        bills.append(bill)
        earned += _points(book, tier, bill)
    return bills if earned == guest.points else None


def _near(amount: float, choices: list[Basket]) -> Basket:
    return min(choices, key=lambda choice: abs(choice.total - amount))


def _printed(bill: FixedBill, item_ids: dict[str, str]) -> _Choice:
    dishes = {dish.name: dish for dish in MENU_FA}
    order = Counter({dishes[name]: quantity for name, quantity in bill.order.items()})
    return make_basket(order, item_ids), bill.discount, 0


def _points(book: RuleBook, tier: str, bill: _Choice) -> int:
    basket, discount, redeem = bill
    final, value = Decimal(basket.total - discount), redeem * book.point_value
    return compute_earning(book, tier=tier, final_amount=final, points_value=value).points


def _exact(book: RuleBook, tier: str, points: int, choices: list[Basket]) -> _Choice | None:
    """Return a bill with a small discount that earns exactly ``points``."""
    base = -(-points // book.tier(tier).multiplier)
    final = int(base * book.amount_per_point)
    near = [choice for choice in choices if final <= choice.total <= final * 1.15]
    if points <= 0 or not near:
        return None
    basket = min(near, key=lambda choice: choice.total)
    bill = (basket, basket.total - final, 0)
    return bill if _points(book, tier, bill) == points else None
