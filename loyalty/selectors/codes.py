"""Reads of discount codes: the list with its filters, the uses, the figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from loyalty.models import DiscountCode, DiscountUse
from servaan_crm.core.errors import NotFound
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import local_date

STATES = ("usable", "off", "used_up", "expired", "upcoming")


def list_codes(filters: dict[str, Any] | None = None) -> QuerySet[DiscountCode]:
    """Return codes, newest first, with ``discount_given`` (base unit) of the bills that count.

    Args:
        filters: any of ``search`` (part of code or name), ``state`` (one of ``STATES``), ``kind``, ``customer_id``,
            ``campaign_id``, ``personal`` and ``used`` (booleans).
    """
    wanted = filters or {}
    rows = DiscountCode.objects.select_related("customer").order_by("-created_at", "-id")
    if search := wanted.get("search"):
        code = "".join(to_ascii(search).split()).upper()
        rows = rows.filter(Q(code__contains=code) | Q(name__icontains=search.strip()))
    for name in ("kind", "customer_id", "campaign_id"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if wanted.get("personal") is not None:
        rows = rows.filter(customer__isnull=not wanted["personal"])
    if wanted.get("used") is not None:
        rows = rows.filter(times_used__gt=0) if wanted["used"] else rows.filter(times_used=0)
    if wanted.get("state"):
        rows = rows.filter(_in_state(wanted["state"]))
    return rows


def _in_state(state: str) -> Q:
    """Return the condition of one state; the states do not overlap."""
    today = local_date(timezone.now())
    off = Q(is_active=False)
    expired = Q(ends_on__lt=today)
    used_up = Q(max_uses__isnull=False, times_used__gte=F("max_uses"))
    upcoming = Q(starts_on__gt=today)
    return {
        "off": off,
        "expired": ~off & expired,
        "used_up": ~off & ~expired & used_up,
        "upcoming": ~off & ~expired & ~used_up & upcoming,
        "usable": ~off
        & (Q(ends_on=None) | ~expired)
        & (Q(max_uses=None) | ~used_up)
        & (Q(starts_on=None) | ~upcoming),
    }[state]


def state_of(code: DiscountCode) -> str:
    """Return the state of one code, as the filter ``state`` knows it."""
    today = local_date(timezone.now())
    if not code.is_active:
        return "off"
    if code.ends_on and code.ends_on < today:
        return "expired"
    if code.max_uses is not None and code.times_used >= code.max_uses:
        return "used_up"
    return "upcoming" if code.starts_on and code.starts_on > today else "usable"


def get_code(code_id: UUID) -> DiscountCode:
    """Return one code with its guest. Raises NotFound."""
    row = DiscountCode.objects.select_related("customer").filter(pk=code_id).first()
    if row is None:
        raise NotFound(details={"code_id": str(code_id)})
    return row


def list_uses(code: DiscountCode) -> QuerySet[DiscountUse]:
    """Return the uses of a code, newest first, those taken back with their bill too."""
    rows = DiscountUse.objects.filter(code=code).select_related("customer", "visit")
    return rows.order_by("-created_at", "-id")


@dataclass(frozen=True, slots=True)
class CodeFigures:
    """What codes brought: uses that count, discount given and the amount of those bills after it (base unit)."""

    codes: int
    uses: int
    guests: int
    given: Decimal
    revenue: Decimal

    @property
    def share(self) -> Decimal | None:
        """The discount in percent of what the bills were before it; None without a bill."""
        before = self.revenue + self.given
        return self.given * 100 / before if before else None


def code_figures(codes: QuerySet[DiscountCode]) -> CodeFigures:
    """Return the figures of all codes of a list; two queries."""
    uses = DiscountUse.objects.filter(reversed_at=None, code__in=codes.order_by().values("pk"))
    found = uses.aggregate(
        uses=Count("pk"),
        guests=Count("customer", distinct=True),
        given=Coalesce(Sum("amount"), Decimal(0)),
        revenue=Coalesce(Sum("visit__final_amount"), Decimal(0)),
    )
    return CodeFigures(codes=codes.count(), **found)


def given_by(codes: list[DiscountCode]) -> dict[UUID, Decimal]:
    """Return how much each of the codes took off the bills that count; one query."""
    uses = DiscountUse.objects.filter(code__in=codes, reversed_at=None).values_list("code_id")
    return dict(uses.annotate(given=Sum("amount")).order_by())


def code_lines(codes: QuerySet[DiscountCode]) -> Iterator[DiscountCode]:
    """Return the rows of a file with codes, read in blocks."""
    return codes.iterator(chunk_size=2000)
