"""Who sees which calls, and in which order they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from customers.models import Customer
from outreach.models import CallTask
from servaan_crm.accounts.models import User
from servaan_crm.accounts.permissions import ROLE_PERMISSIONS, P, can
from servaan_crm.core.errors import NotFound, PermissionDenied
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale

_OPEN = Q(status=CallTask.Status.PENDING)
_HEAT = {"hot": 0, "warm": 1, "cold": 2}


def calls_of(user: User | None) -> QuerySet[CallTask]:
    """Return the calls ``user`` may work on: the own ones and those nobody answers for yet.

    Who manages outreach sees everybody's, and so does the system (None). Guests who were deleted are called by
    nobody.
    """
    rows = CallTask.objects.filter(customer__deleted_at=None)
    if user is None or can(user, P.OUTREACH_MANAGE):
        return rows
    return rows.filter(Q(agent=None) | Q(agent=user))


def get_visible_task(user: User | None, task_id: UUID) -> CallTask:
    """Return one call that ``user`` may work on. Raises NotFound."""
    task = calls_of(user).filter(pk=task_id).first()
    if task is None:
        raise NotFound(details={"call_task_id": str(task_id)})
    return task


def list_calls(user: User | None, filters: Mapping[str, Any] | None = None) -> QuerySet[CallTask]:
    """Return calls with their guests, in the order in which they are to be made.

    Overdue ones come first, then those of today, each hot → warm → cold; ended ones at the end, the latest first. Open
    calls to blocked guests are left out: nobody calls them.

    Args:
        filters: ``date`` (due on that day), ``until`` and ``after`` (due by, due later than), ``agent_id``,
            ``unassigned`` (True), ``status``, ``priority``. Absent ones do not narrow.

    Raises PermissionDenied for the calls of a colleague, unless one manages outreach.
    """
    given = filters or {}
    agent_id = given.get("agent_id")
    if agent_id is not None and user is not None and agent_id != user.pk and not can(user, P.OUTREACH_MANAGE):
        raise PermissionDenied(details={"agent_id": str(agent_id)})
    columns = {"date": "task_date", "until": "task_date__lte", "after": "task_date__gt", "agent_id": "agent_id",
               "status": "status", "priority": "priority"}  # fmt: skip
    wanted = {column: given[name] for name, column in columns.items() if given.get(name) is not None}
    if given.get("unassigned"):
        wanted["agent"] = None
    rows = calls_of(user).filter(**wanted).exclude(_OPEN, customer__status=Customer.Status.BLOCKED)
    return in_order(rows.select_related("customer__summary", "agent", "completed_by"))


def in_order(rows: QuerySet[CallTask], today: date | None = None) -> QuerySet[CallTask]:
    """Return ``rows`` in the order in which calls are made."""
    today = today or local_date(timezone.now())
    by_day = Case(
        When(~_OPEN, then=Value(3)),
        When(task_date__lt=today, then=Value(0)),
        When(task_date=today, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    by_heat = Case(
        *(When(_OPEN & Q(priority=code), then=Value(place)) for code, place in _HEAT.items()),
        default=Value(0),
        output_field=IntegerField(),
    )
    return rows.order_by(by_day, by_heat, "-completed_at", "task_date", "pk")


@dataclass(frozen=True, slots=True)
class CallCounts:
    """How many open calls there are: due by today, of those overdue, due later; and how many ended today."""

    due: int
    overdue: int
    later: int
    ended: int


def count_calls(user: User | None, today: date | None = None) -> CallCounts:
    """Count the calls ``user`` sees; one query."""
    today = today or local_date(timezone.now())
    start, end = local_day_bounds(today, get_locale().tz)
    rows = calls_of(user).exclude(_OPEN, customer__status=Customer.Status.BLOCKED)
    found = rows.aggregate(
        due=Count("pk", filter=_OPEN & Q(task_date__lte=today)),
        overdue=Count("pk", filter=_OPEN & Q(task_date__lt=today)),
        later=Count("pk", filter=_OPEN & Q(task_date__gt=today)),
        ended=Count("pk", filter=Q(completed_at__gte=start, completed_at__lt=end)),
    )
    return CallCounts(**found)


def open_calls_to(user: User | None, customer_id: UUID) -> list[CallTask]:
    """Return the open calls to one guest that ``user`` sees; one query."""
    rows = calls_of(user).filter(_OPEN, customer_id=customer_id).select_related("agent")
    return list(in_order(rows))


def list_agents() -> QuerySet[User]:
    """Return the staff who make calls, by name."""
    roles = [role for role, granted in ROLE_PERMISSIONS.items() if P.OUTREACH_WORK in granted]
    return User.objects.filter(is_active=True, role__in=roles).order_by("name", "pk")
