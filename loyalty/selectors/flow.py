"""Points on the move: one definition of issued, redeemed, expired and corrected for every figure and report.

- issued: what guests were given (bills, bonuses, referrals, additions by hand), less what was taken back of it;
- redeemed: what guests used, less what was given back;
- expired: what ran out;
- corrected: what was taken off by hand.

So issued - redeemed - expired - corrected is what guests hold. A merge moves points between two records of one guest
and is none of the four: what a merged record earned and used goes on counting where it was written. The rows of a
deleted guest, and of what was merged into one, count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, TruncDate

from loyalty.models import LedgerEntry, LoyaltyAccount
from servaan_crm.l10n.jalali import local_day_bounds, month_bounds
from servaan_crm.l10n.locale import get_locale

Type = LedgerEntry.Type
KINDS: dict[str, tuple[str, ...]] = {
    "issued": tuple(kind for kind in LedgerEntry.EARNING_TYPES if kind != Type.MERGE_EARNED),
    "redeemed": (Type.REDEEMED_DISCOUNT, Type.REDEEMED_ITEM, Type.REVERSED_REDEMPTION),
    "expired": (Type.EXPIRED,),
    "corrected": (Type.ADJUSTMENT_SUBTRACT,),
}
_HELD = "held"
_ALIVE = (
    Q(customer__deleted_at=None)
    | Q(customer__merged_into__isnull=False, customer__merged_into__deleted_at=None)
    | Q(
        customer__merged_into__merged_into__isnull=False,
        customer__merged_into__merged_into__deleted_at=None,
    )
)


@dataclass(frozen=True, slots=True)
class Flow:
    """Points of the four kinds, all as positive numbers; negative when more was taken back than given."""

    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    corrected: int = 0

    @property
    def change(self) -> int:
        """By how much the points that guests hold grew."""
        return self.issued - self.redeemed - self.expired - self.corrected


def entries(
    kinds: Iterable[str] = tuple(KINDS), *, first: date | None = None, last: date | None = None
) -> QuerySet[LedgerEntry]:
    """Return the rows behind a figure: of ``kinds``, made on the café's days ``first`` to ``last``."""
    types = [kind for name in kinds for kind in KINDS[name]]
    rows = LedgerEntry.objects.filter(_ALIVE, type__in=types)
    zone = get_locale().tz
    if first is not None:
        rows = rows.filter(created_at__gte=local_day_bounds(first, zone)[0])
    if last is not None:
        rows = rows.filter(created_at__lt=local_day_bounds(last, zone)[1])
    return rows


def get_flow(start: datetime | None = None, end: datetime | None = None) -> Flow:
    """Return what moved in ``start <= time < end``, or ever; one query."""
    rows = entries()
    if start is not None:
        rows = rows.filter(created_at__gte=start)
    if end is not None:
        rows = rows.filter(created_at__lt=end)
    return Flow(**rows.aggregate(**_sums()))


def get_flow_and_held(start: datetime, end: datetime) -> tuple[Flow, int]:
    """Return what moved in ``start <= time < end``, and the points that guests hold now; one query."""
    moved = entries().filter(created_at__gte=start, created_at__lt=end).order_by()
    held = LoyaltyAccount.objects.filter(customer__deleted_at=None).order_by().annotate(type=Value(_HELD))
    rows: QuerySet[Any, Any] = (
        moved.values_list("type")
        .annotate(sum=Sum("points"))
        .union(held.values_list("type").annotate(sum=Sum("balance")), all=True)
    )
    sums = {kind: points or 0 for kind, points in rows}
    totals = {name: sum(sums.get(kind, 0) for kind in kinds) for name, kinds in KINDS.items()}
    issued = totals.pop("issued")
    return Flow(issued=issued, **{name: -total for name, total in totals.items()}), sums.get(_HELD, 0)


def get_taken_off() -> int:
    """Return all points that ran out or were taken off by hand; one query."""
    return -int(entries(("expired", "corrected")).aggregate(points=Coalesce(Sum("points"), 0))["points"])


def get_monthly_flow(first: date, last: date) -> list[tuple[date, Flow]]:
    """Return the first day and the flow of each month of the café's calendar from ``first`` to ``last``; one query.

    The first and the last month are cut at the days given.
    """
    by_day = (
        entries(first=first, last=last)
        .annotate(day=TruncDate("created_at", tzinfo=get_locale().tz))
        .values("day")
        .order_by("day")
        .annotate(**_sums())
    )
    months: dict[date, Flow] = {}
    month = month_bounds(first)[0]
    while month <= last:
        months[month] = Flow()
        month = month_bounds(month)[1]
    for row in by_day:
        figures: dict[str, Any] = dict(row)
        month = month_bounds(figures.pop("day"))[0]
        months[month] = _added(months[month], Flow(**figures))
    return list(months.items())


def _added(one: Flow, other: Flow) -> Flow:
    return Flow(
        one.issued + other.issued, one.redeemed + other.redeemed, one.expired + other.expired,
        one.corrected + other.corrected,
    )  # fmt: skip


def _sums() -> dict[str, Any]:
    def total(name: str) -> Any:
        points = F("points") if name == "issued" else -F("points")
        return Coalesce(Sum(points, filter=Q(type__in=KINDS[name])), 0)

    return {name: total(name) for name in KINDS}
