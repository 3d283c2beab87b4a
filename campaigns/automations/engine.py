"""Runs: written once per automation, guest and occasion, claimed when due, and done together with everything they do.

A run is a row before anything happens. :func:`work_off` takes due runs with their guests under locks that nobody waits
for, judges them, and commits their outcome together with messages, points and vouchers. So whatever dies where it
likes, a run is either still waiting or all of it is done; a second worker finds the rows locked or gone.

Locks: guest, then run, each only if it is free. A till that holds the guest makes the run wait for the next turn.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from campaigns.automations.people import Case
from campaigns.automations.perform import perform, put_off
from campaigns.automations.triggers import CATCH_UP_DAYS, Occasion, get_trigger, triggers_of
from campaigns.models import Automation, AutomationRun
from customers.services.attach import hold_guests
from servaan_crm.core.features import is_enabled
from servaan_crm.core.ids import uuid7
from servaan_crm.core.tasks import enqueue
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import get_locale

log = logging.getLogger(__name__)

BATCH = 200
CHUNK = 2_000
TURN_SECONDS = 30
# How long guests are kept from tills, and after how many gifts the clock is looked at.
HOLD_SECONDS, FEW = 0.3, 10

_INSERT = """
INSERT INTO campaigns_automationrun (id, created_at, updated_at, automation_id, customer_id, occurrence, facts,
       state, due_at, attempts, reason, results)
SELECT d.id, %(now)s, %(now)s, %(automation)s, d.customer_id, d.occurrence, d.facts, 'waiting', %(due)s, 0, '', '{}'
  FROM unnest(%(ids)s::uuid[], %(guests)s::uuid[], %(occasions)s::text[], %(facts)s::jsonb[])
       AS d(id, customer_id, occurrence, facts)
  JOIN customers_customer AS c ON c.id = d.customer_id AND c.deleted_at IS NULL
ON CONFLICT (automation_id, customer_id, occurrence) DO NOTHING
RETURNING id
"""
_CLAIM = """
SELECT r.id, r.automation_id, r.customer_id, r.occurrence, r.facts, r.due_at, r.attempts, r.created_at
  FROM campaigns_automationrun AS r
  JOIN customers_customersummary AS s ON s.customer_id = r.customer_id
  JOIN customers_customer AS c ON c.id = r.customer_id
 WHERE r.state = 'waiting' AND r.due_at <= %(now)s {only}
 ORDER BY r.due_at, r.id LIMIT %(limit)s
   FOR NO KEY UPDATE OF c, s, r SKIP LOCKED
"""


def due_at(automation: Automation, at: datetime) -> datetime:
    """Return when a run is due that something at ``at`` caused: after the wait, then at the hour of the café's day."""
    due = at + timedelta(minutes=automation.wait_minutes)
    if automation.at_time is None:
        return due
    zone = get_locale().tz
    local = due.astimezone(zone)
    day = local.date() if local.time() <= automation.at_time else local.date() + timedelta(days=1)
    return datetime.combine(day, automation.at_time, tzinfo=zone).astimezone(due.tzinfo)


def create_runs(automation: Automation, occasions: Iterable[Occasion], at: datetime) -> list[UUID]:
    """Write a run for each occasion that has none yet; returns the new ones. One insert per 2,000.

    Guests who were deleted get none; those who were merged meanwhile go by who they are now.
    """
    new: list[UUID] = []
    due = due_at(automation, at)
    for chunk in _chunks(occasions):
        with transaction.atomic(), connection.cursor() as cursor:
            owners = hold_guests(one.customer_id for one in chunk)
            values: dict[str, Any] = {
                "now": timezone.now(),
                "automation": automation.pk,
                "due": due,
                "ids": [uuid7() for _one in chunk],
                "guests": [owners[one.customer_id] for one in chunk],
                "occasions": [one.occurrence[:100] for one in chunk],
                "facts": [json.dumps(one.facts, default=str) for one in chunk],
            }
            cursor.execute(_INSERT, values)
            new += [row[0] for row in cursor.fetchall()]
    return new


def _chunks(occasions: Iterable[Occasion]) -> Iterator[list[Occasion]]:
    rest = iter(occasions)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def hear(event: str, payload: Mapping[str, Any]) -> int:
    """Write the runs an event means, and do at once what is due at once; returns how many are new.

    Runs in the transaction of the event's handling: both take effect once, or neither. What happened before an
    automation was switched on is none of its business.
    """
    found = {str(trigger.code): trigger for trigger in triggers_of(event)}
    if not found or not is_enabled("campaigns"):
        return 0
    at = payload.get("event_at") or timezone.now()
    new: list[UUID] = []
    for automation in Automation.objects.filter(trigger__in=found, is_active=True).order_by("created_at"):
        if automation.active_since is None or automation.active_since <= at:
            occasions = found[automation.trigger].heard(automation, payload)
            new += create_runs(automation, occasions, at)
    if new:
        work_off_batch(only=new)
    return len(new)


