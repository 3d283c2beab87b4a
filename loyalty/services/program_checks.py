"""What a program, its tiers and its bonus rules may say. Messages name the fix; keys are the fields."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.models import Visit
from loyalty.models import BonusRule, LoyaltyProgram, Tier
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.money import format_money, format_number

LEVELS = tuple(Tier.Level.values)
MAX_THRESHOLD = Decimal(10**12)
MAX_BENEFITS, MAX_BENEFIT_LENGTH = 12, 120
MAX_LISTED = 50

# Field → smallest and largest number; None as a value is allowed where the column is nullable.
_PROGRAM_NUMBERS = {
    "max_points_per_visit": (1, 10_000_000),
    "max_points_per_day": (1, 10_000_000),
    "expiry_months": (1, 120),
    "expiry_warning_days": (0, 180),
    "minimum_redemption": (0, 10_000_000),
    "tier_period_months": (1, 120),
    "tier_grace_days": (0, 365),
    "referrer_points": (0, 1_000_000),
    "friend_points": (0, 1_000_000),
    "review_accruals_per_day": (1, 100),
}
_PROGRAM_AMOUNTS = {
    "amount_per_point": (1, 10**9),
    "point_value": (0, 10**9),
    "minimum_amount": (0, 10**11),
    "confirm_above": (1, 10**11),
    "referral_minimum": (0, 10**11),
}
_BONUS_NUMBERS = {
    "points": (1, 1_000_000),
    "every_nth_visit": (2, 1000),
    "birthday_days": (0, 60),
}

Problems = dict[str, str]


def check_program(program: LoyaltyProgram) -> None:
    """Raise ValidationError naming every field of the program that cannot be so."""
    problems = _numbers(program, _PROGRAM_NUMBERS) | _amounts(program, _PROGRAM_AMOUNTS)
    problems |= _choices(program, ("tier_basis", "rounding", "stacking"))
    for message, field, is_wrong in _program_contradictions(program):
        if field not in problems and is_wrong:
            problems[field] = message
    _refuse(problems)


def _program_contradictions(program: LoyaltyProgram) -> list[tuple[str, str, bool]]:
    visit, day = program.max_points_per_visit, program.max_points_per_day
    amount, value = program.amount_per_point, program.point_value
    return [
        (
            _("A point may not be worth more than the amount it is given for. Give %(most)s or less.")
            % {"most": format_money(_or_zero(amount))},
            "point_value",
            amount is not None and amount >= 1 and _or_zero(value) > amount,
        ),
        (
            _("The most per day is smaller than the most per visit. Give at least %(least)s.")
            % {"least": format_number(visit or 0)},
            "max_points_per_day",
            visit is not None and day is not None and day < visit,
        ),
        (
            _("The end lies before the start. Choose a later day, or leave it empty."),
            "ends_on",
            bool(program.starts_on and program.ends_on and program.ends_on < program.starts_on),
        ),
        (
            _("Say how many points a referral gives, to one side at least, or switch referrals off."),
            "referrer_points",
            program.referral_is_active and not program.referrer_points and not program.friend_points,
        ),
    ]


def check_tiers(tiers: Iterable[Tier]) -> None:
    """Raise ValidationError for tiers that do not ascend from 0; keys are ``<level>.<field>``."""
    rows = sorted(tiers, key=lambda tier: LEVELS.index(tier.level))
    problems: Problems = {}
    for number, tier in enumerate(rows):
        below = rows[number - 1] if number else None
        problems |= {f"{tier.level}.{field}": text for field, text in _tier_problems(tier, below).items()}
    _refuse(problems)


def _tier_problems(tier: Tier, below: Tier | None) -> Problems:
    found: Problems = {}
    threshold = tier.threshold
    if below is None and threshold != 0:
        found["threshold"] = _("The lowest tier begins at 0: everybody is in it.")
    elif threshold is None or not 0 <= threshold <= MAX_THRESHOLD:
        found["threshold"] = _between(0, int(MAX_THRESHOLD))
    elif below is not None and threshold <= _or_zero(below.threshold):
        found["threshold"] = _("Give more than %(least)s, where the tier below begins.") % {
            "least": format_number(_or_zero(below.threshold))
        }
    for field, least, most in (("multiplier", 1, 10), ("discount_percent", 0, 100)):
        value = getattr(tier, field)
        if value is None or not least <= value <= most:
            found[field] = _between(least, most)
    lines = tier.benefits
    if not isinstance(lines, list) or not all(isinstance(line, str) and line.strip() for line in lines):
        found["benefits"] = _("Write the benefits as lines of text.")
    elif len(lines) > MAX_BENEFITS or any(len(line) > MAX_BENEFIT_LENGTH for line in lines):
        numbers = {"lines": format_number(MAX_BENEFITS), "letters": format_number(MAX_BENEFIT_LENGTH)}
        found["benefits"] = _("At most %(lines)s lines of %(letters)s letters each.") % numbers
    return found


def check_bonus(rule: BonusRule) -> None:
    """Raise ValidationError naming every field of a bonus rule that cannot be so."""
    problems = _numbers(rule, _BONUS_NUMBERS) | _amounts(rule, {"minimum_amount": (0, 10**11)})
    problems |= _choices(rule, ("kind",)) | _effect(rule) | _lists(rule)
    if not rule.name.strip() or len(rule.name) > 80:
        problems["name"] = _("Give it a name of 1 to 80 letters: guests see it beside their points.")
    if rule.starts_on and rule.ends_on and rule.ends_on < rule.starts_on:
        problems["ends_on"] = _("The end lies before the start. Choose a later day, or leave it empty.")
    if rule.from_time is not None and rule.from_time == rule.until_time:
        problems["until_time"] = _("The hours begin and end at the same time. Leave both empty for all day.")
    if rule.first_visit and rule.every_nth_visit:
        problems["every_nth_visit"] = _("A first visit is never an Nth one. Choose one of the two.")
    if any(letter.isspace() for letter in rule.campaign_code) or len(rule.campaign_code) > 40:
        problems["campaign_code"] = _("A code is one word of at most 40 letters and digits.")
    _refuse(problems)


def _effect(rule: BonusRule) -> Problems:
    if rule.kind == BonusRule.Kind.MULTIPLIER:
        if rule.factor is None or not 1 < rule.factor <= 100:
            return {"factor": _("Give a factor above 1, at most 100: 2 doubles the points.")}
        return {"points": _("Leave it empty: this bonus multiplies.")} if rule.points is not None else {}
    if rule.points is None:
        return {"points": _between(*_BONUS_NUMBERS["points"])}
    return {"factor": _("Leave it empty: this bonus adds points.")} if rule.factor is not None else {}


def _lists(rule: BonusRule) -> Problems:
    found: Problems = {}
    allowed: dict[str, set[Any]] = {
        "weekdays": set(range(7)), "visit_types": set(Visit.VisitType.values), "tiers": set(LEVELS),
    }  # fmt: skip
    if rule.outlets:
        allowed["outlets"] = set(Outlet.objects.values_list("pk", flat=True))
    for field, known in allowed.items():
        if unknown := [str(value) for value in getattr(rule, field) if value not in known]:
            found[field] = _("Unknown: %(values)s. Choose from the list.") % {"values": ", ".join(unknown)}
    for field, longest in (("items", 100), ("categories", 60)):
        names = getattr(rule, field)
        if len(names) > MAX_LISTED or any(not name.strip() or len(name) > longest for name in names):
            numbers = {"most": format_number(MAX_LISTED), "letters": format_number(longest)}
            found[field] = _("At most %(most)s names of 1 to %(letters)s letters.") % numbers
    return found


def _numbers(row: Any, ranges: dict[str, tuple[int, int]]) -> Problems:
    return {
        field: _between(least, most)
        for field, (least, most) in ranges.items()
        if not _fits(row, field, least, most)
    }


def _amounts(row: Any, ranges: dict[str, tuple[int, int]]) -> Problems:
    return {
        field: _("Give an amount from %(least)s to %(most)s.")
        % {"least": format_money(least), "most": format_money(most)}
        for field, (least, most) in ranges.items()
        if not _fits(row, field, least, most)
    }


def _fits(row: Any, field: str, least: int, most: int) -> bool:
    value = getattr(row, field)
    return row._meta.get_field(field).null if value is None else least <= value <= most


def _choices(row: Any, names: Iterable[str]) -> Problems:
    found = {}
    for name in names:
        known = [value for value, _label in row._meta.get_field(name).choices]
        if getattr(row, name) not in known:
            found[name] = _("Choose one of %(choices)s.") % {"choices": ", ".join(known)}
    return found


def _between(least: int, most: int) -> str:
    return _("Give a number from %(least)s to %(most)s.") % {
        "least": format_number(least),
        "most": format_number(most),
    }


def _or_zero(value: Decimal | int | None) -> Decimal:
    return Decimal(value or 0)


def _refuse(problems: Problems) -> None:
    if problems:
        raise ValidationError(dict(problems))
