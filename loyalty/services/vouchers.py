"""Vouchers: issued, used on a bill, given back with a voided bill, cancelled, expired.

Whoever writes a voucher holds the lock on its guest first, then on the voucher, in the order of their ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.errors import CustomerBlocked
from customers.models import Customer, Visit
from customers.services.visits import lock_owners
from loyalty.benefits import BenefitTerms, OpenBill
from loyalty.events import VoucherIssued
from loyalty.models import LedgerEntry, Reward, Voucher
from loyalty.reward_errors import VoucherClosed, VoucherNotFound, VoucherNotUsable
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.rewards import at_menu_prices
from loyalty.services.ledger import Movement, account_of, post
from loyalty.services.points import save_account
from loyalty.voucher_codes import new_code, normalise
from servaan_crm.core import events
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.core.features import require_feature
from servaan_crm.l10n.jalali import local_date

# A voucher that comes back after its last day can be used this many days more.
RETURN_DAYS = 7
DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True)
class VoucherQuote:
    """A locked voucher and what it takes off the bill in question (base unit)."""

    voucher: Voucher
    discount: Decimal


def quote(
    customer: Customer,
    codes: Sequence[str],
    *,
    total: Decimal,
    items: Iterable[Mapping[str, Any]] = (),
    outlet_id: UUID | None = None,
    at: datetime | None = None,
    lock: bool = True,
) -> list[VoucherQuote]:
    """Return what the guest's vouchers take off a bill, one after the other in the order given.

    Args:
        customer: the guest; locked by the caller when ``lock``.
        codes: as typed or scanned.
        total: what is left of the bill after other discounts, base unit.
        items: the lines as stored on a visit; none: not known.
        outlet_id: where; None skips the question.
        at: when, aware; now when left out.
        lock: whether to lock the rows for ``mark_used``; False for a preview.

    Raises:
        VoucherNotUsable: names the code, and why in one word.
        CustomerBlocked: the guest is blocked.
    """
    wanted = [normalise(code) for code in codes]
    if not wanted:
        return []
    if customer.is_blocked:
        raise CustomerBlocked(details={"customer_id": str(customer.pk)})
    repeated = next((code for place, code in enumerate(wanted) if code in wanted[:place]), None)
    if repeated:
        raise VoucherNotUsable.because("repeated", repeated)
    rows = Voucher.objects.filter(code__in=wanted).order_by("pk").select_related("reward")
    found = {row.code: row for row in (rows.select_for_update(of=("self",)) if lock else rows)}
    at_menu_prices(found.values())
    day = local_date(at or timezone.now())
    bill = OpenBill(total, items)
    return [_quoted(bill, _usable(found.get(code), code, customer, outlet_id, day)) for code in wanted]


def mark_used(
    quotes: Iterable[VoucherQuote], visit: Visit | None = None, *, at: datetime | None = None
) -> None:
    """Close quoted vouchers with the bill they were used on; in the caller's transaction."""
    for quoted in quotes:
        voucher = quoted.voucher
        voucher.status, voucher.used_at = Voucher.Status.USED, at or timezone.now()
        voucher.used_visit, voucher.discount_given = visit, quoted.discount
        voucher.save(update_fields=["status", "used_at", "used_visit", "discount_given", "updated_at"])


def release(visit: Visit, *, reason: str = "") -> list[Voucher]:
    """Give back the vouchers a voided bill used; returns them as they are now. The caller holds the guest's lock.

    A voucher bought on that very bill is cancelled and its reward goes back to the shelf: its points come back with
    the bill's other entries. Every other one can be used again, for at least ``RETURN_DAYS`` more days.
    """
    rows = Voucher.objects.filter(used_visit=visit).order_by("pk").select_related("entry")
    vouchers = list(rows.select_for_update(of=("self",)))
    today = local_date(timezone.now())
    for voucher in vouchers:
        voucher.used_at, voucher.used_visit, voucher.discount_given = None, None, None
        if voucher.entry is not None and voucher.entry.visit_id == visit.pk:
            _close(voucher, reason or _("The visit was voided."))
        else:
            voucher.status = Voucher.Status.ISSUED
            if voucher.expires_on is not None and voucher.expires_on < today:
                voucher.expires_on = today + timedelta(days=RETURN_DAYS)
        voucher.save()
    return vouchers


