"""How many guests: exact without reading them when nothing narrows the list, up to a bound when that will do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet, Sum

from customers.models import Customer, GuestCount

# A page says "more than 10,000" at first; whoever wants to know exactly asks once more.
BOUND = 10_000


def count_all_guests() -> int:
    """Return how many guests are not deleted, as this transaction sees it."""
    return int(GuestCount.objects.aggregate(total=Sum("change"))["total"] or 0)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of guests; when it is not exact there are more than ``value``."""

    value: int
    is_exact: bool = True


def count_up_to(rows: QuerySet[Customer], bound: int) -> Count:
    """Count ``rows`` exactly as long as they are at most ``bound``; the work is bounded too."""
    found = rows.order_by()[: bound + 1].count()
    return Count(min(found, bound), found <= bound)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # Django subscripts it for checkers only
    """Pages of a list of unknown length: counts exactly up to a bound, and as far as the page that is asked for.

    The list has ``count_up_to(bound) -> Count``.
    """

    def __init__(self, rows: Any, per_page: int, *, page: int) -> None:
        super().__init__(rows, per_page)
        self._bound = max(BOUND, (page + 4) * per_page)

    @cached_property
    def found(self) -> Count:
        return self.object_list.count_up_to(self._bound)  # type: ignore[attr-defined, no-any-return]

    @cached_property
    def count(self) -> int:
        return self.found.value
