"""Checkout, in the order it happens at the counter, in one transaction."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.events import VisitRecorded
from checkout.services.discounts import quote_discounts, use_discounts
from checkout.services.earning import bill_facts, earning_movements
from checkout.services.receipt import CheckoutReceipt
from checkout.services.request import VisitRequest, check_request
from customers.errors import CustomerAlreadyExists, CustomerBlocked, CustomerNotFound
from customers.merging.heirs import heir_of
from customers.models import Customer, Visit
from customers.services import create_customer
from customers.services.visits import add_visit_to_summary, lock_customer
from loyalty.models import LedgerEntry, LoyaltyAccount, RedemptionCode, TierChange
from loyalty.rules import Earning, RuleBook, compute_earning
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import status_of
from loyalty.services import confirmation
from loyalty.services.ledger import Movement, account_of, post, settle_tier
from loyalty.services.stamps import StampGain, stamp_visit
from segments.services import refresh_customer
from servaan_crm.accounts.models import Outlet
from servaan_crm.core import events
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.features import is_enabled, require_feature


class _NobodyHasIt(Exception):
    """No guest has the number of the bill."""


_Finder = Callable[[Actor, VisitRequest, UUID], tuple[Customer, bool]]


@survives_deadlock
def record_visit(
    *,
    actor: Actor,
    request: VisitRequest,
    may_backdate: bool = False,
    confirmed: RedemptionCode | None = None,
) -> CheckoutReceipt:
    """Record one bill with everything that follows from it.

    Guest (found or created) → discounts → visit → points paid and earned → stamps → tier → summary → base segment →
    events. Either all of it commits or nothing. To make a repeated request harmless, run it inside
    ``core.idempotency.run_once``.

    Args:
        may_backdate: whether ``actor`` may record visits that are more than 36 hours old.
        confirmed: what ``services.confirm.confirmed_by`` returned, when many points are paid.

    Raises:
        ValidationError: names each bad field.
        CustomerNotFound: ``customer_id`` is unknown or deleted.
        CustomerBlocked: a blocked guest wants to pay with points, a voucher or a reward.
        InsufficientPoints: the balance is smaller than ``points_to_redeem``.
        DiscountCodeNotUsable, VoucherNotUsable, RewardNotFound, RewardNotAvailable: ``details["field"]`` names it.
        ConfirmationRequired: so many points need the code the guest gets by SMS.
        FeatureDisabled: points, codes, vouchers or rewards are used while the club is switched off.
    """
    check_request(request, may_backdate=may_backdate)
    request = replace(request, visit_date=request.visit_date or timezone.now())
    if request.points_to_redeem or request.has_benefits:
        require_feature("loyalty")
    try:
        return _record(actor, request, confirmed, find=_find)
    except _NobodyHasIt:
        return _record(actor, request, confirmed, find=_find_heir_or_create)


def _record(
    actor: Actor, request: VisitRequest, confirmed: RedemptionCode | None, *, find: _Finder
) -> CheckoutReceipt:
    # Vouchers and codes are audited: their trail names who used them.
    with write(actor) if request.has_benefits else transaction.atomic():
        outlet_id = find_outlet(request.outlet_id)
        if request.is_walk_in:
            return _record_walk_in(actor, request, outlet_id)
        customer, is_new = find(actor, request, outlet_id)
        return _record_known(actor, request, outlet_id, customer, is_new, confirmed)


def _record_walk_in(actor: Actor, request: VisitRequest, outlet_id: UUID) -> CheckoutReceipt:
    discounts = quote_discounts(request, customer=None, tier="", outlet_id=outlet_id)
    visit = _write_visit(actor, replace(request, discount_amount=discounts.total), outlet_id)
    use_discounts(discounts, actor=actor, customer=None, account=None, visit=visit, book=None)
    return CheckoutReceipt(visit=visit, discounts=discounts)


def _record_known(
    actor: Actor,
    request: VisitRequest,
    outlet_id: UUID,
    customer: Customer,
    is_new: bool,
    confirmed: RedemptionCode | None,
) -> CheckoutReceipt:
    book, account = get_rule_book(), account_of(customer)
    discounts = quote_discounts(request, customer=customer, tier=account.tier, outlet_id=outlet_id)
    request = replace(request, discount_amount=discounts.total)
    points_value = _points_value(request, book, customer)
    spent = request.points_to_redeem + discounts.points
    confirmation.settle(book=book, customer=customer, points=spent, confirmed=confirmed)
    withheld = _withheld(customer, book)
    earning = (
        Earning(0)
        if withheld
        else _earning(request, book, account, points_value, outlet_id, customer, discounts.used_code)
    )
    assert request.visit_date is not None
    add_visit_to_summary(customer.summary, amount=request.final_amount, at=request.visit_date)
    visit = _write_visit(actor, request, outlet_id, customer, points_value, earning.points)
    use_discounts(discounts, actor=actor, customer=customer, account=account, visit=visit, book=book)
    stamps, tier_change = _move_points(actor, customer, account, visit, earning, book, stamped=not withheld)
    customer.summary.points, customer.summary.tier = account.balance, account.tier
    customer.summary.save()
    refresh_customer(customer.summary)
    _announce(customer, visit, account)
    return CheckoutReceipt(
        visit=visit,
        customer=customer,
        is_new_customer=is_new,
        earning=earning,
        status=status_of(book, account, customer),
        tier_change=tier_change,
        points_withheld=withheld,
        discounts=discounts,
        stamps=stamps,
    )


def _announce(customer: Customer, visit: Visit, account: LoyaltyAccount) -> None:
    events.publish(
        VisitRecorded(
            visit_id=visit.pk,
            customer_id=customer.pk,
            outlet_id=visit.outlet_id,
            visit_number=customer.summary.last_visit_number,
            points_earned=visit.points_earned,
            balance_after=account.balance,
        )
    )


def find_outlet(outlet_id: UUID | None) -> UUID:
    """Check the wanted outlet, or take the café's default one. Raises ValidationError."""
    outlets = Outlet.objects.filter(is_active=True)
    outlet = outlets.filter(pk=outlet_id) if outlet_id else outlets.order_by("-is_default", "created_at")
    found = outlet.values_list("pk", flat=True).first()
    if found is None:
        raise ValidationError({"outlet_id": _("There is no such outlet.")})
    return found


