"""Corrections of a recorded visit: edit, move to the right guest, restore after a void.

None of them edits the ledger's past: what the visit moved is reversed, and moved again by the same rules.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.errors import PaidWithPoints, VisitIsVoided, VisitNotFound, VisitNotVoided, VoidTooLate
from checkout.events import VisitEdited, VisitMoved, VisitRestored
from checkout.services import used
from checkout.services.earning import AMOUNTS, VISIT_TYPES, deciding_fields, earning_movements, facts_of
from checkout.services.receipt import CorrectionReceipt
from checkout.services.request import MAX_ITEMS, VisitRequest, check_request
from checkout.services.reversal import (
    lock_customer_of,
    lock_visit,
    open_entries,
    restore_tier,
    reverse_points,
    settle_summary,
)
from checkout.services.void import SAME_DAY
from customers.models import Customer, Visit
from customers.services.visits import close_number_gap, lock_customer, recount_summary
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.rules import Earning, RuleBook, compute_earning
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import status_of
from loyalty.services import codes
from loyalty.services.ledger import Movement, account_of, post, settle_tier
from loyalty.services.stamps import restamp_visit, stamp_visit, unstamp_visit
from servaan_crm.accounts.models import Outlet
from servaan_crm.core import events
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.features import is_enabled

EDITABLE = (
    "total_amount", "discount_amount", "payment_method", "visit_date", "visit_type", "table_number",
    "server_name", "service_duration", "items", "item_count", "notes", "order_reference", "outlet_id",
)  # fmt: skip
FIGURES = AMOUNTS | {"visit_date"}
# What stamp cards look at.
STAMPED = FIGURES | {"items"}


@survives_deadlock
def edit_visit(
    *,
    actor: Actor,
    visit_id: UUID,
    changes: Mapping[str, Any],
    may_edit_old: bool = False,
    seen: datetime | None = None,
) -> CorrectionReceipt:
    """Correct a visit. What decides about points earns again by the rules of today, with the tier of then.

    That is the amounts, and items, time, type and outlet when a bonus rule asks for them. What a discount code and
    vouchers took off stays as it was: the discount cannot become smaller than that.

    Args:
        changes: new values of any of ``EDITABLE``; amounts in the base unit.
        may_edit_old: whether ``actor`` may change visits that were entered more than 36 hours ago.
        seen: ``updated_at`` of the visit that the changes were made from; None to change whatever is there.

    Raises:
        ValidationError: names each bad field.
        EditConflict: the visit was changed after ``seen``.
        VisitNotFound, VisitIsVoided, VoidTooLate.
    """
    unknown = [name for name in changes if name not in EDITABLE]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, _("This field cannot be changed.")))
    with write(actor):
        customer = lock_customer_of(visit_id)
        visit = _lock_visit(visit_id, customer, may_touch_old=may_edit_old, seen=seen)
        if visit.is_voided:
            raise VisitIsVoided
        changed = tuple(name for name, value in changes.items() if getattr(visit, name) != value)
        for name in changed:
            setattr(visit, name, changes[name])
        _check(visit, changed, may_edit_old)
        _settle_payment(visit, changed)
        shortfall, status = 0, None
        book = get_rule_book() if changed and customer is not None else None
        earns = book is not None and bool(deciding_fields(book) & set(changed))
        restamps = book is not None and _restamps(book, visit, changed)
        if customer is not None and book is not None and (earns or restamps or FIGURES & set(changed)):
            shortfall, status = _apply(actor, customer, visit, book, earn_again=earns, restamp=restamps)
        elif changed:
            visit.save()
        if changed:
            events.publish(
                VisitEdited(visit_id=visit.pk, customer_id=visit.customer_id, fields=list(changed))
            )
        return CorrectionReceipt(visit, customer, status, shortfall, changed)


@survives_deadlock
def move_visit(
    *,
    actor: Actor,
    visit_id: UUID,
    to_customer_id: UUID,
    may_edit_old: bool = False,
    seen: datetime | None = None,
) -> CorrectionReceipt:
    """Give a visit to the guest it belongs to, with its points; a walk-in gets its guest this way too.

    The first guest's later visits move up by one number, so that neither has a gap.

    Args:
        seen: ``updated_at`` of the visit that the move was decided on; None to move whatever is there.

    Raises:
        CustomerNotFound: the target is unknown or deleted.
        EditConflict: the visit was changed after ``seen``.
        PaidWithPoints, PaidWithVoucher: the first guest's points or voucher paid for a part of it.
        CodeNotForGuest: the bill's discount code is not for the target.
        VisitNotFound, VisitIsVoided, VoidTooLate.
    """
    with write(actor):
        source, target = _lock_pair(visit_id, to_customer_id)
        visit = _lock_visit(visit_id, source, may_touch_old=may_edit_old, seen=seen)
        if visit.is_voided:
            raise VisitIsVoided
        if source is not None and source.pk == target.pk:
            return CorrectionReceipt(visit, target)
        if visit.points_redeemed:
            raise PaidWithPoints
        used.check_movable(visit)
        codes.hand_over(visit, target)
        shortfall = _take_from(actor, source, visit) if source else 0
        status = _give_to(actor, target, visit)
        events.publish(
            VisitMoved(
                visit_id=visit.pk, from_customer_id=source.pk if source else None, customer_id=target.pk
            )
        )
        return CorrectionReceipt(visit, target, status, shortfall, ("customer",))


@survives_deadlock
def restore_visit(*, actor: Actor, visit_id: UUID, may_edit_old: bool = False) -> CorrectionReceipt:
    """Let a voided visit count again: points paid are paid again, points are earned again.

    Its code, vouchers and reward are used again, its stamps put on again.

    Raises:
        InsufficientPoints: the guest has spent the points that came back meanwhile.
        CodeUsedUp, VoucherIsGone, RewardIsGone: code, voucher or reward went to another bill meanwhile.
        VisitNotFound, VisitNotVoided, VoidTooLate.
    """
    with write(actor):
        customer = lock_customer_of(visit_id)
        visit = _lock_visit(visit_id, customer, may_touch_old=may_edit_old)
        if not visit.is_voided:
            raise VisitNotVoided
        visit.voided_at, visit.voided_by, visit.void_reason = None, None, ""
        status = None
        if customer is None:
            visit.save()
            used.retake(actor=actor, customer=None, account=None, visit=visit, book=None)
        else:
            _, status = _apply(
                actor, customer, visit, get_rule_book(), earn_again=True, pay_again=True, restamp=True
            )
        events.publish(VisitRestored(visit_id=visit.pk, customer_id=visit.customer_id))
        return CorrectionReceipt(visit, customer, status)


def _lock_visit(
    visit_id: UUID, owner: Customer | None, *, may_touch_old: bool, seen: datetime | None = None
) -> Visit:
    visit = lock_visit(visit_id, owner)
    if not may_touch_old and timezone.now() - visit.created_at > SAME_DAY:
        raise VoidTooLate
    if seen is not None and visit.updated_at != seen:
        raise EditConflict(details={"visit_id": str(visit.pk)})
    return visit


def _lock_pair(visit_id: UUID, to_customer_id: UUID) -> tuple[Customer | None, Customer]:
    """Lock both guests, the lower id first, so that two moves cannot wait for each other."""
    owner = Visit.objects.filter(pk=visit_id).values_list("customer_id", flat=True).first()
    if owner is None:
        if not Visit.objects.filter(pk=visit_id).exists():
            raise VisitNotFound(details={"visit_id": str(visit_id)})
        return None, lock_customer(customer_id=to_customer_id)
    if owner == to_customer_id:
        same = lock_customer(customer_id=owner)
        return same, same
    if owner < to_customer_id:
        source = lock_customer(customer_id=owner, deleted_too=True)
        return source, lock_customer(customer_id=to_customer_id)
    target = lock_customer(customer_id=to_customer_id)
    return lock_customer(customer_id=owner, deleted_too=True), target


def _check(visit: Visit, changed: tuple[str, ...], may_edit_old: bool) -> None:
    request = VisitRequest(
        total_amount=visit.total_amount,
        discount_amount=visit.discount_amount,
        visit_date=visit.visit_date if "visit_date" in changed else None,
        payment_method=visit.payment_method,
        visit_type=visit.visit_type,
    )
    check_request(request, may_backdate=may_edit_old)
    if visit.total_amount - visit.discount_amount < visit.points_value:
        raise ValidationError({"total_amount": _("A part was paid with points; the bill cannot be smaller.")})
    if {"total_amount", "discount_amount"} & set(changed):
        used.check_discount(visit)
    if "items" in changed and len(visit.items) > MAX_ITEMS:
        raise ValidationError({"items": _("At most %(most)s lines fit on one bill.") % {"most": MAX_ITEMS}})
    if "outlet_id" in changed and not Outlet.objects.filter(pk=visit.outlet_id).exists():
        raise ValidationError({"outlet_id": _("There is no such outlet.")})


def _settle_payment(visit: Visit, changed: tuple[str, ...]) -> None:
    """Keep "points" or "mixed" on a bill that points paid for, as the counter wrote it."""
    if not visit.points_value:
        return
    methods = Visit.PaymentMethod
    paid_in_full = visit.points_value == visit.total_amount - visit.discount_amount
    right = methods.POINTS if paid_in_full else methods.MIXED
    if "payment_method" in changed and visit.payment_method != right:
        raise ValidationError(
            {"payment_method": _("A part was paid with points; the payment stays as it is.")}
        )
    visit.payment_method = right


def _restamps(book: RuleBook, visit: Visit, changed: tuple[str, ...]) -> bool:
    """Whether stamps may change; visits of an import never had any."""
    return book.has_stamp_cards and visit.import_id is None and bool(STAMPED & set(changed))


def _apply(
    actor: Actor,
    customer: Customer,
    visit: Visit,
    book: RuleBook,
    *,
    earn_again: bool,
    pay_again: bool = False,
    restamp: bool = False,
) -> tuple[int, Any]:
    """Post what the visit moves now, reverse what it moved before, and count the figures again."""
    account = account_of(customer)
    shortfall = 0
    if earn_again:
        shortfall = _earn_again(actor, customer, account, visit, book, pay_again=pay_again)
    else:
        visit.save()
    if restamp and is_enabled("loyalty"):
        losses, _gains = restamp_visit(actor, customer, account, visit, book)
        shortfall += sum(loss.shortfall for loss in losses)
    recount_summary(customer.summary)
    restore_tier(customer, account, visit, book)
    settle_tier(
        customer=customer,
        account=account,
        book=book,
        lifetime_spent=customer.summary.lifetime_spent,
        visit=visit,
    )
    settle_summary(customer, account)
    return shortfall, status_of(book, account, customer)


def _earn_again(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    visit: Visit,
    book: RuleBook,
    *,
    pay_again: bool,
) -> int:
    old = [entry for entry in open_entries(visit) if entry.type in VISIT_TYPES]
    if pay_again:
        visit.save()
        used.retake(actor=actor, customer=customer, account=account, visit=visit, book=book)
        _post_payment(actor, customer, account, visit, book)
    earning = _earning(book, account, customer, visit, old)
    visit.points_earned = earning.points
    visit.save()
    # The new points first: they cover a part of what is taken back.
    _post_earning(actor, customer, account, visit, book, earning, gettext_lazy("Visit corrected"))
    return reverse_points(
        actor=actor, customer=customer, account=account, visit=visit, book=book, entries=old,
        description=gettext_lazy("Visit corrected"),
    )  # fmt: skip


def _earning(
    book: RuleBook, account: LoyaltyAccount, customer: Customer, visit: Visit, old: list[LedgerEntry]
) -> Earning:
    if customer.is_blocked or not is_enabled("loyalty"):
        return Earning(0)
    entries = LedgerEntry.objects.filter(visit=visit, type=LedgerEntry.Type.EARNED_PURCHASE)
    bought = [entry for entry in old if entry.type == LedgerEntry.Type.EARNED_PURCHASE]
    first = bought[0] if bought else entries.filter(customer=customer).order_by("sequence").first()
    tier = first.explanation.get("tier", account.tier) if first else account.tier
    return compute_earning(
        book,
        tier=tier,
        final_amount=Decimal(visit.total_amount) - Decimal(visit.discount_amount),
        points_value=visit.points_value,
        facts=facts_of(book, customer, visit, code=used.code_for_rules(book, visit)),
    )


def _post_payment(
    actor: Actor, customer: Customer, account: LoyaltyAccount, visit: Visit, book: RuleBook
) -> None:
    payment = Movement(
        type=LedgerEntry.Type.REDEEMED_DISCOUNT,
        points=-visit.points_redeemed,
        description=gettext_lazy("Paid with points"),
        visit=visit,
        related_amount=visit.points_value,
    )
    post(actor=actor, customer=customer, account=account, movements=[payment], book=book)


def _post_earning(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    visit: Visit,
    book: RuleBook,
    earning: Earning,
    description: str | Promise,
) -> None:
    movements = earning_movements(visit, earning, description)
    post(actor=actor, customer=customer, account=account, movements=movements, book=book)


def _take_from(actor: Actor, source: Customer, visit: Visit) -> int:
    book, account = get_rule_book(), account_of(source)
    shortfall = reverse_points(
        actor=actor, customer=source, account=account, visit=visit, book=book, entries=open_entries(visit),
        description=gettext_lazy("Visit moved to another guest"),
    )  # fmt: skip
    losses = unstamp_visit(actor, source, account, visit, book)
    shortfall += sum(loss.shortfall for loss in losses)
    number = visit.visit_number or 0
    visit.customer, visit.visit_number = None, None
    visit.save()
    close_number_gap(source.pk, number)
    source.summary.last_visit_number -= 1
    recount_summary(source.summary)
    restore_tier(source, account, visit, book)
    settle_summary(source, account)
    return shortfall


def _give_to(actor: Actor, target: Customer, visit: Visit) -> Any:
    book, account = get_rule_book(), account_of(target)
    target.summary.last_visit_number += 1
    visit.customer, visit.visit_number = target, target.summary.last_visit_number
    earning = _earning(book, account, target, visit, [])
    visit.points_earned = earning.points
    visit.save()
    _post_earning(
        actor, target, account, visit, book, earning, gettext_lazy("Visit moved from another guest")
    )
    if is_enabled("loyalty") and visit.import_id is None:
        stamp_visit(actor, target, account, visit, book)
    recount_summary(target.summary)
    settle_tier(
        customer=target, account=account, book=book, lifetime_spent=target.summary.lifetime_spent, visit=visit
    )
    settle_summary(target, account)
    return status_of(book, account, target)