def issue(
    *,
    actor: Actor,
    customer: Customer,
    source: str,
    reward: Reward | None = None,
    benefit: BenefitTerms | None = None,
    name: str = "",
    source_reference: str = "",
    points_paid: int = 0,
    entry: LedgerEntry | None = None,
    expires_on: date | None = None,
) -> Voucher:
    """Give the guest a voucher; the caller holds the transaction and the lock on the guest.

    Args:
        source: a ``Voucher.Source``.
        reward: what it is for; or ``benefit`` with ``name``, for an offer outside the catalogue.
        source_reference: names the occasion, once per source: a second call for it returns the first voucher.
        entry: the ledger entry that paid for it.
        expires_on: the last valid day; by the reward, or ``DEFAULT_DAYS``, when left out.
    """
    if source_reference:
        known = Voucher.objects.filter(source=source, source_reference=source_reference).first()
        if known is not None:
            return known
    terms = reward if reward is not None else benefit
    if terms is None:
        raise ValueError("a voucher is for a reward or a benefit")
    days = reward.voucher_days if reward is not None else DEFAULT_DAYS
    voucher = Voucher.objects.create(
        customer=customer,
        reward=reward,
        code=new_code(),
        name=(name or (reward.name if reward is not None else ""))[:100],
        kind=terms.kind,
        value=terms.value,
        max_discount=terms.max_discount,
        item_name=terms.item_name,
        source=source,
        source_reference=source_reference,
        points_paid=points_paid,
        entry=entry,
        expires_on=expires_on or local_date(timezone.now()) + timedelta(days=days),
        created_by_id=actor.user_id,
    )
    events.publish(VoucherIssued(customer_id=customer.pk, voucher_id=voucher.pk, source=source))
    return voucher


@survives_deadlock
def cancel_voucher(
    *, actor: Actor, voucher_id: UUID, reason: str = "", may_cancel_gifts: bool = False
) -> Voucher:
    """Take a voucher back that was not used: its points come back with their lots, its reward to the shelf.

    Args:
        may_cancel_gifts: whether ``actor`` may also take back what was not bought with points.

    Raises:
        ValidationError: the reason is too long.
        VoucherNotFound, VoucherClosed.
        PermissionDenied: it is a gift.
    """
    require_feature("loyalty")
    if len(reason) > 200:
        raise ValidationError({"reason": _("At most 200 characters.")})
    with write(actor):
        customer, voucher = lock_voucher(voucher_id)
        if voucher.status != Voucher.Status.ISSUED or _is_over(voucher):
            raise VoucherClosed(details={"voucher_code": voucher.code, "status": voucher.status})
        if voucher.source != Voucher.Source.POINTS and not may_cancel_gifts:
            raise PermissionDenied(details={"voucher_code": voucher.code})
        _close(voucher, reason)
        voucher.save()
        if voucher.entry is not None:
            _refund(actor, customer, voucher, voucher.entry)
        return voucher


@survives_deadlock
def use_voucher(
    *,
    actor: Actor,
    voucher_id: UUID,
    total: Decimal | None = None,
    items: Sequence[Mapping[str, Any]] = (),
    outlet_id: UUID | None = None,
) -> VoucherQuote:
    """Use up a voucher at a till that does not record its bills with us.

    Args:
        total: the bill in the base unit; without it the discount is not known (0 for a percentage).

    Raises:
        VoucherNotFound, VoucherNotUsable, CustomerBlocked.
    """
    require_feature("loyalty")
    with write(actor):
        customer, voucher = lock_voucher(voucher_id)
        if total is None:
            total = Decimal(0) if voucher.kind == "percent" else voucher.value
        quotes = quote(customer, [voucher.code], total=total, items=items, outlet_id=outlet_id)
        mark_used(quotes)
        return quotes[0]


