"""Reading the customer book.

A list of guests filters by the guest or by the summary, and orders by the other one. PostgreSQL does not know how the
two go together, and guesses: few that match, spread over an index of a million, cost seconds. So the count decides how
a page is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy

from customers.errors import CustomerNotFound
from customers.merging.heirs import heir_of, heirs_of_prefix
from customers.models import Customer, CustomerSummary
from customers.selectors.counts import BOUND, Count, count_all_guests, count_up_to
from customers.selectors.figures import count_guests
from customers.selectors.search import digits_fragment, national_prefix, search_customers
from servaan_crm.l10n.phone import is_phone_like

# How many matches of a fragment are weighed against each other at the counter.
CANDIDATES = 200

# A LIMIT no café reaches: PostgreSQL does not look through it.
FENCE = 1_000_000_000
# How many rows of an order are tried at most before the matches are gathered and sorted.
LONGEST_WALK = 10_000

_LAST = "summary__last_visit_at"
# Each ordering is that of one index, so that a page is read from it; descending is the same walked back.
_ASCENDING: dict[str, Sequence[Any]] = {
    "name": (F("sort_key").asc(), F("pk").asc()),
    "phone": (F("phone").asc(),),
    "created_at": (F("created_at").asc(), F("pk").desc()),
    "last_visit": (F(_LAST).asc(nulls_first=True), F("summary__customer_id").desc()),
    "lifetime_spent": (F("summary__lifetime_spent").asc(), F("summary__customer_id").desc()),
    "total_visits": (F("summary__total_visits").asc(), F("summary__customer_id").desc()),
    "points": (F("summary__points").asc(), F("summary__customer_id").desc()),
}
SORTS = tuple(_ASCENDING)
OF_SUMMARY = ("last_visit", "lifetime_spent", "total_visits", "points")
DEFAULT_SORT, DEFAULT_ORDER = "created_at", "desc"


def ordering(sort: str, order: str) -> list[OrderBy]:
    """Return the ordering ``sort`` (one of ``SORTS``) in ``order`` ("asc" or "desc")."""
    keys: list[OrderBy] = [key.copy() for key in _ASCENDING[sort]]
    if order == "desc":
        for key in keys:
            key.reverse_ordering()
    return keys


@dataclass
class CustomerList:
    """Guests that match, in order: what a paginator counts and slices.

    ``is_everybody``: nothing narrows the list, so its length is known without counting. ``of_summary``: the same guests
    as summaries alone, when no filter needs more. ``group``: segment and tier, when nothing else narrows; their figures
    are kept. ``unfenced``: the same guests with the search left to the planner, for counting.
    ``may_walk``: once counting has shown that very many match, a page may be read in the order of the list, testing row
    by row; it is full after a few rows.
    """

    matches: QuerySet[Customer]
    sort: str = DEFAULT_SORT
    order: str = DEFAULT_ORDER
    is_everybody: bool = False
    of_summary: QuerySet[CustomerSummary] | None = None
    group: tuple[str, str] | None = None
    unfenced: QuerySet[Customer] | None = None
    may_walk: bool = False
    found: Count | None = None
    ordered: ClassVar[bool] = True  # what Django's paginator asks for

    def rows(self) -> QuerySet[Customer]:
        """Return the guests with their summaries, in order."""
        broad = self.found is not None and self.found.value >= BOUND
        return self._in_order(self._planned() if broad and self.may_walk else self.matches)

    def count(self) -> int:
        """Return how many guests match."""
        self.found = Count(self._count())
        return self.found.value

    def count_up_to(self, bound: int) -> Count:
        """Return how many guests match, exactly if they are at most ``bound`` or the number is kept."""
        if self.is_everybody or self.group is not None:
            self.found = Count(self._count())
        elif self.of_summary is not None:
            self.found = self._bounded(self.of_summary, bound)
        else:
            self.found = count_up_to(self._planned(), bound)
        return self.found

    def _count(self) -> int:
        if self.is_everybody:
            return count_all_guests()
        if self.group is not None:
            return count_guests(segment=self.group[0], tier=self.group[1])
        if self.of_summary is not None:
            return self.of_summary.count() - self._of_deleted
        return self._planned().order_by().count()

    def _bounded(self, rows: QuerySet[CustomerSummary], bound: int) -> Count:
        """Count summaries, and take those of deleted guests off, who are few."""
        gone = self._of_deleted
        some = rows.order_by()[: bound + gone + 1].count()
        return Count(min(some - gone, bound), some - gone <= bound)

    @cached_property
    def _of_deleted(self) -> int:
        if self.of_summary is None:
            return 0
        return self.of_summary.filter(customer__deleted_at__isnull=False).count()

    def _planned(self) -> QuerySet[Customer]:
        return self.matches if self.unfenced is None else self.unfenced

    def _in_order(self, matches: QuerySet[Customer]) -> QuerySet[Customer]:
        # The condition makes the join an inner one; only then can the summary's indexes give the order.
        rows = matches.filter(summary__isnull=False).select_related("summary")
        return rows.defer("search_key", "sort_key").order_by(*ordering(self.sort, self.order))

    def __getitem__(self, part: slice) -> QuerySet[Customer]:
        if self.is_everybody or self.unfenced is not None or self.found is None:
            return self.rows()[part]
        if self.found.value > BOUND or not self.found.is_exact:
            wanted = min(part.stop, self.found.value) if self.found.is_exact else part.stop
            ids = self._walk(part.start or 0, wanted)
            if ids is None:
                ids = self._sorted_ids(part)
            if ids is not None:
                return self._in_order(all_customers().filter(pk__in=ids))
            return self.rows()[part]
        rows: QuerySet[Any] = self.matches if self.of_summary is None else self.of_summary
        gathered = rows.order_by().values("pk")[:FENCE]
        return self._in_order(all_customers().filter(pk__in=gathered))[part]

    def _walk(self, start: int, stop: int) -> list[UUID] | None:
        """Return the ids of a page from the first rows of the order; None when too few of them match.

        As many rows are tried as should hold the page four times over, if matches were spread evenly.
        """
        share = max(1, self.found.value if self.found else 1) / max(1, count_all_guests())
        window = min(LONGEST_WALK, int(4 * stop / share) + 100)
        first = self._in_order(all_customers())[:window]
        rows = self._in_order(self.matches.filter(pk__in=first.values("pk")))
        ids = list(rows.values_list("pk", flat=True)[start:stop])
        return list(ids) if len(ids) == stop - start else None

    def _sorted_ids(self, part: slice) -> list[UUID] | None:
        """Return the ids of a page by sorting all matches, as ids alone; None unless summaries tell who matches.

        For orders at whose near end nobody matches: walking on would test most of the book, row by row.
        """
        if self.of_summary is None:
            return None
        keys = ordering(self.sort, self.order)
        if self.sort in OF_SUMMARY:
            for key in keys:
                name: str = getattr(key.expression, "name", "")
                key.set_source_expressions([F(name.removeprefix("summary__"))])
            deleted = Customer.objects.filter(deleted_at__isnull=False).order_by()
            found = self.of_summary.exclude(pk__in=deleted.values("pk")).order_by(*keys)
            return list(found.values_list("pk", flat=True)[part])
        gathered = self.of_summary.order_by().values("pk")[:FENCE]
        rows = all_customers().filter(pk__in=gathered).order_by(*keys)
        return list(rows.values_list("pk", flat=True)[part])


def all_customers() -> QuerySet[Customer]:
    """Return the guests that are not deleted."""
    return Customer.objects.filter(deleted_at=None)


def get_customer(customer_id: UUID, *, deleted_too: bool = False) -> Customer:
    """Return one guest with its summary. Raises CustomerNotFound."""
    rows = Customer.objects.select_related("summary").defer("search_key", "sort_key")
    if not deleted_too:
        rows = rows.filter(deleted_at=None)
    customer = rows.filter(pk=customer_id).first()
    if customer is None:
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    return customer


def get_by_phone(phone: str) -> Customer:
    """Return the guest with the number ``phone`` (E.164), also when it was the number of a merged record.

    Raises:
        CustomerNotFound: nobody has it; the details offer a deleted guest who had it.
    """
    rows = Customer.objects.select_related("summary").defer("search_key", "sort_key")
    customer = rows.filter(phone=phone, deleted_at=None).first()
    if customer is None and (heir := heir_of(phone)):
        return get_customer(heir)
    if customer is None:
        deleted = find_deleted(phone)
        raise CustomerNotFound.by_phone(phone, deleted_customer_id=deleted.pk if deleted else None)
    return customer


def find_deleted(phone: str) -> Customer | None:
    """Return the guest with the number ``phone`` (E.164) who was deleted last and can be restored, if any."""
    deleted = Customer.objects.filter(phone=phone, merged_into=None).exclude(deleted_at=None)
    return deleted.order_by("-deleted_at").first()


def lookup(typed: str, limit: int = 8) -> list[Customer]:
    """Return up to ``limit`` guests for what stands in the counter's field, last seen first.

    Digits are the beginning of a number as the country writes it; when no number begins so, they may
    stand anywhere in it, from three digits on. Anything else is searched as a name. At most three
    queries, each bounded by ``CANDIDATES`` rows; the summaries are loaded.
    """
    ids = _phone_candidates(typed) if is_phone_like(typed) else _name_candidates(typed)
    if not ids:
        return []
    rows = all_customers().filter(pk__in=ids, summary__isnull=False).select_related("summary")
    return list(
        rows.order_by(F(_LAST).desc(nulls_last=True), "phone").defer("search_key", "sort_key")[:limit]
    )


def _phone_candidates(typed: str) -> list[UUID]:
    prefix, fragment = national_prefix(typed), digits_fragment(typed)
    if prefix:
        found = all_customers().filter(phone__startswith=prefix).order_by("phone")
        ids = list(found.values_list("pk", flat=True)[:CANDIDATES])
        if ids := ids or heirs_of_prefix(prefix):
            return ids
    return _pks(all_customers().filter(phone__contains=fragment)) if fragment else []


def _name_candidates(typed: str) -> list[UUID]:
    if not typed.strip():
        return []
    return _pks(search_customers(all_customers(), typed))


def _pks(rows: QuerySet[Customer]) -> list[UUID]:
    return list(rows.order_by().values_list("pk", flat=True)[:CANDIDATES])
