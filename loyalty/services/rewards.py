"""The catalogue of rewards, and buying one with points."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, ProtectedError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from customers.models import Customer, Visit
from customers.services.visits import lock_customer
from loyalty.models import LedgerEntry, LoyaltyAccount, RedemptionCode, Reward, Voucher
from loyalty.reward_errors import RewardInUse, RewardNotAvailable, RewardNotFound
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.rewards import at_menu_prices, price_of, times_taken, why_not
from loyalty.services import confirmation as codes
from loyalty.services.ledger import Movement, account_of, post, usable_points
from loyalty.services.points import save_account
from loyalty.services.reward_rules import check_reward
from loyalty.services.vouchers import issue
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.features import require_feature
from servaan_crm.l10n.jalali import local_date


def create_reward(*, actor: Actor, values: Mapping[str, Any]) -> Reward:
    """Add a reward to the catalogue. Amounts in the base unit. Raises ValidationError naming each bad field."""
    reward = Reward(**values)
    check_reward(reward)
    with write(actor):
        reward.save(force_insert=True)
    return reward


def update_reward(
    *, actor: Actor, reward_id: UUID, changes: Mapping[str, Any], seen: datetime | None = None
) -> Reward:
    """Change a reward; vouchers guests hold keep what they were issued for.

    Args:
        seen: ``updated_at`` of the reward the changes were made from; None to change whatever is there.

    Raises:
        ValidationError: names each bad field.
        EditConflict: the reward was changed after ``seen``.
        RewardNotFound.
    """
    with write(actor):
        reward = Reward.objects.select_for_update().filter(pk=reward_id).first()
        if reward is None:
            raise RewardNotFound(details={"reward_id": str(reward_id)})
        if seen is not None and reward.updated_at != seen:
            raise EditConflict(details={"reward_id": str(reward_id)})
        for name, value in changes.items():
            setattr(reward, name, value)
        check_reward(reward)
        reward.save(update_fields=[*changes, "item_name", "value", "max_discount", "updated_at"])
        return reward


def delete_reward(*, actor: Actor, reward_id: UUID) -> None:
    """Delete a reward nobody has bought. Raises RewardNotFound, RewardInUse."""
    with write(actor):
        reward = Reward.objects.select_for_update().filter(pk=reward_id).first()
        if reward is None:
            raise RewardNotFound(details={"reward_id": str(reward_id)})
        try:
            reward.delete()
        except ProtectedError:
            raise RewardInUse(details={"reward_id": str(reward_id)}) from None


@survives_deadlock
def redeem_reward(
    *, actor: Actor, customer_id: UUID, reward_id: UUID, confirmed: RedemptionCode | None = None
) -> Voucher:
    """Buy a reward with the guest's points; returns the voucher.

    Args:
        confirmed: what ``confirmation.check_code`` returned, when the price needs a code.

    Raises:
        RewardNotFound, RewardNotAvailable: ``details["reason"]`` says why, also for too few points.
        ConfirmationRequired, ConfirmationFailed, CustomerNotFound, FeatureDisabled.
    """
    require_feature("loyalty")
    with write(actor):
        customer = lock_customer(customer_id=customer_id)
        book, account = get_rule_book(), account_of(customer)
        price = price_of(_reward(reward_id), account.tier)
        codes.settle(book=book, customer=customer, points=price, confirmed=confirmed)
        voucher = redeem_reward_locked(
            actor=actor, customer=customer, account=account, book=book, reward_id=reward_id, price=price
        )
        save_account(customer, account)
        return voucher


def redeem_reward_locked(
    *,
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    book: RuleBook,
    reward_id: UUID,
    visit: Visit | None = None,
    price: int | None = None,
) -> Voucher:
    """Buy a reward in a transaction of the caller, who holds the guest's lock and saves ``account`` afterwards.

    Several rewards in one transaction are bought in the order of their ids. The caller has settled the SMS code
    (``confirmation.settle``) for all points spent in the transaction.

    Args:
        visit: the bill it is chosen on: the entry names it, so that voiding the bill gives the points back.
        price: what the guest agreed to; a reward that costs something else meanwhile is refused.

    Raises:
        RewardNotFound, RewardNotAvailable.
        EditConflict: the price changed.
    """
    reward = _reward(reward_id)
    cost = price_of(reward, account.tier)
    if price is not None and price != cost:
        raise EditConflict(details={"reward_id": str(reward_id), "price": cost})
    balance = usable_points(account)
    reason = why_not(
        reward,
        book=book,
        tier=account.tier,
        balance=balance,
        taken=times_taken(customer, [reward.pk]).get(reward.pk, 0) if reward.per_guest_limit else 0,
        today=local_date(timezone.now()),
        blocked=customer.is_blocked,
    )
    if reason:
        numbers = {"available": balance, "requested": cost} if reason == "points" else {}
        raise RewardNotAvailable.because(reason, reward_id=str(reward_id), **numbers)
    _take_from_stock(reward)
    entry = _pay(actor, customer, account, book, reward, cost, visit)
    return issue(
        actor=actor,
        customer=customer,
        source=Voucher.Source.POINTS,
        reward=reward,
        points_paid=cost,
        entry=entry,
    )


def _reward(reward_id: UUID) -> Reward:
    reward = Reward.objects.filter(pk=reward_id).first()
    if reward is None:
        raise RewardNotFound(details={"reward_id": str(reward_id)})
    at_menu_prices([reward])
    return reward


def _take_from_stock(reward: Reward) -> None:
    """Take one off the shelf; of two who want the last one, the second finds none.

    The row is locked until the end of the transaction, so this comes after all other checks.
    """
    if reward.stock is None:
        return
    if not Reward.objects.filter(pk=reward.pk, stock__gt=0).update(stock=F("stock") - 1):
        raise RewardNotAvailable.because("sold_out", reward_id=str(reward.pk))


def _pay(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    book: RuleBook,
    reward: Reward,
    cost: int,
    visit: Visit | None,
) -> LedgerEntry:
    kinds = LedgerEntry.Type
    payment = Movement(
        type=kinds.REDEEMED_ITEM if reward.kind == "item" else kinds.REDEEMED_DISCOUNT,
        points=-cost,
        description=format_lazy(gettext_lazy("Reward: {name}"), name=reward.name),
        visit=visit,
        related_amount=None if reward.kind == "percent" else reward.value,
        explanation={
            "reward_id": str(reward.pk), "reward": reward.name, "price": cost, "tier": account.tier,
            "kind": reward.kind, "value": str(reward.value),
        },
    )  # fmt: skip
    entries = post(actor=actor, customer=customer, account=account, movements=[payment], book=book)
    return entries[-1]
