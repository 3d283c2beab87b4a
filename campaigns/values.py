"""What the variables of texts stand for, written for the guest who reads them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from customers.models import Customer, CustomerSummary
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import CafeLocale
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


def guest_values(
    guest: Guest, *, today: date | None = None, only: Collection[str] | None = None
) -> dict[str, str]:
    """Return the values of the variables that are about a guest; "" where there is none.

    Args:
        today: the café's day; default: now.
        only: the variables the text has; each of the others costs time, 200,000 times.
    """
    locale = get_cafe().locale
    values: dict[str, str] = {}
    for name, write in _WRITERS.items():
        if only is None or name in only:
            values[name] = write(guest, locale)
    if only is None or "last_visit_days" in only:
        day = today or local_date(timezone.now(), locale)
        since = (day - local_date(guest.last_visit_at, locale)).days if guest.last_visit_at else None
        values["last_visit_days"] = "" if since is None else format_number(max(since, 0), locale)
    return values


# Marks of direction in a name would turn the rest of the text round, and make Latin messages cost double. The ones
# that join (ZWNJ, ZWJ) belong to the letters and to emoji.
_TURNING = dict.fromkeys(
    map(ord, "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
)


def plain_name(name: str) -> str:
    """Return a name as it stands in a text: on one line, without marks that turn what follows."""
    return " ".join(name.translate(_TURNING).split())


_WRITERS: dict[str, Callable[[Guest, CafeLocale], str]] = {
    "name": lambda guest, _locale: plain_name(guest.name),
    "first_name": lambda guest, _locale: (plain_name(guest.name).split() or [""])[0],
    "points": lambda guest, locale: format_number(guest.points, locale),
    "tier": lambda guest, _locale: str(CustomerSummary.TierLevel(guest.tier).label),
    "cafe_name": lambda _guest, _locale: cafe_name(),
    "total_visits": lambda guest, locale: format_number(guest.total_visits, locale),
}
