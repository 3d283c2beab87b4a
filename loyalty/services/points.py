"""Award, redeem and correct points by hand or by a till."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.errors import CustomerBlocked
from customers.models import Customer, CustomerSummary
from customers.services.visits import lock_customer
from loyalty.errors import ProgramInactive
from loyalty.events import PointsMoved
from loyalty.models import LedgerEntry, LoyaltyAccount, RedemptionCode
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.services.confirmation import settle
from loyalty.services.ledger import Movement, account_of, post, settle_tier
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.events import publish
from servaan_crm.core.features import require_feature

MAX_POINTS = 10_000_000
REDEMPTION_TYPES = {
    "discount": LedgerEntry.Type.REDEEMED_DISCOUNT,
    "item": LedgerEntry.Type.REDEEMED_ITEM,
}


@survives_deadlock
def award_points(
    *, actor: Actor, customer_id: UUID, points: int, reason: str, reference: str = "", notes: str = ""
) -> LedgerEntry:
    """Give a bonus of ``points``.

    Raises:
        ValidationError: points or reason are not usable.
        CustomerNotFound: there is no such guest, or it is deleted.
        CustomerBlocked: the guest is blocked.
        ProgramInactive, FeatureDisabled: the club is switched off.
    """
    _check(points=points, reason=reason)
    return _move(
        actor=actor,
        customer_id=customer_id,
        movement={
            "type": LedgerEntry.Type.EARNED_BONUS, "points": points, "description": reason,
            "reference": reference, "notes": notes,
        },
    )  # fmt: skip


@survives_deadlock
def redeem_points(
    *,
    actor: Actor,
    customer_id: UUID,
    points: int,
    reward_type: str,
    reward_value: Decimal | None = None,
    reference: str = "",
    notes: str = "",
    confirmed: RedemptionCode | None = None,
) -> LedgerEntry:
    """Take ``points`` for a reward of ``reward_type`` ("discount" or "item").

    Args:
        confirmed: what ``confirmation.check_code`` returned, when so many points need a code.

    Raises:
        InsufficientPoints: the balance is smaller.
        ConfirmationRequired, ConfirmationFailed: so many points need the code that the guest got by SMS.
        ValidationError: also for another ``reward_type``, and for fewer points than the program lets redeem.
        CustomerNotFound, CustomerBlocked, ProgramInactive, FeatureDisabled: as for :func:`award_points`.
    """
    if reward_type not in REDEMPTION_TYPES:
        raise ValidationError({"reward_type": _("Choose “discount” or “item”.")})
    _check(points=points, reason=reward_type)
    kind = REDEMPTION_TYPES[reward_type]
    return _move(
        actor=actor,
        customer_id=customer_id,
        movement={
            "type": kind, "points": -points, "description": kind.label, "related_amount": reward_value,
            "reference": reference, "notes": notes,
        },
        before=lambda book, customer: _may_redeem(book, customer, points, confirmed),
    )  # fmt: skip


def _may_redeem(book: RuleBook, customer: Customer, points: int, confirmed: RedemptionCode | None) -> None:
    if points < book.minimum_redemption:
        least = {"least": f"{book.minimum_redemption:,}"}
        raise ValidationError({"points": _("At least %(least)s points are redeemed at once.") % least})
    settle(book=book, customer=customer, points=points, confirmed=confirmed)


@survives_deadlock
def adjust_points(
    *, actor: Actor, customer_id: UUID, points: int, reason: str, notes: str = ""
) -> LedgerEntry:
    """Correct a balance by a signed number of points, also of a blocked guest and while the program is off.

    Raises:
        InsufficientPoints: the balance would become negative.
        ValidationError: points are 0 or too many, or the reason is missing.
        CustomerNotFound: there is no such guest, or it is deleted.
        FeatureDisabled: the café has the club switched off.
    """
    _check(points=abs(points), reason=reason)
    kind = LedgerEntry.Type.ADJUSTMENT_ADD if points > 0 else LedgerEntry.Type.ADJUSTMENT_SUBTRACT
    return _move(
        actor=actor,
        customer_id=customer_id,
        movement={"type": kind, "points": points, "description": reason, "notes": notes},
        allow_blocked=True,
    )


def _check(*, points: int, reason: str) -> None:
    problems = {}
    if not 1 <= points <= MAX_POINTS:
        problems["points"] = _("Give a whole number from 1 to %(most)s.") % {"most": f"{MAX_POINTS:,}"}
    if not reason.strip():
        problems["reason"] = _("Say why: the reason stays in the guest's history.")
    if problems:
        raise ValidationError(problems)


def _move(
    *,
    actor: Actor,
    customer_id: UUID,
    movement: dict[str, Any],
    allow_blocked: bool = False,
    before: Callable[[RuleBook, Customer], None] | None = None,
) -> LedgerEntry:
    require_feature("loyalty")
    with write(actor):
        customer = lock_customer(customer_id=customer_id)
        if customer.is_blocked and not allow_blocked:
            raise CustomerBlocked(details={"customer_id": str(customer.pk)})
        book = get_rule_book()
        if not book.is_active and not allow_blocked:
            raise ProgramInactive
        if before is not None:
            before(book, customer)
        account = account_of(customer)
        entries = post(
            actor=actor, customer=customer, account=account, movements=[Movement(**movement)], book=book
        )
        settle_tier(
            customer=customer, account=account, book=book, lifetime_spent=customer.summary.lifetime_spent
        )
        save_account(customer, account)
        return entries[0]


def save_account(customer: Customer, account: LoyaltyAccount) -> None:
    """Save the account, carry balance and tier to the summary that lists read, and tell that points moved."""
    account.save(force_insert=account._state.adding)
    CustomerSummary.objects.filter(pk=customer.pk).update(points=account.balance, tier=account.tier)
    publish(PointsMoved(customer_ids=[str(customer.pk)]))
