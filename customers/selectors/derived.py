"""Facts worked out from a guest's summary: one definition each, never stored.

A fact is a list of cases that exclude each other. Each case is written down once, as bounds on the days
since the last visit, the number of visits and the spend; from it come the condition of a filter, the
annotation of a queryset and the answer for one instance. Bounds in days compile to a range of
``last_visit_at``, so filtering uses the index on it.

``days`` are whole days between the last visit's local date and today (product page, "Customers").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.expressions import Expression
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import CustomerSummary
from servaan_crm.l10n.jalali import days_since, local_date, local_day_bounds
from servaan_crm.l10n.locale import CafeLocale
from servaan_crm.tenancy.current import get_cafe

# "High spend" where the café has not said: the 50,000 taka of the CRM guide and its like in other currencies.
VIP_SPEND = {"IRR": 50_000_000, "INR": 50_000, "BDT": 50_000}


class CustomerType(models.TextChoices):
    NEW = "new", pgettext_lazy("customer type", "New")
    REPEAT = "repeat", pgettext_lazy("customer type", "Repeat")
    VIP = "vip", pgettext_lazy("customer type", "VIP")
    INACTIVE = "inactive", pgettext_lazy("customer type", "Inactive")


class Lifecycle(models.TextChoices):
    PROSPECT = "prospect", _("Not yet a guest")
    NEW = "new", pgettext_lazy("lifecycle", "New")
    ACTIVE = "active", pgettext_lazy("lifecycle", "Active")
    AT_RISK = "at_risk", _("At risk")
    CHURNED = "churned", _("Churned")


class Temperature(models.TextChoices):
    HOT = "hot", _("Hot")
    WARM = "warm", _("Warm")
    COLD = "cold", _("Cold")


class Risk(models.TextChoices):
    NONE = "none", pgettext_lazy("risk", "None")
    LOW = "low", pgettext_lazy("risk", "Low")
    MEDIUM = "medium", pgettext_lazy("risk", "Medium")
    HIGH = "high", pgettext_lazy("risk", "High")
    CRITICAL = "critical", pgettext_lazy("risk", "Critical")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Day counts and limits of one café; ``vip_spend`` is in the base unit of its currency."""

    inactive_days: int
    churn_days: int
    at_risk_days: int
    hot_days: int
    warm_days: int
    risk_days: tuple[int, int, int, int]
    vip_visits: int
    vip_spend: Decimal

    @classmethod
    def of_cafe(cls) -> Thresholds:
        """Return the settings of the café in hand, or the product's defaults."""
        cafe = get_cafe()
        risk = cafe.setting("risk_days", (30, 60, 90, 120))
        return cls(
            inactive_days=cafe.setting("inactive_days", 90),
            churn_days=cafe.setting("churn_days", 90),
            at_risk_days=cafe.setting("at_risk_days", 60),
            hot_days=cafe.setting("hot_days", 7),
            warm_days=cafe.setting("warm_days", 30),
            risk_days=(risk[0], risk[1], risk[2], risk[3]),
            vip_visits=cafe.setting("vip_visits", 6),
            vip_spend=Decimal(cafe.setting("vip_spend", VIP_SPEND.get(cafe.currency, 50_000))),
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """One case of a fact. Bounds are inclusive; what is not given does not matter.

    never: whether a guest without a visit belongs here. valued: whether the guest is (True) or is not
    (False) one of many visits or high spend.
    """

    value: str
    days_from: int | None = None
    days_to: int | None = None
    never: bool = False
    visits_from: int | None = None
    visits_to: int | None = None
    valued: bool | None = None


class Fact:
    """A derived fact at one moment."""

    def __init__(self, facts: Facts, cases: tuple[Bounds, ...]) -> None:
        self._facts = facts
        self._cases = {case.value: case for case in cases}

    def q(self, value: str, prefix: str = "summary__") -> Q:
        """Return the condition for ``value``; ``prefix`` leads from the queried model to the summary.

        Raises KeyError for a value the fact does not have.
        """
        return self._facts.condition(self._cases[value], prefix)

    def annotation(self, prefix: str = "summary__") -> Expression:
        """Return the fact as an expression, for ``annotate``, ``values`` and ordering."""
        whens = [When(self.q(value, prefix), then=Value(value)) for value in self._cases]
        return Case(*whens, output_field=models.CharField())

    def of(self, summary: CustomerSummary) -> str:
        """Return the fact of one guest."""
        return next(value for value, case in self._cases.items() if self._facts.holds(case, summary))


class Facts:
    """The derived facts as they are at ``now`` in one café."""

    def __init__(self, now: datetime, locale: CafeLocale, thresholds: Thresholds) -> None:
        self.now = now
        self.locale = locale
        self.limits = thresholds
        self._today = local_date(now, locale)

    @cached_property
    def customer_type(self) -> Fact:
        """Inactive, vip, repeat or new."""
        gone = self.limits.inactive_days
        here, many = gone - 1, self.limits.vip_visits
        return Fact(
            self,
            (
                Bounds("inactive", days_from=gone),
                Bounds("vip", days_to=here, never=True, valued=True),
                Bounds("repeat", days_to=here, never=True, visits_from=2, visits_to=many - 1, valued=False),
                Bounds("new", days_to=here, never=True, visits_to=1, valued=False),
            ),
        )

    @cached_property
    def lifecycle(self) -> Fact:
        """Prospect, churned, at_risk, new or active."""
        churned, risky = self.limits.churn_days, self.limits.at_risk_days
        return Fact(
            self,
            (
                Bounds("prospect", never=True),
                Bounds("churned", days_from=churned + 1),
                Bounds("at_risk", days_from=risky, days_to=churned),
                Bounds("new", days_to=risky - 1, visits_to=1),
                Bounds("active", days_to=risky - 1, visits_from=2),
            ),
        )

    @cached_property
    def temperature(self) -> Fact:
        """Hot, warm or cold."""
        hot, warm = self.limits.hot_days, self.limits.warm_days
        return Fact(
            self,
            (
                Bounds("hot", days_to=hot),
                Bounds("warm", days_from=hot + 1, days_to=warm),
                Bounds("cold", days_from=warm + 1, never=True),
            ),
        )

    @cached_property
    def risk(self) -> Fact:
        """Drop-off risk: none, low, medium, high or critical. Who never came cannot drop off: none."""
        low, medium, high, critical = self.limits.risk_days
        return Fact(
            self,
            (
                Bounds("none", days_to=low - 1, never=True),
                Bounds("low", days_from=low, days_to=medium - 1),
                Bounds("medium", days_from=medium, days_to=high - 1),
                Bounds("high", days_from=high, days_to=critical - 1),
                Bounds("critical", days_from=critical),
            ),
        )

    def days(self, summary: CustomerSummary) -> int | None:
        """Return the whole days since the last visit; None without a visit."""
        last = summary.last_visit_at
        return None if last is None else days_since(last, self.now, self.locale)

    def day_start(self, days_ago: int) -> datetime:
        """Return the instant at which the local day ``days_ago`` days before today began."""
        return local_day_bounds(self._today - timedelta(days=days_ago), self.locale.tz)[0]

    def condition(self, case: Bounds, prefix: str) -> Q:
        """Compile one case to a condition with a range of ``last_visit_at``."""
        last = f"{prefix}last_visit_at"
        came = Q(**{f"{last}__isnull": False})
        if case.days_from is not None:
            came = Q(**{f"{last}__lt": self.day_start(case.days_from - 1)})
        if case.days_to is not None:
            since = Q(**{f"{last}__gte": self.day_start(case.days_to)})
            came = since if case.days_from is None else came & since
        if case.never:
            nothing = Q(**{f"{last}__isnull": True})
            only_never = case.days_from is None and case.days_to is None
            came = nothing if only_never else came | nothing
        return came & self._worth(case, prefix)

    def _worth(self, case: Bounds, prefix: str) -> Q:
        visits, spent = f"{prefix}total_visits", f"{prefix}lifetime_spent"
        condition = Q()
        if case.visits_from is not None:
            condition &= Q(**{f"{visits}__gte": case.visits_from})
        if case.visits_to is not None:
            condition &= Q(**{f"{visits}__lte": case.visits_to})
        many, much = self.limits.vip_visits, self.limits.vip_spend
        if case.valued is True:
            condition &= Q(**{f"{visits}__gte": many}) | Q(**{f"{spent}__gte": much})
        elif case.valued is False:
            condition &= Q(**{f"{visits}__lt": many, f"{spent}__lt": much})
        return condition

    def holds(self, case: Bounds, summary: CustomerSummary) -> bool:
        """Say whether one guest belongs to a case: :meth:`condition` for an instance."""
        days = self.days(summary)
        only_never = case.never and case.days_from is None and case.days_to is None
        if days is None:
            came = case.never
        else:
            came = not only_never and _within(days, case.days_from, case.days_to)
        valued = (
            summary.total_visits >= self.limits.vip_visits or summary.lifetime_spent >= self.limits.vip_spend
        )
        return (
            came
            and _within(summary.total_visits, case.visits_from, case.visits_to)
            and case.valued in (None, valued)
        )


def _within(number: int, first: int | None, last: int | None) -> bool:
    return (first is None or number >= first) and (last is None or number <= last)


def get_facts(now: datetime | None = None) -> Facts:
    """Return the facts of the café in hand at ``now`` (default: this moment)."""
    return Facts(now or timezone.now(), get_cafe().locale, Thresholds.of_cafe())
