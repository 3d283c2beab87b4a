"""Guests who are dropping off, the most valuable first, and what was done to win them back.

The risk level is the product's (:meth:`customers.selectors.derived.Facts.risk`: days without a visit). Beside it
stands how late the guest is by its own rhythm: 40 days are nothing for one who comes every two months.

A recovery was *attempted* when the café called or wrote on its own account since the last visit: a contact to
the guest, or an advertising message that left. It was *successful* when the guest had been away before, was
contacted then, and came. Both may hold: a guest who came back once is worth a second call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from customers.models import Customer
from customers.selectors import CustomerList, Facts, all_customers, get_facts
from customers.selectors.derived import Risk
from customers.selectors.rhythm import Rhythm, get_rhythms
from servaan_crm.l10n.jalali import local_date
from servaan_crm.messaging.models import Message

# Who is not at risk is no drop-off.
RISK_LEVELS = tuple(risk for risk in Risk.values if risk != Risk.NONE)
# States in which a message has left for the guest.
_LEFT = (Message.State.SENT, Message.State.DELIVERED)

# Per guest: the newest attempt since the last visit, and whether an earlier one ended an absence. Both halves
# read their rows through the index on the guest; "before" and "after" are one step in the index on its visits.
_RECOVERY = """
WITH guests AS (
    SELECT s.customer_id, s.last_visit_at FROM customers_customersummary s
     WHERE s.customer_id = ANY(%(customers)s)
), attempts AS (
    SELECT i.customer_id, i.interaction_date AS at FROM outreach_interaction i
     WHERE i.customer_id = ANY(%(customers)s) AND i.direction = 'outbound'
    UNION ALL
    SELECT m.customer_id, m.sent_at FROM messaging_message m
     WHERE m.customer_id = ANY(%(customers)s) AND m.purpose = 'marketing' AND m.state = ANY(%(left)s)
)
SELECT g.customer_id, max(a.at) FILTER (WHERE a.at > g.last_visit_at) AS attempted_at,
       coalesce(bool_or(a.at <= g.last_visit_at AND a.at >= before.visit_date + %(away)s), false) AS succeeded
  FROM guests g JOIN attempts a ON a.customer_id = g.customer_id
  LEFT JOIN LATERAL (
      SELECT v.visit_date FROM customers_visit v
       WHERE v.customer_id = g.customer_id AND v.visit_date < a.at AND v.voided_at IS NULL
       ORDER BY v.visit_date DESC LIMIT 1
  ) AS before ON a.at <= g.last_visit_at
 GROUP BY g.customer_id
"""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was done about a guest's absence. ``attempted_at``: the newest attempt since the last visit."""

    attempted_at: dt.datetime | None = None
    succeeded_before: bool = False


@dataclass(frozen=True, slots=True)
class AtRisk:
    """One guest at risk. ``overdue_factor`` is None while the guest's own rhythm is not known."""

    customer: Customer
    last_active_date: dt.date
    days_inactive: int
    risk_level: str
    lifetime_value: Decimal
    rhythm: Rhythm
    overdue_factor: float | None
    recovery: Recovery

    @property
    def is_late(self) -> bool:
        """Whether so long an absence is unusual for this guest."""
        late = self.rhythm.late_from
        return late is not None and self.last_active_date + dt.timedelta(days=self.days_inactive) >= late


def find_at_risk(levels: Iterable[str] = (), facts: Facts | None = None) -> CustomerList:
    """Return the guests at risk, those who spent most first; what a paginator counts and slices.

    Blocked and erased guests are left out: nobody is going to win them back. Each level is one range of the
    index on the last visit. Raises KeyError for an unknown level.
    """
    facts = facts or get_facts()
    condition = Q()
    for level in list(levels) or RISK_LEVELS:
        condition |= facts.risk.q(level)
    rows = all_customers().filter(condition, erased_at=None).exclude(status=Customer.Status.BLOCKED)
    return CustomerList(rows, sort="lifetime_spent", order="desc")


def describe_at_risk(customers: Iterable[Customer], facts: Facts | None = None) -> list[AtRisk]:
    """Return what is to be said of ``customers``, loaded with their summaries, in their order; two queries."""
    guests = list(customers)
    if not guests:
        return []
    facts = facts or get_facts()
    ids = [guest.pk for guest in guests]
    rhythms, recoveries = get_rhythms(ids), get_recoveries(ids, facts)
    return [
        _row(guest, facts, rhythms.get(guest.pk, Rhythm()), recoveries.get(guest.pk, Recovery()))
        for guest in guests
    ]


def get_recoveries(customers: Iterable[UUID], facts: Facts) -> dict[UUID, Recovery]:
    """Return the recovery of each of these guests whom the café contacted at all; one query."""
    values: dict[str, Any] = {
        "customers": list(customers),
        "left": [str(state) for state in _LEFT],
        "away": dt.timedelta(days=facts.limits.risk_days[0]),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECOVERY, values)
        return {row[0]: Recovery(row[1], row[2]) for row in cursor.fetchall()}


def _row(guest: Customer, facts: Facts, rhythm: Rhythm, recovery: Recovery) -> AtRisk:
    summary = guest.summary
    assert summary.last_visit_at is not None  # no risk without a visit
    return AtRisk(
        customer=guest,
        last_active_date=local_date(summary.last_visit_at, facts.locale),
        days_inactive=facts.days(summary) or 0,
        risk_level=facts.risk.of(summary),
        lifetime_value=summary.lifetime_spent,
        rhythm=rhythm,
        overdue_factor=rhythm.overdue_factor(local_date(facts.now, facts.locale)),
        recovery=recovery,
    )


def count_at_risk(facts: Facts | None = None) -> dict[str, int]:
    """Return how many guests there are at each level; one query."""
    facts = facts or get_facts()
    counts = {level: Count("pk", filter=facts.risk.q(level)) for level in RISK_LEVELS}
    rows = find_at_risk(facts=facts).matches.order_by()
    return dict(rows.aggregate(**counts))