def _find(actor: Actor, request: VisitRequest, outlet_id: UUID) -> tuple[Customer, bool]:
    """Return the guest of the id or the number, locked.

    Raises _NobodyHasIt for a number. A guest who lost it while this waited is locked then: to look for another one
    with that lock in hand would be out of order, so the transaction ends here.
    """
    if request.customer_id is not None:
        return lock_customer(customer_id=request.customer_id), False
    try:
        return lock_customer(phone=request.phone), False
    except CustomerNotFound:
        raise _NobodyHasIt from None


def _find_heir_or_create(actor: Actor, request: VisitRequest, outlet_id: UUID) -> tuple[Customer, bool]:
    """Return the locked guest; an unknown phone creates one, once, however many tills ask for it.

    The number of a record that was merged into another guest finds that guest.
    """
    if merged_into := heir_of(request.phone or ""):
        return lock_customer(customer_id=merged_into), False
    created = True
    try:
        name = request.customer_name.strip() or _("Guest %(digits)s") % {"digits": (request.phone or "")[-4:]}
        create_customer(actor=actor, phone=request.phone or "", name=name, outlet_id=outlet_id)
    except CustomerAlreadyExists:
        created = False  # another till was faster
    except ValidationError as error:
        problems = dict(getattr(error, "error_dict", {}))
        if "name" in problems:
            problems["customer_name"] = problems.pop("name")
        raise ValidationError(problems) from None
    return lock_customer(phone=request.phone), created


