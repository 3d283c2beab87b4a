"""One guest's ledger and open lots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from loyalty import lots
from loyalty.models import LedgerEntry, LoyaltyAccount
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What to show: one type, and the café's days from and to, both included; None and "" narrow nothing."""

    type: str = ""
    from_date: date | None = None
    to_date: date | None = None


@dataclass(frozen=True, slots=True)
class OpenLot:
    """Points with their last valid day; ``days`` left, today not counted; both None: valid for ever."""

    expires_on: date | None
    points: int
    days: int | None


def guest_entries(customer_id: UUID, wanted: LedgerFilter | None = None) -> QuerySet[LedgerEntry]:
    """Return the guest's ledger, newest first."""
    wanted = wanted or LedgerFilter()
    rows = LedgerEntry.objects.filter(customer_id=customer_id).order_by("-sequence")
    zone = get_locale().tz
    if wanted.type:
        rows = rows.filter(type=wanted.type)
    if wanted.from_date:
        rows = rows.filter(created_at__gte=local_day_bounds(wanted.from_date, zone)[0])
    if wanted.to_date:
        rows = rows.filter(created_at__lt=local_day_bounds(wanted.to_date, zone)[1])
    return rows


def open_lots_of(account: LoyaltyAccount) -> list[OpenLot]:
    """Return the lots that can be used today, the one that runs out first in front.

    What ran out already and only waits for the night is not among them.
    """
    today = local_date(timezone.now())
    return [
        OpenLot(lot.expires_on, lot.points, (lot.expires_on - today).days if lot.expires_on else None)
        for lot in lots.read(account.balance, account.lot_expiries, account.lot_points)
        if lot.expires_on is None or lot.expires_on >= today
    ]