def scan_since(automation: Automation, today: date) -> date:
    """Return the first day the daily look still answers for."""
    earliest = today - timedelta(days=CATCH_UP_DAYS)
    if not automation.is_active:
        return today
    if automation.active_since is None:
        return earliest
    return max(earliest, local_date(automation.active_since))


def scan(today: date | None = None) -> int:
    """Look at the calendar for every automation that waits for it; returns how many runs are new. Safe to repeat."""
    if not is_enabled("campaigns"):
        return 0
    today = today or local_date(timezone.now())
    new = 0
    for automation in Automation.objects.filter(is_active=True).order_by("created_at"):
        try:
            new += _scan_one(automation, today)
        except OperationalError:
            raise
        except Exception:  # the others are still looked at
            log.exception("automation %s cannot look at the calendar", automation.key)
    return new


def _scan_one(automation: Automation, today: date) -> int:
    trigger = get_trigger(automation.trigger)
    if not trigger.daily:
        return 0
    occasions = trigger.on_day(automation, today, scan_since(automation, today))
    return len(create_runs(automation, occasions, timezone.now()))


def work_off(seconds: float = TURN_SECONDS) -> int:
    """Do the runs that are due, batch by batch, for about so long; returns how many were finished."""
    if not is_enabled("campaigns"):
        return 0
    done, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        taken = work_off_batch()
        done += taken
        if not taken:
            break
    return done


def work_off_batch(*, only: Sequence[UUID] | None = None, limit: int = BATCH) -> int:
    """Claim due runs and finish them in one transaction; returns how many were finished.

    Gifts take their time, and a till must not wait for a guest that is only in the queue here: after
    ``HOLD_SECONDS`` the rest is let go, and a worker is rung for it.

    Args:
        only: of these runs alone, also when they are more than ``limit``.
    """
    now, until, done = timezone.now(), time.monotonic() + HOLD_SECONDS, 0
    with transaction.atomic():
        for automation, cases in _portions(claim(now, only=only, limit=limit)):
            if done and time.monotonic() > until:
                _ring()
                break
            _perform(automation, cases, now)
            done += len(cases)
    return done


def _perform(automation: Automation, cases: Sequence[Case], now: datetime) -> None:
    """Finish runs of one automation; one that cannot work at all must not keep the others from it."""
    try:
        with transaction.atomic():
            perform(automation, cases, now=now)
    except OperationalError:
        raise  # a deadlock, a lost connection: the whole batch is claimed again
    except Exception as error:
        log.exception("automation %s cannot work", automation.key)
        put_off(cases, error, now=now)


def _portions(claimed: Mapping[UUID, Sequence[Case]]) -> Iterator[tuple[Automation, Sequence[Case]]]:
    """Return the claimed runs, those of an automation that only writes together, the others a few at a time."""
    found = Automation.objects.in_bulk(list(claimed))
    for automation_id, cases in claimed.items():
        automation = found[automation_id]
        size = FEW if automation.actions or automation.link_url else len(cases)
        for start in range(0, len(cases), size):
            yield automation, cases[start : start + size]


def _ring() -> None:
    from campaigns.automations.tasks import run_automations  # tasks adapt this package, so they import us

    enqueue(run_automations)


def claim(now: datetime, *, only: Sequence[UUID] | None = None, limit: int = BATCH) -> dict[UUID, list[Case]]:
    """Lock due runs with their guests until the transaction ends; returns them by automation, the earliest first."""
    values: dict[str, Any] = {"now": now, "limit": len(only) if only else limit, "only": list(only or ())}
    found: dict[UUID, list[Case]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(only="AND r.id = ANY(%(only)s)" if only else ""), values)
        for pk, automation, guest, occurrence, facts, due, attempts, created in cursor.fetchall():
            known = facts if isinstance(facts, dict) else json.loads(facts)
            case = Case(guest, occurrence, known, due, pk, attempts, created)
            found.setdefault(automation, []).append(case)
    return found


def cancel_waiting(automation_id: UUID, reason: str) -> int:
    """End the runs that still wait; returns how many. In the caller's transaction."""
    waiting = AutomationRun.objects.filter(automation_id=automation_id, state=AutomationRun.State.WAITING)
    now = timezone.now()
    return waiting.update(state=AutomationRun.State.CANCELLED, reason=reason, finished_at=now, updated_at=now)
