"""Reading the visits of a guest."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from customers.models import Visit
from servaan_crm.l10n.jalali import local_day_bounds
from servaan_crm.l10n.locale import get_locale

RECENT = 10


def list_visits(
    customer_id: UUID,
    *,
    from_date: date | None = None,
    to_date: date | None = None,
    min_amount: Decimal | None = None,
    max_amount: Decimal | None = None,
) -> QuerySet[Visit]:
    """Return the guest's visits that count, newest first.

    Args:
        from_date, to_date: local dates of the café, both included.
        min_amount, max_amount: bounds of the visit's total in the base unit, both included.
    """
    zone = get_locale().tz
    rows = Visit.objects.filter(customer_id=customer_id, voided_at=None)
    if from_date is not None:
        rows = rows.filter(visit_date__gte=local_day_bounds(from_date, zone)[0])
    if to_date is not None:
        rows = rows.filter(visit_date__lt=local_day_bounds(to_date, zone)[1])
    if min_amount is not None:
        rows = rows.filter(total_amount__gte=min_amount)
    if max_amount is not None:
        rows = rows.filter(total_amount__lte=max_amount)
    return rows.order_by("-visit_date", "-pk")


def recent_visits(customer_id: UUID, limit: int = RECENT) -> list[Visit]:
    """Return the guest's last ``limit`` visits that count, newest first."""
    return list(list_visits(customer_id)[:limit])


def visit_timeline(customer_id: UUID) -> QuerySet[Visit]:
    """Return all visits of the guest, voided ones too, newest first, with outlet and author."""
    rows = Visit.objects.filter(customer_id=customer_id).select_related("outlet", "created_by", "voided_by")
    return rows.order_by("-visit_date", "-pk")
