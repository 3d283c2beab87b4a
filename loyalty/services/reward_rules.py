"""What a reward must be like before it is saved."""

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.models import MenuItem
from loyalty.models import Reward, Tier
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.text import search_key

MAX_POINTS = 10_000_000
MAX_VALUE = Decimal("99999999999")
MAX_DAYS = 3650


def check_reward(reward: Reward) -> None:
    """Tidy ``reward`` and raise ValidationError naming every bad field.

    A free item takes the menu's spelling and price; what its kind does not use is emptied.
    """
    reward.name = reward.name.strip()
    _settle_item(reward)
    if reward.kind != Reward.Kind.PERCENT:
        reward.max_discount = None
    problems: dict[str, list[str]] = {}
    try:
        reward.full_clean(validate_constraints=False)
    except ValidationError as error:
        problems = dict(error.message_dict)
    for name, text in (*_benefit_problems(reward), *_price_problems(reward), *_limit_problems(reward)):
        problems.setdefault(name, []).append(text)
    if problems:
        raise ValidationError(problems)


def menu_spelling(name: str) -> MenuItem | None:
    """Return the item of the menu that a typed name means, however it is spelled."""
    wanted = search_key(name)
    items = MenuItem.objects.filter(is_active=True) if wanted else MenuItem.objects.none()
    return next((item for item in items if search_key(item.name) == wanted), None)


def unknown_outlets(outlets: Iterable[UUID]) -> bool:
    """Say whether one of the ids is not an outlet of the café."""
    wanted = set(outlets)
    return bool(wanted) and Outlet.objects.filter(pk__in=wanted).count() != len(wanted)


def _settle_item(reward: Reward) -> None:
    if reward.kind != Reward.Kind.ITEM:
        reward.item_name = ""
        return
    reward.item_name = (reward.item_name or "").strip()
    if item := menu_spelling(reward.item_name):
        reward.item_name, reward.value = item.name, item.price
    elif reward.value is None:
        reward.value = Decimal(0)


def _benefit_problems(reward: Reward) -> list[tuple[str, str]]:
    found = []
    value = reward.value if isinstance(reward.value, (Decimal, int)) else None
    if value is not None:
        if reward.kind == Reward.Kind.AMOUNT and not 0 < value <= MAX_VALUE:
            found.append(("value", _("The discount must be more than 0.")))
        if reward.kind == Reward.Kind.PERCENT and not 0 < value <= 100:
            found.append(("value", _("A percentage is more than 0 and at most 100.")))
        if reward.kind == Reward.Kind.ITEM and not 0 <= value <= MAX_VALUE:
            found.append(("value", _("The value cannot be negative.")))
    if reward.kind == Reward.Kind.ITEM and not reward.item_name:
        found.append(("item_name", _("Name the item that is free.")))
    if reward.max_discount is not None and not 0 < reward.max_discount <= MAX_VALUE:
        found.append(("max_discount", _("The discount must be more than 0.")))
    return found


def _price_problems(reward: Reward) -> list[tuple[str, str]]:
    found = []
    if isinstance(reward.points_cost, int) and not 1 <= reward.points_cost <= MAX_POINTS:
        limits = {"most": f"{MAX_POINTS:,}"}
        found.append(("points_cost", _("Give a whole number from 1 to %(most)s.") % limits))
    prices = reward.points_by_tier
    if not isinstance(prices, dict) or not all(
        level in Tier.Level.values and type(points) is int and 1 <= points <= MAX_POINTS
        for level, points in prices.items()
    ):
        levels = ", ".join(Tier.Level.values)
        text = _("Give whole numbers from 1 for any of these tiers: %(levels)s.") % {"levels": levels}
        found.append(("points_by_tier", text))
    return found


def _limit_problems(reward: Reward) -> list[tuple[str, str]]:
    found = []
    first, last = reward.valid_from, reward.valid_until
    if first is not None and last is not None and last < first:
        found.append(("valid_until", _("The last day is before the first.")))
    if isinstance(reward.voucher_days, int) and not 1 <= reward.voucher_days <= MAX_DAYS:
        found.append(("voucher_days", _("Give a number of days from 1 to %(most)s.") % {"most": MAX_DAYS}))
    if reward.per_guest_limit == 0:
        found.append(("per_guest_limit", _("Give a whole number from 1, or leave it empty.")))
    if not set(reward.weekdays) <= set(range(7)):
        found.append(("weekdays", _("Weekdays are numbers from 0 (Monday) to 6 (Sunday).")))
    if unknown_outlets(reward.outlets):
        found.append(("outlets", _("There is no such outlet.")))
    return found
