"""Guests as automations see them, and what keeps an automation from one of them. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from campaigns.models import Automation, AutomationRun
from campaigns.values import GUEST_FIELDS, Guest
from customers.models import Customer, Visit
from customers.selectors.consent import reachable
from segments.errors import InvalidCriteria
from segments.language import new_plan
from segments.language.compiler import fetch
from segments.language.plan import GUEST
from segments.language.sql import sql
from segments.language.tree import Reader, condition
from segments.models import Segment
from servaan_crm.messaging.models import Channel, InboundMessage, PushSubscription

# What is overdue for longer is no news any more: workers stood still, or the feature was off.
LATE_AFTER = timedelta(hours=48)
# A visit entered so much later is bookkeeping; nobody is thanked for it.
OLD_VISIT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Person:
    """A guest with what decides whether, and where, a message may go."""

    guest: Guest
    email: str
    is_blocked: bool
    is_gone: bool
    allow_marketing: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One guest on one occasion, to be judged. ``run_id`` None: only asked about. ``due_at``: when it was to happen."""

    customer_id: UUID
    occurrence: str
    facts: dict[str, Any]
    due_at: datetime
    run_id: UUID | None = None
    attempts: int = 0
    created_at: datetime | None = None


def load_people(ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Return the guests, deleted ones too; one query."""
    fields = (*GUEST_FIELDS, "email", "status", "deleted_at", "allow_marketing")
    found = {}
    for row in Customer.objects.filter(pk__in=set(ids)).values_list(*fields):
        *own, email, status, deleted_at, allowed = row
        blocked = status == Customer.Status.BLOCKED
        found[row[0]] = Person(Guest(*own), email, blocked, deleted_at is not None, allowed)
    return found


def addresses(channel: str, people: dict[UUID, Person]) -> dict[UUID, str]:
    """Return guest → what the channel writes to; guests without one are absent. One query at most."""
    if channel in (Channel.SMS, Channel.WHATSAPP):
        return {pk: person.guest.phone for pk, person in people.items()}
    if channel == Channel.EMAIL:
        return {pk: person.email for pk, person in people.items() if person.email}
    if channel == Channel.PUSH:
        subscriptions = PushSubscription.objects.filter(customer_id__in=people, failed_at=None)
        return {row.customer_id: str(row.pk) for row in subscriptions.order_by("created_at")}
    heard = InboundMessage.objects.filter(customer_id__in=people, channel=channel).order_by("received_at")
    return {row.customer_id: row.sender for row in heard if row.customer_id is not None}


def judge(
    automation: Automation, cases: Sequence[Case], people: dict[UUID, Person], *, now: datetime
) -> list[str]:
    """Return for each case why it is left out, in one word; "" for those that go through.

    A fixed number of queries for any number of cases. The first reason in this order counts: the guest, the moment,
    the visit, the will, the rest, the condition.
    """
    wills = _unwilling(automation, people)
    visits = _visits(cases)
    rested = _resting(automation, people, now)
    fits = _fitting(automation, people)
    reasons: list[str] = []
    for case in cases:
        reason = (
            _about_guest(people.get(case.customer_id))
            or ("late" if now - case.due_at > LATE_AFTER else "")
            or _about_visit(case, visits, now)
            or wills.get(case.customer_id, "")
            or ("rest" if case.customer_id in rested else "")
            or ("" if fits is None or case.customer_id in fits else "condition")
        )
        if not reason and automation.rest_days:
            rested.add(case.customer_id)  # the next occasion of the same guest in this batch
        reasons.append(reason)
    return reasons


def _about_guest(person: Person | None) -> str:
    if person is None or person.is_gone:
        return "gone"
    return "blocked" if person.is_blocked else ""


def _visits(cases: Sequence[Case]) -> dict[str, tuple[UUID | None, datetime | None, datetime]]:
    wanted = {case.facts["visit_id"] for case in cases if case.facts.get("visit_id")}
    if not wanted:
        return {}
    rows = Visit.objects.filter(pk__in=wanted).values_list("pk", "customer_id", "voided_at", "visit_date")
    return {str(pk): (owner, voided, at) for pk, owner, voided, at in rows}


def _about_visit(
    case: Case, visits: dict[str, tuple[UUID | None, datetime | None, datetime]], now: datetime
) -> str:
    if not case.facts.get("visit_id"):
        return ""
    owner, voided, at = visits.get(str(case.facts["visit_id"]), (None, now, now))
    if voided is not None or owner != case.customer_id:
        return "visit_voided"
    return "visit_old" if (case.created_at or now) - at > OLD_VISIT else ""


def _unwilling(automation: Automation, people: dict[UUID, Person]) -> dict[UUID, str]:
    """Return guest → why no message may go to them. An automation without a message needs no consent."""
    if not automation.template.strip():
        return {}
    if automation.purpose == "marketing":
        rows = Customer.objects.filter(pk__in=people)
        willing = set(reachable(rows, automation.channel).values_list("pk", flat=True))
    else:
        willing = {pk for pk, person in people.items() if person.allow_marketing}
    known = addresses(automation.channel, people)
    found = {pk: "no_consent" for pk in people if pk not in willing}
    return found | {pk: "no_address" for pk in people if pk in willing and pk not in known}


def _resting(automation: Automation, people: dict[UUID, Person], now: datetime) -> set[UUID]:
    if not automation.rest_days:
        return set()
    since = now - timedelta(days=automation.rest_days)
    done = AutomationRun.objects.filter(
        Q(automation_id=automation.pk, customer_id__in=people),
        state=AutomationRun.State.DONE,
        finished_at__gte=since,
    )
    return set(done.values_list("customer_id", flat=True))


def _fitting(automation: Automation, people: dict[UUID, Person]) -> set[UUID] | None:
    """Return who meets the condition; None when there is none. Criteria that no longer read fit nobody."""
    if not automation.condition or not people:
        return None
    plan = new_plan()
    others = {one.key: one for one in Segment.objects.all()}
    try:
        test = condition(Reader(plan, others).read(automation.condition, path="condition"))
    except InvalidCriteria:
        return set()
    query = sql(f"SELECT {GUEST}.id FROM {{}} AND {{}}", plan.source(list(people)), test)
    return {row[0] for row in fetch(query)}
