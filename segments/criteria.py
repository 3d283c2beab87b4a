"""The criteria language and its compiler to one query.

A criteria tree is a mapping. Its keys are fields, all of which must hold; ``all`` and ``any`` take a list
of trees, ``not`` takes one. The flat shapes of the first specification are trees without nesting::

    {"created_within_days": 30, "visit_count": {"max": 3}}
    {"any": [{"tier_level": ["gold"]}, {"not": {"last_visit_days": {"max": 60}}}]}

Everything compiles to a condition on ``CustomerSummary``; nothing is ever evaluated guest by guest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from customers.models import CustomerSummary, Visit
from segments.errors import InvalidCriteria
from servaan_crm.l10n.locale import CafeLocale

MONTH_DAYS = 30
MAX_DEPTH = 8


@dataclass(slots=True)
class Context:
    """What a compilation needs to know and collects: the moment, the locale, the annotations in use."""

    now: datetime
    locale: CafeLocale
    annotations: dict[str, Any]

    def day_start(self, days_ago: int) -> datetime:
        """Return the first moment of the local day ``days_ago`` days before today."""
        midnight = self.now.astimezone(self.locale.tz).replace(hour=0, minute=0, second=0, microsecond=0)
        # Through the date: a day is not always 24 hours long.
        return (midnight.replace(tzinfo=None) - timedelta(days=days_ago)).replace(tzinfo=self.locale.tz)


Build = Callable[[Any, str, Context], Q]


def _fail(path: str, problem: str, allowed: list[str]) -> InvalidCriteria:
    return InvalidCriteria(
        params={"path": path, "problem": problem},
        details={"path": path, "problem": problem, "allowed": allowed},
    )


def _number(value: Any, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise _fail(path, _("a number is needed"), ["number"])
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or number > Decimal(10) ** 15:
        raise _fail(path, _("a number from 0 is needed"), ["number"])
    return number


def _days(value: Any, path: str) -> int:
    number = _number(value, path)
    if number != number.to_integral_value() or number > 36_500:
        raise _fail(path, _("a whole number of days is needed"), ["0 … 36500"])
    return int(number)


def _range(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value or set(value) - {"min", "max"}:
        raise _fail(path, _("give “min”, “max” or both"), ["min", "max"])
    return dict(value)


def _between(column: str) -> Build:
    """Compile ``{"min": a, "max": b}`` on a numeric column; a bare number means exactly that."""

    def build(value: Any, path: str, context: Context) -> Q:
        if not isinstance(value, Mapping):
            return Q(**{column: _number(value, path)})
        condition = Q()
        for bound, number in _range(value, path).items():
            lookup = "gte" if bound == "min" else "lte"
            condition &= Q(**{f"{column}__{lookup}": _number(number, f"{path}.{bound}")})
        return condition

    return build


def _monthly_visits(value: Any, path: str, context: Context) -> Q:
    since = context.now - timedelta(days=MONTH_DAYS)
    visits = (
        Visit.objects.filter(customer_id=OuterRef("pk"), voided_at=None, visit_date__gte=since)
        .order_by()
        .values("customer_id")
        .annotate(n=Count("pk"))
        .values("n")
    )
    context.annotations["monthly_visits"] = Coalesce(Subquery(visits), 0, output_field=IntegerField())
    return _between("monthly_visits")(value, path, context)


def _last_visit_days(value: Any, path: str, context: Context) -> Q:
    """Days since the last visit, counted by local dates; a bare number is the most there may be."""
    bounds = _range(value, path) if isinstance(value, Mapping) else {"max": value}
    condition = Q(last_visit_at__isnull=False)
    if "max" in bounds:
        condition &= Q(last_visit_at__gte=context.day_start(_days(bounds["max"], f"{path}.max")))
    if "min" in bounds:
        condition &= Q(last_visit_at__lt=context.day_start(_days(bounds["min"], f"{path}.min") - 1))
    return condition


def _created_within(value: Any, path: str, context: Context) -> Q:
    return Q(customer__created_at__gte=context.now - timedelta(days=_days(value, path)))


def _choice(column: str, allowed: list[str]) -> Build:
    def build(value: Any, path: str, context: Context) -> Q:
        values = value if isinstance(value, list) else [value]
        unknown = [item for item in values if item not in allowed]
        if not values or unknown:
            raise _fail(
                path, _("unknown value: %(values)s") % {"values": ", ".join(map(str, unknown))}, allowed
            )
        return Q(**{f"{column}__in": values})

    return build


_TIERS = [str(level) for level in CustomerSummary.TierLevel.values]
FIELDS: dict[str, Build] = {
    "visit_count": _between("total_visits"),
    "monthly_visits": _monthly_visits,
    "lifetime_spent": _between("lifetime_spent"),
    "points": _between("points"),
    "last_visit_days": _last_visit_days,
    "created_within_days": _created_within,
    "tier_level": _choice("tier", _TIERS),
    "tier_levels": _choice("tier", _TIERS),
    "segment": _choice("segment", [str(value) for value in CustomerSummary.Segment.values]),
    "status": _choice("customer__status", ["active", "inactive", "blocked"]),
}
GROUPS = ("all", "any", "not")


def compile_criteria(criteria: Any, context: Context, path: str = "criteria", depth: int = 0) -> Q:
    """Return the condition for ``criteria``; annotations it needs are added to ``context``.

    Raises:
        InvalidCriteria: names the path of the first fault and what is allowed there.
    """
    if not isinstance(criteria, Mapping) or not criteria:
        raise _fail(path, _("an object with at least one condition is needed"), [*GROUPS, *FIELDS])
    if depth > MAX_DEPTH:
        raise _fail(path, _("nested too deeply"), [f"≤ {MAX_DEPTH}"])
    condition = Q()
    for name, value in criteria.items():
        here = f"{path}.{name}"
        if name in FIELDS:
            condition &= FIELDS[name](value, here, context)
        elif name == "not":
            condition &= ~compile_criteria(value, context, here, depth + 1)
        elif name in GROUPS:
            condition &= _group(name, value, here, context, depth)
        else:
            raise _fail(here, _("unknown field “%(name)s”") % {"name": name}, [*GROUPS, *FIELDS])
    return condition


def _group(name: str, value: Any, path: str, context: Context, depth: int) -> Q:
    if not isinstance(value, list) or not value:
        raise _fail(path, _("a list of conditions is needed"), ["list"])
    parts = [
        compile_criteria(item, context, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)
    ]
    condition = parts[0]
    for part in parts[1:]:
        condition = condition & part if name == "all" else condition | part
    return condition
