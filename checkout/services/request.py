"""What the counter asks for, and the rules a request must meet before anything is written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Visit
from servaan_crm.l10n.money import format_money

MAX_AMOUNT = Decimal("99999999999")
MAX_ITEMS = 200
CLOCK_SKEW = timedelta(minutes=5)
MAX_VOUCHERS = 10
# A till or an offline counter may hand a visit in late; older ones need the right to backdate.
LATE_ENTRY = timedelta(hours=36)
OLDEST = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class VisitItem:
    """One line of the bill. Prices are in the base unit."""

    name: str
    quantity: int
    unit_price: Decimal
    total_price: Decimal
    category: str = ""
    item_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the stored form; whole amounts are integers so that they stay exact."""
        return {
            "item_id": self.item_id or None,
            "name": self.name,
            "category": self.category,
            "quantity": self.quantity,
            "unit_price": _plain(self.unit_price),
            "total_price": _plain(self.total_price),
        }


def _plain(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRequest:
    """A bill to record. Without ``customer_id`` and ``phone`` it is a walk-in.

    Amounts are in the base unit. ``points_to_redeem`` are paid at the program's worth of a point;
    ``points_override`` replaces the computed earning and needs the right to do so. ``discount_amount`` is the staff's
    own discount; what ``discount_code``, ``voucher_codes`` and ``reward_id`` (bought with points and used at once)
    take off comes on top, in this order.
    """

    total_amount: Decimal
    customer_id: UUID | None = None
    phone: str | None = None
    customer_name: str = ""
    discount_amount: Decimal = Decimal(0)
    payment_method: str = ""
    points_to_redeem: int = 0
    points_override: int | None = None
    visit_date: datetime | None = None
    visit_type: str = Visit.VisitType.DINE_IN
    outlet_id: UUID | None = None
    table_number: str = ""
    server_name: str = ""
    items: tuple[VisitItem, ...] = ()
    notes: str = ""
    order_reference: str = ""
    discount_code: str = ""
    voucher_codes: tuple[str, ...] = ()
    reward_id: UUID | None = None

    @property
    def final_amount(self) -> Decimal:
        """The bill after the discount, points not yet taken off."""
        return self.total_amount - self.discount_amount

    @property
    def is_walk_in(self) -> bool:
        return self.customer_id is None and not self.phone

    @property
    def has_benefits(self) -> bool:
        """Whether something is taken off beside the staff's own discount."""
        return bool(self.discount_code or self.voucher_codes or self.reward_id)


def check_request(request: VisitRequest, *, may_backdate: bool) -> None:
    """Raise ValidationError naming every bad field of ``request``.

    ``may_backdate`` lifts the limit of 36 hours for a late entry; ten years and five minutes ahead always hold.
    """
    problems: dict[str, str] = {}
    _check_amounts(request, problems)
    _check_date(request, problems, may_backdate)
    if request.payment_method and request.payment_method not in Visit.PaymentMethod.values:
        problems["payment_method"] = _("Choose one of: %(values)s.") % {
            "values": ", ".join(Visit.PaymentMethod.values)
        }
    if request.visit_type not in Visit.VisitType.values:
        problems["visit_type"] = _("Choose one of: %(values)s.") % {
            "values": ", ".join(Visit.VisitType.values)
        }
    if len(request.items) > MAX_ITEMS:
        problems["items_ordered"] = _("At most %(most)s lines fit on one bill.") % {"most": MAX_ITEMS}
    if request.is_walk_in and request.points_to_redeem:
        problems["points_redeemed"] = _("A walk-in has no points to pay with.")
    if request.has_benefits:
        _check_benefits(request, problems)
    if problems:
        raise ValidationError(problems)


def _check_amounts(request: VisitRequest, problems: dict[str, str]) -> None:
    if not 0 <= request.total_amount <= MAX_AMOUNT:
        most = format_money(MAX_AMOUNT)
        problems["total_amount"] = _("The amount must be between 0 and %(most)s.") % {"most": most}
    elif not 0 <= request.discount_amount <= request.total_amount:
        problems["discount_applied"] = _("The discount must be between 0 and the total.")
    if request.points_to_redeem < 0:
        problems["points_redeemed"] = _("Points cannot be negative.")
    if request.points_override is not None and not 0 <= request.points_override <= 10_000_000:
        problems["points_earned"] = _("Points must be between 0 and 10,000,000.")


def _check_benefits(request: VisitRequest, problems: dict[str, str]) -> None:
    if len(request.discount_code) > 40:
        problems["discount_code"] = _("At most %(most)s characters.") % {"most": 40}
    if len(request.voucher_codes) > MAX_VOUCHERS:
        problems["voucher_codes"] = _("At most %(most)s vouchers fit on one bill.") % {"most": MAX_VOUCHERS}
    if request.is_walk_in and request.voucher_codes:
        problems["voucher_codes"] = _("A voucher needs the guest's number.")
    if request.is_walk_in and request.reward_id:
        problems["reward_id"] = _("A walk-in has no points to buy a reward with.")


def _check_date(request: VisitRequest, problems: dict[str, str], may_backdate: bool) -> None:
    if request.visit_date is None:
        return
    age = timezone.now() - request.visit_date
    if age < -CLOCK_SKEW:
        problems["visit_date"] = _("The visit date is in the future.")
    elif age > OLDEST:
        problems["visit_date"] = _("The visit date is more than ten years ago.")
    elif age > LATE_ENTRY and not may_backdate:
        problems["visit_date"] = _("Only a manager can record a visit of an earlier day.")
