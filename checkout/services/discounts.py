"""What is taken off a bill: the staff's own discount, then a code, then vouchers, then a reward bought with points.

Each is worked out of what the ones before it left, so the bill never falls below zero. Rows are locked in one order:
the guest (by the caller), vouchers by id, the reward's stock, the code.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from checkout.services.request import VisitRequest
from customers.errors import CustomerBlocked
from customers.models import Customer, Visit
from loyalty.benefits import OpenBill
from loyalty.models import LoyaltyAccount, Reward
from loyalty.reward_errors import RewardNotAvailable, RewardNotFound, VoucherNotUsable
from loyalty.rules import RuleBook
from loyalty.selectors.rewards import get_reward, price_of
from loyalty.services import codes, vouchers
from loyalty.services.codes import CodeQuote
from loyalty.services.rewards import redeem_reward_locked
from loyalty.services.vouchers import VoucherQuote
from servaan_crm.core.actors import Actor


@dataclass(frozen=True, slots=True)
class RewardQuote:
    """A reward to be bought on the bill, for ``price`` points, and what it takes off (base unit)."""

    reward: Reward
    price: int
    discount: Decimal


@dataclass(frozen=True, slots=True)
class Discounts:
    """Everything that is taken off one bill. Amounts are in the base unit."""

    manual: Decimal = Decimal(0)
    code: CodeQuote | None = None
    vouchers: tuple[VoucherQuote, ...] = ()
    reward: RewardQuote | None = None

    @property
    def total(self) -> Decimal:
        """The whole discount, as it is stored on the visit."""
        return (
            self.manual
            + (self.code.discount if self.code else 0)
            + sum((quoted.discount for quoted in self.vouchers), Decimal(0))
            + (self.reward.discount if self.reward else 0)
        )

    @property
    def points(self) -> int:
        """The points the reward costs."""
        return self.reward.price if self.reward else 0

    @property
    def used_code(self) -> str:
        """The discount code as bonus rules know it."""
        return self.code.code.code if self.code else ""


def quote_discounts(
    request: VisitRequest, *, customer: Customer | None, tier: str, outlet_id: UUID | None, lock: bool = True
) -> Discounts:
    """Work out what ``request`` asks to be taken off. No query for a bill without code, voucher and reward.

    Args:
        customer: the guest, locked when ``lock``; None for a walk-in. A guest yet to be entered is not saved.
        tier: the guest's tier before this bill.
        lock: False for a preview.

    Raises:
        ValidationError: names the field of what takes nothing off any more.
        DiscountCodeNotUsable, VoucherNotUsable, RewardNotFound: ``details["field"]`` names the field.
        CustomerBlocked: a blocked guest would use a voucher or a reward.
    """
    manual = Decimal(request.discount_amount)
    if not request.has_benefits:
        return Discounts(manual)
    bill = OpenBill(request.total_amount - manual, [item.as_json() for item in request.items])
    code = _code(request, bill, customer, tier, outlet_id)
    held = _vouchers(request, bill, customer, outlet_id, lock=lock)
    return Discounts(manual, code, held, _reward(request, bill, customer, tier))


def _code(
    request: VisitRequest, bill: OpenBill, customer: Customer | None, tier: str, outlet_id: UUID | None
) -> CodeQuote | None:
    if not request.discount_code:
        return None
    return codes.quote(
        request.discount_code,
        customer=customer,
        tier=tier,
        bill=bill,
        total=request.total_amount,
        outlet_id=outlet_id,
        at=request.visit_date or timezone.now(),
    )


def _vouchers(
    request: VisitRequest, bill: OpenBill, customer: Customer | None, outlet_id: UUID | None, *, lock: bool
) -> tuple[VoucherQuote, ...]:
    if not request.voucher_codes or customer is None:
        return ()
    try:
        quotes = vouchers.quote(
            customer,
            request.voucher_codes,
            total=bill.left,
            items=bill.rest(),
            outlet_id=outlet_id,
            at=request.visit_date,
            lock=lock,
        )
    except VoucherNotUsable as error:
        error.details["field"] = "voucher_codes"
        raise
    for quoted in quotes:
        if not quoted.discount:
            raise ValidationError({"voucher_codes": _nothing_left(quoted.voucher.name)})
        bill.take(quoted.voucher)
    return tuple(quotes)


def _reward(
    request: VisitRequest, bill: OpenBill, customer: Customer | None, tier: str
) -> RewardQuote | None:
    if request.reward_id is None or customer is None:
        return None
    if customer.is_blocked:
        raise CustomerBlocked(details={"customer_id": str(customer.pk), "field": "reward_id"})
    try:
        reward = get_reward(request.reward_id)
    except RewardNotFound as error:
        error.details["field"] = "reward_id"
        raise
    try:
        discount = bill.take(reward)
    except ValidationError as error:
        raise ValidationError({"reward_id": error.messages}) from None
    if not discount:
        raise ValidationError({"reward_id": _nothing_left(reward.name)})
    return RewardQuote(reward, price_of(reward, tier), discount)


def _nothing_left(name: str) -> str:
    return _("Nothing is left of the bill to take “%(name)s” off.") % {"name": name}


def use_discounts(
    discounts: Discounts,
    *,
    actor: Actor,
    customer: Customer | None,
    account: LoyaltyAccount | None,
    visit: Visit,
    book: RuleBook | None,
) -> None:
    """Use up what was quoted, on the visit that is written now.

    The points of a reward are posted to ``account``; the caller saves it.

    Raises:
        DiscountCodeNotUsable: another till took the last use in between.
        RewardNotAvailable: ``details["reason"]`` says why, also for too few points.
    """
    vouchers.mark_used(discounts.vouchers, visit)
    if discounts.reward and customer is not None and account is not None and book is not None:
        _buy(discounts.reward, actor, customer, account, visit, book)
    if discounts.code:
        codes.use(discounts.code, customer=customer, visit=visit)


def _buy(
    quoted: RewardQuote,
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    visit: Visit,
    book: RuleBook,
) -> None:
    try:
        voucher = redeem_reward_locked(
            actor=actor, customer=customer, account=account, book=book, reward_id=quoted.reward.pk, visit=visit,
            price=quoted.price,
        )  # fmt: skip
    except RewardNotAvailable as error:
        error.details["field"] = "reward_id"
        raise
    vouchers.mark_used([VoucherQuote(voucher, quoted.discount)], visit)
