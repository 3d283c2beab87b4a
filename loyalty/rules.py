"""The earning rules, as pure functions of a rule book. No database here."""

import math
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from servaan_crm.l10n.jalali import next_occurrence
from servaan_crm.l10n.text import search_key


@dataclass(frozen=True, slots=True)
class TierRule:
    """One tier: its level, from which threshold, and what it multiplies points with."""

    level: str
    threshold: Decimal
    multiplier: Decimal
    discount_percent: Decimal = Decimal(0)
    benefits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusTerms:
    """One bonus rule: its effect, and the conditions that must all fit. Names as in ``models.BonusRule``."""

    id: str
    name: str
    kind: str
    factor: Decimal | None = None
    points: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    weekdays: tuple[int, ...] = ()
    from_time: time | None = None
    until_time: time | None = None
    items: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    visit_types: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    minimum_amount: Decimal | None = None
    first_visit: bool = False
    every_nth_visit: int | None = None
    birthday_days: int | None = None
    campaign_code: str = ""

    @property
    def is_for_items(self) -> bool:
        """Whether it counts certain lines of the bill only."""
        return bool(self.items or self.categories)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The program in force. Amounts are in the currency's base unit; tiers ascend by threshold."""

    is_active: bool
    amount_per_point: Decimal
    point_value: Decimal
    minimum_amount: Decimal
    max_points_per_visit: int | None
    tier_basis: str
    version: int
    tiers: tuple[TierRule, ...]
    rounding: str = "down"
    max_points_per_day: int | None = None
    stacking: str = "all"
    starts_on: date | None = None
    ends_on: date | None = None
    expiry_months: int | None = None
    minimum_redemption: int = 0
    tier_period_months: int | None = None
    tier_grace_days: int = 0
    confirm_above: Decimal | None = None
    bonuses: tuple[BonusTerms, ...] = ()
    has_stamp_cards: bool = False

    def tier(self, level: str) -> TierRule:
        """Return the rule of ``level``; an unknown one counts as the lowest."""
        return next((tier for tier in self.tiers if tier.level == level), self.tiers[0])

    def tier_for(self, measure: Decimal) -> TierRule:
        """Return the highest tier whose threshold ``measure`` reaches."""
        reached = [tier for tier in self.tiers if tier.threshold <= measure]
        return reached[-1] if reached else self.tiers[0]

    def next_tier(self, level: str) -> TierRule | None:
        """Return the tier above ``level``, or None at the top."""
        above = self.tiers[self.tiers.index(self.tier(level)) + 1 :]
        return above[0] if above else None

    def earns_on(self, day: date) -> bool:
        """Say whether bills of ``day`` (in the café's zone) earn points."""
        return self.is_active and is_within(day, self.starts_on, self.ends_on)


