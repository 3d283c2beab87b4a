"""Who is in a segment, who came and went, and how its size moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from customers.models import Customer
from customers.selectors.customers import ordering
from segments.models import Segment, SegmentChange, SegmentDay
from segments.selectors.segments import count_members
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale

ENTERED = "entered_at"


@dataclass(frozen=True, slots=True)
class MemberList:
    """The guests of a segment with ``entered_at``, a page at a time. sort: ``SORTS`` or ``ENTERED``."""

    segment: Segment
    sort: str = ENTERED
    order: str = "desc"

    def count(self) -> int:
        """Return how many there are."""
        return count_members(self.segment.pk).get(self.segment.pk, 0)

    def __getitem__(self, part: slice) -> list[Customer]:
        return list(self.rows()[part])

    def rows(self) -> QuerySet[Customer]:
        """Return them with their summaries."""
        rows = Customer.objects.filter(deleted_at=None, segment_memberships__segment=self.segment)
        rows = rows.annotate(entered_at=F("segment_memberships__entered_at")).select_related("summary")
        if self.sort == ENTERED:
            sign = "-" if self.order == "desc" else ""
            return rows.order_by(f"{sign}entered_at", f"{sign}pk")
        return rows.order_by(*ordering(self.sort, self.order))


def list_changes(
    segment: Segment, *, entered: bool | None = None, first: date | None = None, last: date | None = None
) -> QuerySet[SegmentChange]:
    """Return who came into the segment (``entered``) or left it, newest first, with guest and summary.

    Args:
        first, last: local days of the café, both included.
    """
    rows = SegmentChange.objects.filter(segment=segment, customer__deleted_at=None)
    rows = rows.select_related("customer__summary").order_by("-at", "-id")
    tz = get_locale().tz
    conditions: dict[str, Any] = {}
    if entered is not None:
        conditions["entered"] = entered
    if first is not None:
        conditions["at__gte"] = local_day_bounds(first, tz)[0]
    if last is not None:
        conditions["at__lt"] = local_day_bounds(last, tz)[1]
    return rows.filter(**conditions)


def list_history(segment: Segment, days: int = 90) -> list[SegmentDay]:
    """Return the segment's size at the last calculation of each of the last ``days`` days that had one."""
    since = local_date(timezone.now()) - timedelta(days=days)
    return list(SegmentDay.objects.filter(segment=segment, day__gte=since).order_by("day"))
