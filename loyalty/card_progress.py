"""The way to the next tier on the cards of the customer list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from customers.models import Customer
from customers.web.tier_progress import register_tier_progress
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.selectors.program import get_rule_book
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import add_months, local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale


def ways_of(guests: Sequence[Customer]) -> dict[UUID, int | None]:
    """Return id → percent of the way to the next tier, None at the top; two queries whatever the guests."""
    if not guests or not is_enabled("loyalty"):
        return {}
    book = get_rule_book()
    found: dict[UUID, int | None] = {}
    measures = _measures(book.tier_basis, guests)
    for guest in guests:
        tier, following = book.tier(guest.summary.tier), book.next_tier(guest.summary.tier)
        if following is None:
            found[guest.pk] = None
            continue
        span = following.threshold - tier.threshold
        covered = measures.get(guest.pk, Decimal(0)) - tier.threshold
        found[guest.pk] = max(0, min(100, int(covered * 100 / span))) if span else 100
    return found


def _measures(basis: str, guests: Sequence[Customer]) -> Mapping[UUID, Decimal]:
    """Return what the thresholds are compared with, as :func:`loyalty.selectors.status.tier_measure`, for many."""
    if basis == "lifetime_spend":
        return {guest.pk: guest.summary.lifetime_spent for guest in guests}
    ids = [guest.pk for guest in guests]
    if basis != "points_12_months":
        rows = LoyaltyAccount.objects.filter(pk__in=ids).values_list("pk", "points_earned_total")
        return {pk: Decimal(points) for pk, points in rows}
    since, _ = local_day_bounds(add_months(local_date(timezone.now()), -12), get_locale().tz)
    entries = LedgerEntry.objects.filter(
        customer_id__in=ids, created_at__gte=since, type__in=LedgerEntry.EARNING_TYPES
    )
    sums = entries.order_by().values_list("customer_id").annotate(Sum("points"))
    return {pk: Decimal(points) for pk, points in sums}


register_tier_progress(ways_of)
