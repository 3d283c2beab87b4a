"""Everything known of a guest in one row: seed 003's ``customer_360_view``.

Derived facts come from :mod:`customers.selectors.derived`, gaps and preferences from the rooms that define
them; this room brings them together with the contacts. A page costs the same queries whatever its length.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from customers.models import Customer, FamilyMember
from customers.selectors import CustomerList, Facts, all_customers, get_facts
from customers.selectors.favourites import Favourites, favourite_categories
from customers.selectors.rhythm import Rhythm, get_rhythms
from outreach.models import Interaction
from servaan_crm.l10n.jalali import local_date


@dataclass(frozen=True, slots=True)
class Customer360:
    """One guest with the columns of the view. ``phone`` is national, amounts are in the base unit."""

    customer_id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone: str
    customer_type: str
    lifecycle_stage: str
    customer_temperature: str
    lifetime_value: Decimal
    total_orders: int
    avg_order_value: int
    last_order_date: dt.date | None
    days_since_last_order: int | None
    family_members_count: int
    total_interactions: int
    preferred_categories: list[str]
    avg_days_between_orders: int | None


def split_name(name: str) -> tuple[str, str]:
    """Return first and last name, parted at the last space: «علی رضا» «احمدی». One word is a first name."""
    words = name.split()
    return (" ".join(words[:-1]), words[-1]) if len(words) > 1 else (name.strip(), "")


def find_360(
    *, customer_type: str = "", lifecycle_stage: str = "", temperature: str = "", facts: Facts | None = None
) -> CustomerList:
    """Return the guests with these derived facts, the newest first; what a paginator counts and slices.

    Raises KeyError for a value a fact does not have.
    """
    facts = facts or get_facts()
    rows = all_customers()
    asked = (
        (facts.customer_type, customer_type),
        (facts.lifecycle, lifecycle_stage),
        (facts.temperature, temperature),
    )
    for fact, value in asked:
        if value:
            rows = rows.filter(fact.q(value))
    return CustomerList(rows)


def get_360(customers: Iterable[Customer], facts: Facts | None = None) -> list[Customer360]:
    """Return the rows of ``customers``, loaded with their summaries, in their order; four queries."""
    guests = list(customers)
    if not guests:
        return []
    facts = facts or get_facts()
    ids = [guest.pk for guest in guests]
    family = _counted(FamilyMember.objects.filter(customer_id__in=ids))
    contacts = _counted(Interaction.objects.filter(customer_id__in=ids))
    rhythms, categories = get_rhythms(ids), favourite_categories(ids)
    return [
        _row(
            guest,
            facts,
            rhythm=rhythms.get(guest.pk, Rhythm()),
            categories=categories.get(guest.pk, Favourites()),
            counts=(family.get(guest.pk, 0), contacts.get(guest.pk, 0)),
        )
        for guest in guests
    ]


def _counted(rows: QuerySet[Any]) -> dict[UUID, int]:
    return dict(rows.order_by().values_list("customer_id").annotate(count=Count("pk")))


def _row(
    guest: Customer, facts: Facts, *, rhythm: Rhythm, categories: Favourites, counts: Sequence[int]
) -> Customer360:
    summary = guest.summary
    first_name, last_name = split_name(guest.name)
    return Customer360(
        customer_id=guest.pk,
        first_name=first_name,
        last_name=last_name,
        email=guest.email or None,
        phone=guest.national_phone,
        customer_type=facts.customer_type.of(summary),
        lifecycle_stage=facts.lifecycle.of(summary),
        customer_temperature=facts.temperature.of(summary),
        lifetime_value=summary.lifetime_spent,
        total_orders=summary.total_visits,
        avg_order_value=summary.average_spend,
        last_order_date=local_date(summary.last_visit_at, facts.locale) if summary.last_visit_at else None,
        days_since_last_order=facts.days(summary),
        family_members_count=counts[0],
        total_interactions=counts[1],
        preferred_categories=categories.names,
        avg_days_between_orders=rhythm.average_days,
    )
