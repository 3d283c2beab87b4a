"""Who would get this today, with the texts, and who would not and why. The same triggers and judge as at work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import connection
from django.utils import timezone

from campaigns.automations.actions import get_action
from campaigns.automations.engine import due_at, scan_since
from campaigns.automations.people import Case, judge, load_people
from campaigns.automations.perform import Letter
from campaigns.automations.triggers import Occasion, get_trigger
from campaigns.automations.variables import no_value
from campaigns.models import Automation
from campaigns.texts import MissingValue
from servaan_crm.l10n.jalali import local_date

CHUNK = 2_000
SAMPLE = 5
# Beyond this a person is not helped by an exact number, and nobody should wait for it.
MOST = 50_000

_KNOWN = """
SELECT o.customer_id, o.occurrence FROM unnest(%s::uuid[], %s::text[]) AS o(customer_id, occurrence)
  JOIN campaigns_automationrun AS r
    ON r.automation_id = %s AND r.customer_id = o.customer_id AND r.occurrence = o.occurrence
"""


@dataclass(frozen=True, slots=True)
class Example:
    """One guest who would get it, or (with ``reason``) would not."""

    customer_id: UUID
    name: str
    occurrence: str
    text: str = ""
    reason: str = ""
    due_at: datetime | None = None


@dataclass(slots=True)
class DryRun:
    """``count``: who would get it. ``left_out``: reason → how many. ``is_cut``: there are more than were looked at."""

    count: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    sample: list[Example] = field(default_factory=list)
    left_out_sample: list[Example] = field(default_factory=list)
    is_cut: bool = False


def dry_run(automation: Automation, *, now: datetime | None = None, sample: int = SAMPLE) -> DryRun:
    """Return what the automation would do with what happened today, or is due today; also of one that is switched off.

    A fixed number of queries per 2,000 guests, and nothing is written.
    """
    now = now or timezone.now()
    today = local_date(now)
    found = DryRun()
    occasions = get_trigger(automation.trigger).on_day(automation, today, scan_since(automation, today))
    looked_at = 0
    for chunk in _chunks(occasions):
        looked_at += len(chunk)
        _look_at(automation, chunk, now, found, sample)
        if looked_at >= MOST:
            found.is_cut = True
            break
    return found


def _chunks(occasions: object) -> Iterator[list[Occasion]]:
    rest = iter(occasions)  # type: ignore[call-overload]
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _look_at(
    automation: Automation, chunk: Sequence[Occasion], now: datetime, found: DryRun, sample: int
) -> None:
    known = _already(automation, chunk)
    due = due_at(automation, now)
    cases = [Case(one.customer_id, one.occurrence, one.facts, now) for one in chunk]
    people = load_people(case.customer_id for case in cases)
    fresh = [case for case in cases if (case.customer_id, case.occurrence) not in known]
    reasons = judge(automation, fresh, people, now=now)
    for case in cases:
        if (case.customer_id, case.occurrence) in known:
            found.left_out["already"] += 1
    chosen = [case for case, reason in zip(fresh, reasons, strict=True) if not reason]
    letter = Letter.of(automation, chosen, people, is_trial=True)
    for case, reason in zip(fresh, reasons, strict=True):
        person = people.get(case.customer_id)
        name = person.guest.name if person else ""
        text = ""
        if not reason and person is not None and letter.template is not None:
            try:
                text = letter.write(automation, case, person, _examples(automation))
            except MissingValue as error:
                reason = no_value(error.name)
        example = Example(case.customer_id, name, case.occurrence, text, reason, None if reason else due)
        _count(found, example, sample)


def _count(found: DryRun, example: Example, sample: int) -> None:
    if example.reason:
        found.left_out[example.reason] += 1
        if len(found.left_out_sample) < sample:
            found.left_out_sample.append(example)
        return
    found.count += 1
    if len(found.sample) < sample:
        found.sample.append(example)


def _already(automation: Automation, chunk: Sequence[Occasion]) -> set[tuple[UUID, str]]:
    if automation._state.adding:
        return set()
    with connection.cursor() as cursor:
        guests, names = [one.customer_id for one in chunk], [one.occurrence for one in chunk]
        cursor.execute(_KNOWN, [guests, names, automation.pk])
        return set(cursor.fetchall())


def _examples(automation: Automation) -> dict[str, str]:
    """Return what stands for a code that is drawn only when it is given."""
    found: dict[str, str] = {}
    for params in automation.actions:
        action = get_action(str(params.get("type")))
        if action is not None:
            found |= action.example(params)
    if automation.link_url:
        found["link"] = automation.link_url
    return found
