"""What the profile says about a guest beyond its fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count
from django.db.models.functions import ExtractHour
from django.utils import timezone
from django.utils.functional import Promise

from customers.models import Customer, Visit
from customers.selectors import Facts
from customers.selectors.derived import CustomerType, Lifecycle, Risk, Temperature
from customers.selectors.rhythm import ENOUGH_GAPS, get_rhythm
from customers.web.lists import TONES
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.jalali import local_date, next_occurrence

MIN_VISITS_FOR_HOURS = 3


@dataclass(frozen=True, slots=True)
class Badge:
    """A derived fact as a word with a tone."""

    code: str
    label: str | Promise
    tone: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Figures and facts of one guest as the page shows them."""

    type: Badge
    lifecycle: Badge
    temperature: Badge
    risk: Badge
    days_since: int | None
    rhythm_days: int | None
    average_bill: int
    birthday_in: int | None
    anniversary_in: int | None
    hours: list[tuple[str, int]]


def profile_of(customer: Customer, facts: Facts) -> Profile:
    """Work the profile out; two queries, for the hours of the visits and the days between them."""
    summary = customer.summary
    today = local_date(timezone.now())

    def badge(fact: str, choices: Any) -> Badge:
        code = getattr(facts, fact).of(summary)
        return Badge(code, choices(code).label, TONES.get(code, ""))

    return Profile(
        type=badge("customer_type", CustomerType),
        lifecycle=badge("lifecycle", Lifecycle),
        temperature=badge("temperature", Temperature),
        risk=badge("risk", Risk),
        days_since=facts.days(summary),
        rhythm_days=get_rhythm(customer.pk).own_days if summary.total_visits > ENOUGH_GAPS else None,
        average_bill=rounded(summary.average_spend),
        birthday_in=_days_to(customer.birthday, today),
        anniversary_in=_days_to(customer.anniversary, today),
        hours=visit_hours(customer, facts) if summary.total_visits >= MIN_VISITS_FOR_HOURS else [],
    )


def rounded(amount: int) -> int:
    """Return ``amount`` to three significant digits: an average is no bill to the last rial."""
    return round(amount, min(0, 3 - len(str(amount))))


def visit_hours(customer: Customer, facts: Facts) -> list[tuple[str, int]]:
    """Return (hour, visits) from the first to the last hour of the day the guest ever came at."""
    counted = (
        Visit.objects.filter(customer=customer, voided_at=None)
        .annotate(hour=ExtractHour("visit_date", tzinfo=facts.locale.tz))
        .values_list("hour")
        .annotate(visits=Count("pk"))
        .order_by("hour")
    )
    visits = dict(counted)
    if not visits:
        return []
    # At least eight columns, or a guest who always comes at nine fills the whole card with one bar.
    first, last = min(visits), max(visits)
    first, last = max(0, min(first, last - 7)), min(23, max(last, first + 7))
    return [(localize(hour), visits.get(hour, 0)) for hour in range(first, last + 1)]


def _days_to(day: date | None, today: date) -> int | None:
    return (next_occurrence(day, today) - today).days if day else None