def lock_voucher(voucher_id: UUID) -> tuple[Customer, Voucher]:
    """Lock the guest, then the voucher. Raises VoucherNotFound."""

    def owner() -> set[UUID]:
        found = set(Voucher.objects.filter(pk=voucher_id).values_list("customer_id", flat=True))
        if not found:
            raise VoucherNotFound(details={"voucher_id": str(voucher_id)})
        return found

    (customer,) = lock_owners(owner).values()
    rows = Voucher.objects.select_for_update(of=("self",)).select_related("entry", "reward")
    return customer, rows.get(pk=voucher_id)


def expire_vouchers() -> int:
    """End the vouchers whose last day is over; returns how many. One statement, safe to repeat.

    Points of an expired voucher are not given back: the guest had the whole time of its validity.
    """
    today = local_date(timezone.now())
    due = Voucher.objects.filter(status=Voucher.Status.ISSUED, expires_on__lt=today)
    return due.update(status=Voucher.Status.EXPIRED, updated_at=timezone.now())


def _usable(
    voucher: Voucher | None, code: str, customer: Customer, outlet_id: UUID | None, day: date
) -> Voucher:
    """Return the voucher when it can be used. Raises VoucherNotUsable."""
    reason = "unknown" if voucher is None else _refusal(voucher, customer, outlet_id, day)
    if voucher is None or reason:
        raise VoucherNotUsable.because(reason, code)
    return voucher


def _refusal(voucher: Voucher, customer: Customer, outlet_id: UUID | None, day: date) -> str:
    reward, states = voucher.reward, Voucher.Status
    checks = (
        ("another_guest", voucher.customer_id != customer.pk),
        ("used", voucher.status == states.USED),
        ("cancelled", voucher.status == states.CANCELLED),
        ("expired", voucher.status == states.EXPIRED),
        ("expired", _is_over(voucher, day)),
        ("outlet", bool(reward and reward.outlets and outlet_id and outlet_id not in reward.outlets)),
        ("weekday", bool(reward and reward.weekdays and day.weekday() not in reward.weekdays)),
    )
    return next((reason for reason, is_so in checks if is_so), "")


def _is_over(voucher: Voucher, day: date | None = None) -> bool:
    """Whether the last day is over, also before the nightly job has been there."""
    return voucher.expires_on is not None and voucher.expires_on < (day or local_date(timezone.now()))


def _quoted(bill: OpenBill, voucher: Voucher) -> VoucherQuote:
    try:
        return VoucherQuote(voucher, bill.take(voucher))
    except ValidationError:
        raise VoucherNotUsable.because("item", voucher.code, voucher.item_name) from None


def _close(voucher: Voucher, reason: str) -> None:
    """Cancel a locked voucher without saving it, and put its reward back on the shelf if it was bought."""
    voucher.status, voucher.closed_reason = Voucher.Status.CANCELLED, reason[:200]
    if voucher.reward_id is not None and voucher.source == Voucher.Source.POINTS:
        Reward.objects.filter(pk=voucher.reward_id, stock__isnull=False).update(stock=F("stock") + 1)


def _refund(actor: Actor, customer: Customer, voucher: Voucher, entry: LedgerEntry) -> None:
    book, account = get_rule_book(), account_of(customer)
    back = Movement(
        type=LedgerEntry.Type.REVERSED_REDEMPTION,
        points=-entry.points,
        description=gettext_lazy("Voucher cancelled"),
        reverses=entry,
        related_amount=entry.related_amount,
        reference=voucher.code,
        notes=voucher.closed_reason,
    )
    post(actor=actor, customer=customer, account=account, movements=[back], book=book)
    save_account(customer, account)
