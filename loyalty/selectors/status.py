"""Where a guest stands in the club."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from customers.models import Customer
from loyalty import lots
from loyalty.lots import Lot
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.rules import RuleBook, TierRule
from loyalty.selectors.program import get_rule_book
from servaan_crm.l10n.jalali import add_months, local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale


@dataclass(frozen=True, slots=True)
class LoyaltyStatus:
    """Balance, tier and the way to the next one.

    ``points_needed`` is in the unit of the tier basis: points, or the base unit of the currency. ``percent`` is
    the way covered from this tier to the next, 100 at the top. ``points_worth`` is what the balance is worth now.
    ``next_expiry``: the points that expire first and their last valid day.
    """

    current_points: int
    points_earned_total: int
    points_redeemed_total: int
    tier: TierRule
    next_tier: TierRule | None
    points_needed: int
    percent: int
    lifetime_spent: Decimal
    tier_start_date: date | None
    points_worth: Decimal
    tier_expires_date: date | None = None
    next_expiry: Lot | None = None


def get_account(customer: Customer) -> LoyaltyAccount:
    """Return the guest's account; an empty, unsaved one before the first movement."""
    account = LoyaltyAccount.objects.filter(customer_id=customer.pk).first()
    return account or LoyaltyAccount(customer_id=customer.pk)


def tier_measure(book: RuleBook, account: LoyaltyAccount, lifetime_spent: Decimal) -> Decimal:
    """Return what the thresholds are compared with: points of all time or of 12 months, or lifetime spend.

    Twelve months of the café's calendar, today included; this basis alone costs a query.
    """
    if book.tier_basis == "lifetime_spend":
        return lifetime_spent
    if book.tier_basis == "points_12_months":
        return Decimal(points_since(account.customer_id, add_months(local_date(timezone.now()), -12)))
    return Decimal(account.points_earned_total)


def points_since(customer_id: UUID, day: date) -> int:
    """Return the points a guest earned since the beginning of ``day`` in the café's zone, less those taken back."""
    start, _ = local_day_bounds(day, get_locale().tz)
    rows = LedgerEntry.objects.filter(
        customer_id=customer_id, created_at__gte=start, type__in=LedgerEntry.EARNING_TYPES
    )
    return rows.aggregate(points=Sum("points"))["points"] or 0


def get_loyalty_status(customer: Customer, book: RuleBook | None = None) -> LoyaltyStatus:
    """Return the guest's standing; ``customer`` is loaded with its summary."""
    book = book or get_rule_book()
    return status_of(book, get_account(customer), customer)


def status_of(book: RuleBook, account: LoyaltyAccount, customer: Customer) -> LoyaltyStatus:
    """Work the standing out from rows at hand, without a query (see :func:`tier_measure`)."""
    measure = tier_measure(book, account, customer.summary.lifetime_spent)
    tier, following = book.tier(account.tier), book.next_tier(account.tier)
    needed, percent = 0, 100
    if following is not None:
        needed = max(0, int(following.threshold - measure))
        span = following.threshold - tier.threshold
        percent = max(0, min(100, int((measure - tier.threshold) * 100 / span))) if span else 100
    return LoyaltyStatus(
        current_points=account.balance,
        points_earned_total=account.points_earned_total,
        points_redeemed_total=account.points_redeemed_total,
        tier=tier,
        next_tier=following,
        points_needed=needed,
        percent=percent,
        lifetime_spent=customer.summary.lifetime_spent,
        tier_start_date=account.tier_start_date,
        points_worth=account.balance * book.point_value,
        tier_expires_date=account.tier_expires_date,
        next_expiry=_next_expiry(account),
    )


def _next_expiry(account: LoyaltyAccount) -> Lot | None:
    """Return the lot that runs out next; one that is over and waits for the night is not shown any more."""
    today = local_date(timezone.now())
    open_lots = lots.read(account.balance, account.lot_expiries, account.lot_points)
    return next((lot for lot in open_lots if lot.expires_on and lot.expires_on >= today), None)
