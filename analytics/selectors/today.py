"""What the home page tells: the last days at a glance, the latest visits, what is still to be set up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from analytics.periods import Period, last_days
from analytics.selectors.statistics import percent_of
from customers.models import MenuItem, Visit
from servaan_crm.accounts.models import User
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.models import GatewayState, ProviderAccount


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the café: visits that were not voided, what they brought (base unit), how many had a guest."""

    date: dt.date
    visits: int = 0
    revenue: Decimal = Decimal(0)
    known: int = 0

    @property
    def capture_rate(self) -> Decimal | None:
        """Share of visits with a known guest, in percent; None on a day without visits."""
        return percent_of(self.known, self.visits)


def list_days(period: Period, outlet_id: UUID | None = None) -> list[Day]:
    """Return every day of ``period``, oldest first, those without a visit included; one query."""
    counted = Visit.objects.filter(visit_date__gte=period.start, visit_date__lt=period.end, voided_at=None)
    if outlet_id:
        counted = counted.filter(outlet_id=outlet_id)
    rows = (
        counted.annotate(day=TruncDate("visit_date", tzinfo=get_locale().tz))
        .values("day")
        .annotate(
            visits=Count("pk"),
            revenue=Sum("final_amount"),
            known=Count("pk", filter=Q(customer__isnull=False)),
        )
        .order_by("day")
    )
    found = {row["day"]: Day(row["day"], row["visits"], row["revenue"], row["known"]) for row in rows}
    dates = (period.first + dt.timedelta(days=offset) for offset in range(period.days))
    return [found.get(date, Day(date)) for date in dates]


def list_last_days(count: int) -> list[Day]:
    """Return the last ``count`` days, today last."""
    return list_days(last_days(count))


def list_latest_visits(limit: int) -> QuerySet[Visit]:
    """Return the newest visits with their guests, voided ones left out."""
    return (
        Visit.objects.filter(voided_at=None)
        .select_related("customer__summary", "outlet")
        .order_by("-visit_date", "-pk")[:limit]
    )


@dataclass(frozen=True, slots=True)
class Setup:
    """What a café has put in place, and whether its SMS account is in trouble."""

    has_menu: bool
    has_provider: bool
    has_colleagues: bool
    has_visits: bool
    provider_problem: bool
    low_credit: bool


def get_setup(user: User) -> Setup:
    """Return the state of the café's set-up, from one query."""
    row = (
        User.objects.filter(pk=user.pk)
        .annotate(
            menu=Exists(MenuItem.objects.filter(is_active=True)),
            provider=Exists(ProviderAccount.objects.filter(is_active=True)),
            colleagues=Exists(User.objects.filter(is_active=True).exclude(pk=OuterRef("pk"))),
            any_visit=Exists(Visit.objects.all()),
            problem=Exists(GatewayState.objects.exclude(problem_class="")),
            low_credit=Exists(GatewayState.objects.filter(low_since__isnull=False)),
        )
        .values("menu", "provider", "colleagues", "any_visit", "problem", "low_credit")
        .get()
    )
    return Setup(
        has_menu=row["menu"],
        has_provider=row["provider"] or bool(settings.KAVENEGAR_API_KEY),
        has_colleagues=row["colleagues"],
        has_visits=row["any_visit"],
        provider_problem=row["problem"],
        low_credit=row["low_credit"],
    )
