"""One query for any number of criteria: what they need is collected first, then each table is read once.

Every table with many rows per guest (visits, feedback, messages, uses of codes) becomes one aggregate, however many
windows ask for it; a window is a ``FILTER`` of that aggregate. Reading starts at the earliest day any window needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from customers.selectors.derived import Facts
from segments.language.sql import Sql, every, joined, sql, value
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import CafeLocale

# A select list of PostgreSQL ends at 1664; all segments of a café share one query.
MOST_COLUMNS = 800
GUEST, SUMMARY = "customers_customer", "customers_customersummary"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with many rows per guest: which rows count at all, and when they happened."""

    name: str
    alias: str
    at: str
    only: str
    customer: str = "customer_id"


VISITS = Table("customers_visit", "v", "visit_date", "voided_at IS NULL AND customer_id IS NOT NULL")
FEEDBACK = Table("feedback_feedback", "f", "created_at", "customer_id IS NOT NULL")
MESSAGES = Table(
    "messaging_message", "m", "created_at", "customer_id IS NOT NULL AND state IN ('sent', 'delivered')"
)
CODE_USES = Table("loyalty_discountuse", "d", "created_at", "customer_id IS NOT NULL AND reversed_at IS NULL")
VOUCHERS = Table("loyalty_voucher", "w", "created_at", "TRUE")

# One row per guest at most: joined as they are.
SINGLE = {
    "account": "LEFT JOIN loyalty_loyaltyaccount account ON account.customer_id = customers_customer.id",
    "rfm": "LEFT JOIN segments_rfmscore rfm ON rfm.customer_id = customers_customer.id",
}


@dataclass(slots=True)
class _Aggregate:
    """What is asked of one table."""

    table: Table
    alias: str
    columns: list[Sql] = field(default_factory=list)
    since: datetime | None = None
    unbounded: bool = False

    def has_room_for(self, expression: Sql) -> bool:
        """Say whether ``expression`` is here or can still be taken in."""
        return len(self.columns) < MOST_COLUMNS or expression in self.columns

    def column(self, expression: Sql, since: datetime | None) -> str:
        if since is None:
            self.unbounded = True
        elif self.since is None or since < self.since:
            self.since = since
        # Two conditions that ask the same share a column.
        if expression not in self.columns:
            self.columns.append(expression)
        return f"a{self.columns.index(expression)}"

    def join(self, guests: Sequence[UUID] | None) -> Sql:
        table = self.table
        conditions = [Sql(table.only)]
        if self.since is not None and not self.unbounded:
            conditions.append(sql(f"{table.at} >= {{}}", value(self.since)))
        if guests is not None:
            conditions.append(sql(f"{table.customer} = ANY({{}})", value(list(guests))))
        named = (sql(f"{{}} AS a{place}", part) for place, part in enumerate(self.columns))
        columns = joined(", ", named)
        return sql(
            f" LEFT JOIN (SELECT {table.customer} AS guest, {{}} FROM {table.name} WHERE {{}} GROUP BY 1)"
            f" {self.alias} ON {self.alias}.guest = {GUEST}.id",
            columns,
            every(conditions),
        )


class Plan:
    """Collects what conditions need, and writes the query that reads it once.

    Days are local days of the café: "within N days" is today and the N days before it, as "days since the last
    visit" counts. So a plan stays right until midnight.
    """

    def __init__(self, *, now: datetime, locale: CafeLocale, facts: Facts) -> None:
        self.now = now
        self.locale = locale
        self.facts = facts
        self.today = local_date(now, locale)
        self._aggregates: dict[str, _Aggregate] = {}
        self._single: set[str] = set()

    def day_start(self, days_ago: int) -> datetime:
        """Return the first instant of the local day ``days_ago`` days before today."""
        return self.start_of(self.today - timedelta(days=days_ago))

    def start_of(self, day: date) -> datetime:
        """Return the first instant of a local day."""
        return local_day_bounds(day, self.locale.tz)[0]

    def end_of(self, day: date) -> datetime:
        """Return the first instant after a local day."""
        return local_day_bounds(day, self.locale.tz)[1]

    def aggregate(
        self, table: Table, expression: str, *, where: Sequence[Sql] = (), since: datetime | None = None
    ) -> Sql:
        """Return the column that holds ``expression`` (an aggregate call) over the guest's rows of ``table``.

        Args:
            where: conditions on the rows, on top of the table's own; cheap ones first.
            since: the earliest instant the rows can have; None: from the beginning.
        """
        conditions = list(where)
        if since is not None:
            conditions.insert(0, sql(f"{table.at} >= {{}}", value(since)))
        call = sql(f"{expression} FILTER (WHERE {{}})", every(conditions)) if conditions else Sql(expression)
        return Sql(self._column(table, call, since))

    def _column(self, table: Table, call: Sql, since: datetime | None) -> str:
        """Return the name of a column with ``call``, in the first aggregate of ``table`` that has it or has room."""
        place = 0
        while True:
            alias = f"{table.alias}_{place}" if place else table.alias
            found = self._aggregates.setdefault(alias, _Aggregate(table, alias))
            if found.has_room_for(call):
                return f"{alias}.{found.column(call, since)}"
            place += 1

    def row_of(self, name: str, column: str) -> Sql:
        """Return a column of a table that has one row per guest at most; NULL without a row."""
        self._single.add(name)
        return Sql(f"{name}.{column}")

    def source(self, guests: Sequence[UUID] | None = None) -> Sql:
        """Return everything after ``FROM``: guests that are not deleted, all or the given ones."""
        text = Sql(f"{GUEST} JOIN {SUMMARY} ON {SUMMARY}.customer_id = {GUEST}.id")
        for name in sorted(self._single):
            text += Sql(" " + SINGLE[name])
        for found in self._aggregates.values():
            text += found.join(guests)
        text += Sql(f" WHERE {GUEST}.deleted_at IS NULL")
        if guests is not None:
            text += sql(f" AND {GUEST}.id = ANY({{}})", value(list(guests)))
        return text
