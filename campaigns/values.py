"""What the variables of texts stand for, written for the guest who reads them."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from customers.models import Customer, CustomerSummary
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.money import format_number
from servaan_crm.tenancy.current import get_cafe

# What a guest's values are made of, as ``values_list`` of Customer; the fields of ``Guest`` in order.
GUEST_FIELDS = (
    "pk", "name", "phone", "summary__points", "summary__tier", "summary__last_visit_at", "summary__total_visits",
)  # fmt: skip


class Guest(NamedTuple):
    """A guest as texts know it."""

    id: UUID
    name: str
    phone: str
    points: int
    tier: str
    last_visit_at: datetime | None
    total_visits: int

    @classmethod
    def of(cls, customer: Customer) -> Guest:
        """From a customer with its summary."""
        summary = customer.summary
        return cls(
            customer.pk, customer.name, customer.phone, summary.points, summary.tier, summary.last_visit_at,
            summary.total_visits,
        )  # fmt: skip


def cafe_name() -> str:
    """Return the café's name in its own language."""
    cafe = get_cafe()
    return cafe.name if cafe.language == "fa" else cafe.name_en or cafe.name


def guest_values(guest: Guest, *, today: date | None = None) -> dict[str, str]:
    """Return the values of the variables that are about a guest; "" where there is none."""
    locale = get_cafe().locale
    day = today or local_date(timezone.now(), locale)
    since = (day - local_date(guest.last_visit_at, locale)).days if guest.last_visit_at else None
    name = guest.name.strip()
    return {
        "name": name,
        "first_name": name.split()[0] if name else "",
        "points": format_number(guest.points, locale),
        "tier": str(CustomerSummary.TierLevel(guest.tier).label),
        "cafe_name": cafe_name(),
        "last_visit_days": "" if since is None else format_number(max(since, 0), locale),
        "total_visits": format_number(guest.total_visits, locale),
    }
