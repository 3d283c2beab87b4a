"""Which rewards a guest can have now, at which price, and why not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from customers.models import Customer, MenuItem
from loyalty.models import LoyaltyAccount, Reward, Voucher
from loyalty.reward_errors import RewardNotFound
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import get_account
from loyalty.services.ledger import usable_points
from servaan_crm.l10n.jalali import local_date


@dataclass(frozen=True, slots=True)
class RewardOffer:
    """A reward as one guest meets it.

    ``price`` in points for the guest's tier; ``value`` in the base unit (percent for kind "percent"), at today's
    menu price when it is an item of the menu. ``reason`` is empty when the guest can have it now, else one word
    (see ``reward_errors``). ``missing`` points; ``needs_code``: the guest confirms it with a code by SMS.
    """

    reward: Reward
    price: int
    value: Decimal
    reason: str
    missing: int
    needs_code: bool

    @property
    def is_affordable(self) -> bool:
        """Whether the guest can have it now."""
        return not self.reason


def get_reward(reward_id: UUID) -> Reward:
    """Return one reward, at today's menu price. Raises RewardNotFound."""
    reward = list_rewards().filter(pk=reward_id).first()
    if reward is None:
        raise RewardNotFound(details={"reward_id": str(reward_id)})
    at_menu_prices([reward])
    return reward


def list_rewards(*, active_only: bool = False) -> QuerySet[Reward]:
    """Return the catalogue in its order; the bytes of the pictures are not read."""
    rewards = Reward.objects.select_related("picture").defer("picture__data")
    return rewards.filter(is_active=True) if active_only else rewards


def menu_prices(names: Iterable[str]) -> dict[str, Decimal]:
    """Return today's price (base unit) of those of ``names`` that are on the menu; one query, none without names."""
    wanted = {name for name in names if name}
    if not wanted:
        return {}
    items = MenuItem.objects.filter(name__in=wanted, is_active=True)
    return dict(items.values_list("name", "price"))


def at_menu_prices(benefits: Iterable[Reward | Voucher]) -> None:
    """Set ``value`` of free items that are on the menu to their price today, without saving."""
    rows = [row for row in benefits if row.kind == "item"]
    prices = menu_prices(row.item_name for row in rows)
    for row in rows:
        row.value = prices.get(row.item_name, row.value)


def price_of(reward: Reward, tier: str) -> int:
    """Return the price in points for a guest of ``tier``."""
    return int(reward.points_by_tier.get(tier, reward.points_cost))


def why_not(
    reward: Reward, *, book: RuleBook, tier: str, balance: int, taken: int, today: date, blocked: bool = False
) -> str:
    """Return in one word why a guest cannot have ``reward`` now; empty when nothing is in the way.

    Args:
        balance: points that can be used.
        taken: how often the guest has had it, cancelled vouchers left out.
    """
    checks = (
        ("blocked", blocked),
        ("program_off", not book.is_active),
        ("off", not reward.is_active),
        ("not_yet", reward.valid_from is not None and today < reward.valid_from),
        ("over", reward.valid_until is not None and today > reward.valid_until),
        ("sold_out", reward.stock == 0),
        ("tier", bool(reward.min_tier) and _rank(book, tier) < _rank(book, reward.min_tier)),
        ("limit", reward.per_guest_limit is not None and taken >= reward.per_guest_limit),
        ("points", balance < price_of(reward, tier)),
    )
    return next((reason for reason, is_so in checks if is_so), "")


def offers_for(
    customer: Customer,
    *,
    book: RuleBook | None = None,
    account: LoyaltyAccount | None = None,
    rewards: Sequence[Reward] | None = None,
) -> list[RewardOffer]:
    """Return the active rewards as this guest meets them, in the order of the catalogue; at most five queries.

    Args:
        book, account: what the caller has at hand already.
        rewards: the rewards in question; all active ones when left out.
    """
    book, account = book or get_rule_book(), account or get_account(customer)
    offered = list(list_rewards(active_only=True)) if rewards is None else list(rewards)
    if not offered:
        return []
    at_menu_prices(offered)
    limited = [reward.pk for reward in offered if reward.per_guest_limit is not None]
    taken = times_taken(customer, limited)
    balance, today = usable_points(account), local_date(timezone.now())
    return [
        _offer(reward, customer, book, account.tier, balance, taken.get(reward.pk, 0), today)
        for reward in offered
    ]


def times_taken(customer: Customer, reward_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how often the guest bought each of the rewards; what was cancelled does not count."""
    if not reward_ids:
        return {}
    bought = Voucher.objects.filter(
        customer_id=customer.pk, reward_id__in=reward_ids, source=Voucher.Source.POINTS
    ).exclude(status=Voucher.Status.CANCELLED)
    return dict(bought.order_by().values_list("reward_id").annotate(count=Count("pk")))


def _offer(
    reward: Reward, customer: Customer, book: RuleBook, tier: str, balance: int, taken: int, today: date
) -> RewardOffer:
    price = price_of(reward, tier)
    reason = why_not(
        reward, book=book, tier=tier, balance=balance, taken=taken, today=today, blocked=customer.is_blocked
    )
    above = book.confirm_above is not None and price * book.point_value > book.confirm_above
    return RewardOffer(reward, price, reward.value, reason, max(0, price - balance), above)


def _rank(book: RuleBook, level: str) -> int:
    return book.tiers.index(book.tier(level))
