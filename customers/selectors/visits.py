"""Reading the visits of a guest."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Func, Q, QuerySet, Sum, TextField
from django.db.models.functions import Coalesce

from customers.models import Visit
from servaan_crm.l10n.jalali import local_day_bounds
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.text import SearchKey, query_variants

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


@dataclass(frozen=True, slots=True)
class VisitFilter:
    """How a guest's timeline is narrowed. Dates are the café's, amounts in the base unit; bounds are included.

    ``amount`` bounds are of what was to be paid. ``search`` looks at names and categories of the items.
    """

    from_date: date | None = None
    to_date: date | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    payment: str = ""
    type: str = ""
    search: str = ""


@dataclass(frozen=True, slots=True)
class VisitSums:
    """What a set of visits adds up to; voided ones are counted apart and bring nothing."""

    visits: int
    voided: int
    spent: Decimal
    discount: Decimal
    earned: int
    redeemed: int


def filter_timeline(customer_id: UUID, wanted: VisitFilter) -> QuerySet[Visit]:
    """Return the guest's visits that match, voided ones too, newest first, with outlet and author."""
    zone = get_locale().tz
    rows = visit_timeline(customer_id)
    if wanted.from_date is not None:
        rows = rows.filter(visit_date__gte=local_day_bounds(wanted.from_date, zone)[0])
    if wanted.to_date is not None:
        rows = rows.filter(visit_date__lt=local_day_bounds(wanted.to_date, zone)[1])
    if wanted.min_amount is not None:
        rows = rows.filter(final_amount__gte=wanted.min_amount)
    if wanted.max_amount is not None:
        rows = rows.filter(final_amount__lte=wanted.max_amount)
    if wanted.payment:
        rows = rows.filter(payment_method=wanted.payment)
    if wanted.type:
        rows = rows.filter(visit_type=wanted.type)
    return _with_items(rows, wanted.search)


def _with_items(rows: QuerySet[Visit], search: str) -> QuerySet[Visit]:
    """Keep the visits with an item of that name or category, however it is typed."""
    if not search.strip():
        return rows
    keys = query_variants(search)
    if not keys:
        return rows.none()
    found = Q()
    for key in keys:
        found |= Q(item_words__contains=key)
    return rows.alias(item_words=SearchKey(_ItemWords("items"))).filter(found)


class _ItemWords(Func):
    """Names and categories of the items, as one text."""

    template = (
        "jsonb_path_query_array(%(expressions)s,"
        """ '$[*].keyvalue() ? (@.key == "name" || @.key == "category").value')::text"""
    )
    output_field = TextField()


def sum_visits(rows: QuerySet[Visit]) -> VisitSums:
    """Add up the visits of a filtered timeline; one query."""
    counted = Q(voided_at=None)
    found = rows.order_by().aggregate(
        visits=Count("pk", filter=counted),
        voided=Count("pk", filter=~counted),
        spent=Coalesce(Sum("final_amount", filter=counted), Decimal(0)),
        discount=Coalesce(Sum("discount_amount", filter=counted), Decimal(0)),
        earned=Coalesce(Sum("points_earned", filter=counted), 0),
        redeemed=Coalesce(Sum("points_redeemed", filter=counted), 0),
    )
    return VisitSums(**found)


def visit_timeline(customer_id: UUID) -> QuerySet[Visit]:
    """Return all visits of the guest, voided ones too, newest first, with outlet and author."""
    rows = Visit.objects.filter(customer_id=customer_id).select_related("outlet", "created_by", "voided_by")
    return rows.order_by("-visit_date", "-pk")