def is_within(day: date, first: date | None, last: date | None) -> bool:
    """Say whether ``day`` lies in the range, both ends included; an open end is None."""
    return (first is None or first <= day) and (last is None or day <= last)


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill, for rules about items: keys are ``search_key`` of name and category."""

    item_key: str
    category_key: str
    quantity: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFacts:
    """What bonus rules and daily caps look at.

    ``at`` is in the café's zone; ``total_amount`` is the bill before any discount, base unit; ``earned_today`` is
    without this bill.
    """

    at: datetime
    total_amount: Decimal = Decimal(0)
    visit_number: int = 0
    lines: tuple[BillLine, ...] = ()
    birthday: date | None = None
    code: str = ""
    visit_type: str = ""
    outlet_id: str = ""
    earned_today: int = 0


@dataclass(frozen=True, slots=True)
class EarningPart:
    """Points of one kind: ``type`` as in the ledger; ``name`` of the bonus rule, empty for the purchase."""

    type: str
    points: int
    name: str = ""
    explanation: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Earning:
    """What one bill earns, with the steps of the computation for "why"."""

    points: int
    base: int = 0
    explanation: dict[str, Any] = field(default_factory=dict)
    bonuses: tuple[EarningPart, ...] = ()

    @property
    def parts(self) -> tuple[EarningPart, ...]:
        """The purchase first, then each bonus."""
        bought = self.points - sum(part.points for part in self.bonuses)
        return (EarningPart("earned_purchase", bought, "", self.explanation), *self.bonuses)


def compute_earning(
    book: RuleBook, *, tier: str, final_amount: Decimal, points_value: Decimal, facts: BillFacts | None = None
) -> Earning:
    """Return the points of a bill.

    ``round(round((final_amount - points_value) / amount_per_point) × multiplier)``, nothing below the minimum
    amount; then the bonuses that fit, by the program's stacking; never above the cap per visit and per day.
    What was paid with points earns nothing. The caps cut the last bonus first.

    Args:
        tier: the guest's tier before this visit.
        final_amount: the bill after the discount, base unit.
        points_value: the part of it that is paid with points, base unit.
        facts: what bonus rules and the cap per day look at; without them only the purchase earns.
    """
    paid = final_amount - points_value
    open_now = book.earns_on(facts.at.date()) if facts else book.is_active
    if not open_now or paid <= 0 or paid < book.minimum_amount:
        reason = "closed" if not open_now else "nothing_paid" if paid <= 0 else "minimum"
        return Earning(0, explanation={
            "paid": str(paid), "minimum_amount": str(book.minimum_amount), "reason": reason,
        })  # fmt: skip
    base = rounded(book, Fraction(paid) / Fraction(book.amount_per_point))
    multiplier = book.tier(tier).multiplier
    purchase = rounded(book, Fraction(base * multiplier))
    explanation: dict[str, Any] = {
        "paid": str(paid),
        "amount_per_point": str(book.amount_per_point),
        "base": base,
        "tier": tier,
        "multiplier": str(multiplier),
        "rounding": book.rounding,
    }
    bonuses = _stacked(book, [
        part for terms in book.bonuses
        if facts and (part := _bonus(book, terms, facts, tier=tier, paid=paid, final_amount=final_amount))
    ]) if facts else ()  # fmt: skip
    return _capped(book, Earning(purchase, base, explanation), bonuses, facts)


def rounded(book: RuleBook, points: Fraction) -> int:
    """Return whole points, rounded as the program says; a half goes up when rounding to the nearest.

    Fractions, because a quotient cut to 28 digits falls just short of the whole number it stands for.
    """
    if book.rounding == "down":
        return math.floor(points)
    return math.ceil(points) if book.rounding == "up" else math.floor(points + Fraction(1, 2))


def _bonus(
    book: RuleBook, terms: BonusTerms, facts: BillFacts, *, tier: str, paid: Decimal, final_amount: Decimal
) -> EarningPart | None:
    if not fits(terms, facts, tier=tier, paid=paid):
        return None
    kind = "earned_birthday" if terms.birthday_days is not None else "earned_bonus"
    why: dict[str, Any] = {"bonus": terms.name, "rule_id": terms.id, "kind": terms.kind}
    if terms.kind == "points":
        return EarningPart(kind, terms.points or 0, terms.name, {**why, "points": terms.points})
    counted = Fraction(paid)
    if terms.is_for_items:
        # Of what the matching lines cost, the share that was paid with money: discounts and points spread evenly.
        listed = sum((line.amount for line in facts.lines if _line_fits(terms, line)), Decimal(0))
        counted = min(counted, Fraction(listed) * counted / Fraction(max(facts.total_amount, final_amount)))
    factor = terms.factor or Decimal(1)
    points = rounded(book, counted / Fraction(book.amount_per_point) * Fraction(factor - 1))
    cents = math.floor(counted * 100 + Fraction(1, 2))
    why |= {
        "factor": str(factor), "counted": str(Decimal(cents).scaleb(-2)), "for_items": terms.is_for_items,
    }  # fmt: skip
    return EarningPart(kind, points, terms.name, why) if points else None


def fits(terms: BonusTerms, facts: BillFacts, *, tier: str, paid: Decimal) -> bool:
    """Say whether every condition of a bonus rule fits the bill."""
    return unmet(terms, facts, tier=tier, paid=paid) is None


def unmet(terms: BonusTerms, facts: BillFacts, *, tier: str, paid: Decimal) -> str | None:
    """Return the name of the first condition of a bonus rule that the bill does not meet; None when it fits."""
    number, day = facts.visit_number, _day_of_window(terms, facts.at)
    conditions = (
        ("dates", is_within(day, terms.starts_on, terms.ends_on)),
        ("weekdays", not terms.weekdays or day.weekday() in terms.weekdays),
        ("hours", _hour_fits(terms, facts.at.time())),
        ("items", not terms.is_for_items or any(_line_fits(terms, line) for line in facts.lines)),
        ("visit_types", not terms.visit_types or facts.visit_type in terms.visit_types),
        ("outlets", not terms.outlets or facts.outlet_id in terms.outlets),
        ("tiers", not terms.tiers or tier in terms.tiers),
        ("minimum_amount", terms.minimum_amount is None or paid >= terms.minimum_amount),
        ("first_visit", not terms.first_visit or number == 1),
        ("every_nth_visit", not (nth := terms.every_nth_visit) or (number > 0 and number % nth == 0)),
        ("birthday_days", _birthday_fits(terms, facts)),
        ("campaign_code", not (code := terms.campaign_code) or facts.code.upper() == code.upper()),
    )
    return next((name for name, is_met in conditions if not is_met), None)


def _day_of_window(terms: BonusTerms, at: datetime) -> date:
    """Return the day on which the hours of the rule began: Tuesday 22-02 lasts into Wednesday morning."""
    first, last = terms.from_time, terms.until_time
    after_midnight = first is not None and last is not None and last <= first and at.time() < last
    return at.date() - timedelta(days=1) if after_midnight else at.date()


def _hour_fits(terms: BonusTerms, now: time) -> bool:
    first, last = terms.from_time or time.min, terms.until_time
    if last is None:
        return now >= first
    return first <= now < last if first < last else now >= first or now < last


def _line_fits(terms: BonusTerms, line: BillLine) -> bool:
    return any(search_key(name) == line.item_key for name in terms.items) or any(
        search_key(name) == line.category_key for name in terms.categories
    )


def _birthday_fits(terms: BonusTerms, facts: BillFacts) -> bool:
    if terms.birthday_days is None:
        return True
    if facts.birthday is None:
        return False
    window = timedelta(days=terms.birthday_days)
    day = facts.at.date()
    return next_occurrence(facts.birthday, day - window) <= day + window


def _stacked(book: RuleBook, parts: list[EarningPart]) -> tuple[EarningPart, ...]:
    if not parts or book.stacking == "all":
        return tuple(parts)
    return (parts[0] if book.stacking == "first" else max(parts, key=lambda part: part.points),)


def _capped(
    book: RuleBook, bought: Earning, bonuses: tuple[EarningPart, ...], facts: BillFacts | None
) -> Earning:
    limits = []
    if book.max_points_per_visit is not None:
        limits.append((book.max_points_per_visit, {"capped_at": book.max_points_per_visit}))
    if book.max_points_per_day is not None and facts:
        left = max(0, book.max_points_per_day - facts.earned_today)
        limits.append((left, {"capped_at_day": book.max_points_per_day}))
    wanted = bought.points + sum(part.points for part in bonuses)
    limit, note = min(limits, key=lambda pair: pair[0], default=(wanted, {}))
    if wanted <= limit:
        return replace(bought, points=wanted, bonuses=bonuses)
    kept, left = [], max(0, limit - bought.points)
    for part in bonuses:
        if count := min(part.points, left):
            why = part.explanation | (note if count < part.points else {})
            kept.append(replace(part, points=count, explanation=why))
            left -= count
    return replace(bought, points=limit, explanation=bought.explanation | note, bonuses=tuple(kept))


def as_json(book: RuleBook) -> dict[str, Any]:
    """Return the rule book as plain JSON values, for the archive of versions."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        if isinstance(value, (TierRule, BonusTerms)):
            return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
        return value if value is None or isinstance(value, (bool, int, str)) else str(value)

    return {part.name: plain(getattr(book, part.name)) for part in fields(book)}
