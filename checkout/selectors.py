"""What the counter shows."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils import timezone

from customers.models import Customer, MenuItem, Visit
from customers.selectors.derived import get_facts
from feedback.models import Feedback
from feedback.selectors import get_open_feedback
from loyalty.models import Tier, Voucher
from loyalty.selectors import LoyaltyStatus, get_rule_book
from loyalty.selectors.rewards import RewardOffer, offers_for
from loyalty.selectors.status import get_account, status_of
from loyalty.selectors.vouchers import held_vouchers
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import local_date, local_day_bounds, next_occurrence
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import to_screen

BIRTHDAY_DAYS = 7
FAVOURITES = 3
RECENT_BILLS = 50


@dataclass(frozen=True, slots=True)
class GuestCard:
    """One guest as the barista sees it. ``birthday_in`` is days from today, within a week.

    ``offers``: the rewards the guest can have now. ``vouchers``: those that can be used now.
    """

    customer: Customer
    status: LoyaltyStatus
    favourites: list[str]
    open_feedback: list[Feedback]
    birthday_in: int | None
    usual_days: int | None
    risk: str
    offers: list[RewardOffer]
    vouchers: list[Voucher]

    @property
    def tier_percent(self) -> Decimal | None:
        """What the tier gives at the counter in percent; None when it gives none, or to a blocked guest."""
        percent = self.status.tier.discount_percent
        return percent if percent and not self.customer.is_blocked and is_enabled("loyalty") else None

    @property
    def tier_name(self) -> str:
        """The tier's name in the language of the screen."""
        return str(Tier.Level(self.status.tier.level).label)


@dataclass(frozen=True, slots=True)
class TodayFigures:
    """The local day so far. ``capture_rate`` is the share of visits with a known guest, in percent."""

    visits: int
    new_guests: int
    revenue: Decimal
    capture_rate: int | None


def get_guest_card(customer: Customer) -> GuestCard:
    """Return everything the card shows; ``customer`` is loaded with its summary."""
    book, account = get_rule_book(), get_account(customer)
    gives = is_enabled("loyalty") and not customer.is_blocked
    offers = offers_for(customer, book=book, account=account) if gives else []
    return GuestCard(
        customer=customer,
        status=status_of(book, account, customer),
        favourites=list_favourites(customer.pk),
        open_feedback=list(get_open_feedback(customer)[:2]),
        birthday_in=days_to_birthday(customer.birthday),
        usual_days=_usual_days(customer),
        risk=get_facts().risk.of(customer.summary),
        offers=[offer for offer in offers if offer.is_affordable],
        vouchers=held_vouchers(customer) if gives else [],
    )


def days_to_birthday(birthday: date | None) -> int | None:
    """Return how many days there are to the next birthday, when it is within a week."""
    if birthday is None:
        return None
    locale = get_locale()
    today = local_date(timezone.now(), locale)
    days = (next_occurrence(birthday, today, locale) - today).days
    return days if days <= BIRTHDAY_DAYS else None


def _usual_days(customer: Customer) -> int | None:
    """Mean days between visits, from the third visit on."""
    summary = customer.summary
    if summary.total_visits < 3 or not summary.first_visit_at or not summary.last_visit_at:
        return None
    return max(1, round((summary.last_visit_at - summary.first_visit_at).days / (summary.total_visits - 1)))


def list_favourites(customer_id: UUID, limit: int = FAVOURITES) -> list[str]:
    """Return the names of the items a guest took most of on its last 50 bills that count."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT line ->> 'name' AS name
              FROM (SELECT items FROM customers_visit
                     WHERE customer_id = %s AND voided_at IS NULL ORDER BY visit_date DESC LIMIT %s) AS bill,
                   jsonb_array_elements(bill.items) AS line
             GROUP BY 1 ORDER BY sum((line ->> 'quantity')::int) DESC, 1 LIMIT %s
            """,
            [customer_id, RECENT_BILLS, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def get_today_figures(outlet_id: UUID | None = None) -> TodayFigures:
    """Return the figures of the local day, of one outlet or of all."""
    locale = get_locale()
    start, end = local_day_bounds(local_date(timezone.now(), locale), locale.tz)
    rows = Visit.objects.filter(visit_date__gte=start, visit_date__lt=end, voided_at=None)
    if outlet_id:
        rows = rows.filter(outlet_id=outlet_id)
    found = rows.aggregate(
        visits=Count("pk"),
        known=Count("pk", filter=Q(customer__isnull=False)),
        new=Count("pk", filter=Q(visit_number=1)),
        revenue=Sum("final_amount"),
    )
    visits = found["visits"]
    return TodayFigures(
        visits=visits,
        new_guests=found["new"],
        revenue=found["revenue"] or Decimal(0),
        capture_rate=round(found["known"] * 100 / visits) if visits else None,
    )


def list_recent_visits(limit: int = 4) -> list[Visit]:
    """Return today's last visits of known guests, newest first."""
    locale = get_locale()
    start, _ = local_day_bounds(local_date(timezone.now(), locale), locale.tz)
    rows = Visit.objects.filter(
        visit_date__gte=start, voided_at=None, customer__isnull=False, customer__deleted_at=None
    )
    return list(rows.select_related("customer__summary").order_by("-visit_date")[:limit])


@dataclass(frozen=True, slots=True)
class MenuChip:
    """An item to tap; ``price`` is in the unit of the screen (toman in Iran)."""

    item: MenuItem
    price: Decimal


def list_menu() -> list[MenuChip]:
    """Return what is on the menu, in its order."""
    locale = get_locale()
    return [MenuChip(item, to_screen(item.price, locale)) for item in MenuItem.objects.filter(is_active=True)]