def _points_value(request: VisitRequest, book: RuleBook, customer: Customer) -> Decimal:
    if not request.points_to_redeem:
        return Decimal(0)
    if customer.is_blocked:
        raise CustomerBlocked(details={"customer_id": str(customer.pk)})
    if request.points_to_redeem < book.minimum_redemption:
        least = book.minimum_redemption
        raise ValidationError(
            {"points_redeemed": _("At least %(least)s points are used at once.") % {"least": least}}
        )
    value = request.points_to_redeem * book.point_value
    if not book.is_active or value > request.final_amount:
        most = int(request.final_amount // book.point_value) if book.is_active and book.point_value else 0
        raise ValidationError(
            {"points_redeemed": _("At most %(most)s points can be used for this bill.") % {"most": most}}
        )
    return value


def _withheld(customer: Customer, book: RuleBook) -> str:
    """Say why this guest earns nothing whatever the bill is, for the staff to see."""
    if customer.is_blocked:
        return "blocked"
    if not is_enabled("loyalty") or not book.is_active:
        return "loyalty_off"
    return ""


def _earning(
    request: VisitRequest,
    book: RuleBook,
    account: LoyaltyAccount,
    points_value: Decimal,
    outlet_id: UUID,
    customer: Customer,
    code: str,
) -> Earning:
    assert request.visit_date is not None
    facts = bill_facts(
        book,
        customer,
        at=request.visit_date,
        total_amount=request.total_amount,
        visit_number=customer.summary.last_visit_number + 1,
        items=[item.as_json() for item in request.items],
        visit_type=request.visit_type,
        outlet_id=outlet_id,
        code=code,
    )
    earning = compute_earning(
        book, tier=account.tier, final_amount=request.final_amount, points_value=points_value, facts=facts
    )
    if request.points_override is None or request.points_override == earning.points:
        return earning
    explanation = {**earning.explanation, "computed": earning.points, "overridden": True}
    return Earning(request.points_override, earning.base, explanation)


def _write_visit(
    actor: Actor,
    request: VisitRequest,
    outlet_id: UUID,
    customer: Customer | None = None,
    points_value: Decimal = Decimal(0),
    points_earned: int = 0,
) -> Visit:
    assert request.visit_date is not None
    return Visit.objects.create(
        customer=customer,
        visit_number=customer.summary.last_visit_number if customer else None,
        visit_date=request.visit_date,
        outlet_id=outlet_id,
        visit_type=request.visit_type,
        table_number=request.table_number,
        server_name=request.server_name,
        items=[item.as_json() for item in request.items],
        item_count=sum(item.quantity for item in request.items),
        total_amount=request.total_amount,
        discount_amount=request.discount_amount,
        points_value=points_value,
        payment_method=_payment_method(request, points_value),
        points_earned=points_earned,
        points_redeemed=request.points_to_redeem,
        notes=request.notes,
        order_reference=request.order_reference,
        created_by_id=actor.user_id,
    )


def _payment_method(request: VisitRequest, points_value: Decimal) -> str:
    """A bill paid in part with points is "mixed", whatever the other part was."""
    if not points_value:
        return request.payment_method
    if points_value == request.final_amount:
        return Visit.PaymentMethod.POINTS
    return Visit.PaymentMethod.MIXED


def _move_points(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    visit: Visit,
    earning: Earning,
    book: RuleBook,
    *,
    stamped: bool,
) -> tuple[tuple[StampGain, ...], TierChange | None]:
    movements = [
        Movement(
            type=LedgerEntry.Type.REDEEMED_DISCOUNT,
            points=-visit.points_redeemed,
            description=gettext_lazy("Paid with points"),
            visit=visit,
            related_amount=visit.points_value,
        ),
        *earning_movements(visit, earning),
    ]
    post(actor=actor, customer=customer, account=account, movements=movements, book=book)
    stamps = stamp_visit(actor, customer, account, visit, book) if stamped else []
    change = settle_tier(
        customer=customer,
        account=account,
        book=book,
        lifetime_spent=customer.summary.lifetime_spent,
        visit=visit,
    )
    if account.last_sequence or change:
        account.save(force_insert=account._state.adding)
    return tuple(stamps), change
