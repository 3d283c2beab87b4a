"""Doing runs: judge them, act, write the text, and put down what came of it. All in the caller's transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction

from campaigns.automations.actions import Deed, get_action
from campaigns.automations.people import Case, Person, addresses, judge, load_people
from campaigns.automations.variables import feedback_links, no_value, values_for
from campaigns.estimates import opt_out_line
from campaigns.models import Automation, AutomationRun
from campaigns.services.links import LinkWanted, make_links
from campaigns.texts import AUTOMATION, MissingValue, Template, compile_template
from servaan_crm.core.actors import system
from servaan_crm.core.errors import DomainError
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import MessageDraft, queue_messages
from servaan_crm.messaging.services.rules import get_rules

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
State = AutomationRun.State

_FINISH = """
UPDATE campaigns_automationrun AS r
   SET state = d.state, reason = d.reason, results = d.results, message_id = d.message_id, attempts = d.attempts,
       due_at = coalesce(d.due_at, r.due_at), updated_at = %(now)s,
       finished_at = CASE WHEN d.state <> 'waiting' THEN %(now)s::timestamptz END
  FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(reasons)s::text[], %(results)s::jsonb[], %(messages)s::uuid[],
              %(attempts)s::int[], %(due)s::timestamptz[])
       AS d(id, state, reason, results, message_id, attempts, due_at)
 WHERE r.id = d.id
"""


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    state: str
    reason: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    draft: MessageDraft | None = None
    is_queued: bool = False
    message_id: UUID | None = None
    due_at: datetime | None = None


class _LeftOut(Exception):
    """The run is undone and left out, for a reason in one word."""

    def __init__(self, reason: str, **details: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details


def perform(automation: Automation, cases: Sequence[Case], *, now: datetime) -> list[Outcome]:
    """Finish the claimed runs of one automation; returns the outcomes in their order."""
    if not automation.is_active:
        outcomes = [Outcome(State.CANCELLED, "switched_off") for _case in cases]
        _write(cases, outcomes, now)
        return outcomes
    people = load_people(case.customer_id for case in cases)
    reasons = judge(automation, cases, people, now=now)
    chosen = [case for case, reason in zip(cases, reasons, strict=True) if not reason]
    letter = Letter.of(automation, chosen, people)
    outcomes = [
        Outcome(State.SKIPPED, reason)
        if reason
        else _do(automation, case, people[case.customer_id], letter, now)
        for case, reason in zip(cases, reasons, strict=True)
    ]
    _send(outcomes)
    _write(cases, outcomes, now)
    return outcomes


@dataclass(slots=True)
class Letter:
    """The text of an automation, and what was looked up for many guests at once."""

    template: Template | None
    addresses: dict[UUID, str]
    feedback: Mapping[UUID, str]
    ending: str = ""

    @classmethod
    def of(
        cls,
        automation: Automation,
        cases: Sequence[Case],
        people: dict[UUID, Person],
        *,
        is_trial: bool = False,
    ) -> Letter:
        """Look up what the texts of these cases need, in a fixed number of queries. ``is_trial``: write nothing."""
        if not automation.template.strip():
            return cls(None, {}, {})
        template = compile_template(automation.template, AUTOMATION)
        wanted = {case.customer_id: people[case.customer_id] for case in cases}
        visits = [UUID(str(case.facts["visit_id"])) for case in cases if case.facts.get("visit_id")]
        links = feedback_links(visits, is_trial=is_trial) if "feedback_link" in template.used else {}
        return cls(template, addresses(automation.channel, wanted), links, ending_of(automation))

    def write(self, automation: Automation, case: Case, person: Person, added: Mapping[str, str]) -> str:
        """Return the text for one guest. Raises MissingValue."""
        assert self.template is not None
        values = values_for(automation, person, case.facts, added)
        visit = case.facts.get("visit_id")
        if visit and (link := self.feedback.get(UUID(str(visit)))):
            values["feedback_link"] = link
        return self.template.render(values) + self.ending


def ending_of(automation: Automation) -> str:
    """Return what is added to the text: advertising says how to refuse it, as that of campaigns does."""
    ending = opt_out_line(automation.channel, get_rules()) if automation.purpose == "marketing" else ""
    return "" if ending.strip() in automation.template else ending


def _do(automation: Automation, case: Case, person: Person, letter: Letter, now: datetime) -> Outcome:
    """Act for one guest. Whatever goes wrong takes back what was done for this run, and nothing else."""
    assert case.run_id is not None
    deed = Deed(
        case.run_id, automation, case.customer_id, case.occurrence, case.facts, system(automation.name[:150])
    )
    try:
        if not automation.actions and not _needs_link(automation, letter):
            draft = _draft(automation, case, person, letter, deed)
        else:
            with transaction.atomic():
                _act(automation, deed)
                _add_link(automation, letter, deed)
                draft = _draft(automation, case, person, letter, deed)
                if draft is not None:  # at once, so that a text that cannot be sent takes the gifts back
                    queue_messages([draft])
            return Outcome(State.DONE, results=deed.results, draft=draft, is_queued=True)
        return Outcome(State.DONE, results=deed.results, draft=draft)
    except MissingValue as error:
        return Outcome(State.SKIPPED, no_value(error.name), {"variable": error.name})
    except _LeftOut as error:
        return Outcome(State.SKIPPED, error.reason, error.details)
    except ValidationError as error:
        return _bad_message(error)
    except OperationalError:
        raise  # a deadlock, a lost connection: the whole batch is claimed again
    except Exception as error:
        log.exception("automation %s: run %s failed", automation.key, case.run_id)
        return _again(case, _problem(error), now)


def put_off(cases: Sequence[Case], error: Exception, *, now: datetime) -> None:
    """Put claimed runs off for a while because of ``error``; after ``MAX_ATTEMPTS`` they have failed."""
    _write(cases, [_again(case, _problem(error), now) for case in cases], now)


def _problem(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _again(case: Case, problem: str, now: datetime) -> Outcome:
    if case.attempts + 1 >= MAX_ATTEMPTS:
        return Outcome(State.FAILED, "error", {"error": problem[:300]})
    wait = timedelta(minutes=2 ** (case.attempts + 1))
    return Outcome(State.WAITING, "", {"error": problem[:300]}, due_at=now + wait)


def _act(automation: Automation, deed: Deed) -> None:
    for params in automation.actions:
        action = get_action(str(params.get("type")))
        if action is None:
            raise _LeftOut("no_action", action=str(params.get("type")))
        try:
            action.perform(params, deed)
        except DomainError as error:
            raise _LeftOut("refused", action=action.kind, code=error.code, refusal=str(error)) from None
        except ValidationError as error:
            raise _LeftOut("refused", action=action.kind, refusal=" ".join(error.messages)) from None


def _needs_link(automation: Automation, letter: Letter) -> bool:
    return bool(automation.link_url and letter.template and "link" in letter.template.used)


def _add_link(automation: Automation, letter: Letter, deed: Deed) -> None:
    if _needs_link(automation, letter):
        wanted = LinkWanted(url=automation.link_url, customer_id=deed.customer_id, run_id=deed.run_id)
        (deed.values["link"],) = make_links([wanted])


def _draft(
    automation: Automation, case: Case, person: Person, letter: Letter, deed: Deed
) -> MessageDraft | None:
    if letter.template is None:
        return None
    text = letter.write(automation, case, person, deed.values)
    return MessageDraft(
        recipient=letter.addresses[case.customer_id],
        body=text,
        channel=automation.channel,
        subject=automation.name if automation.channel == "email" else "",
        kind=message_kind(automation),
        purpose=automation.purpose,
        customer_id=case.customer_id,
        dedupe_key=dedupe_key(automation, case),
    )


def message_kind(automation: Automation) -> str:
    """Return what the message log calls it. A reply of 1 to 5 to a "feedback_request" is a rating."""
    if automation.trigger_options.get("asks_rating"):
        return "feedback_request"
    return automation.key.replace("-", "_")[:40]


def dedupe_key(automation: Automation, case: Case) -> str:
    """Return what makes the message the only one: the run; of the thanks after the first visit the guest, as ever."""
    if automation.trigger == Automation.Trigger.FIRST_VISIT:
        return f"{automation.key}:{case.customer_id}"
    return f"automation:{case.run_id}"


def _send(outcomes: list[Outcome]) -> None:
    """Queue the texts that are not queued yet with one statement; a bad one is found out and fails alone."""
    waiting = [place for place, one in enumerate(outcomes) if one.draft is not None and not one.is_queued]
    try:
        queue_messages([draft for place in waiting if (draft := outcomes[place].draft) is not None])
    except ValidationError:
        for place in waiting:
            outcomes[place] = _send_one(outcomes[place])
    keys = [one.draft.dedupe_key for one in outcomes if one.draft is not None]
    if keys:
        found = dict(Message.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", "pk"))
        for one in outcomes:
            one.message_id = found.get(one.draft.dedupe_key) if one.draft is not None else None


def _send_one(outcome: Outcome) -> Outcome:
    try:
        queue_messages([outcome.draft] if outcome.draft is not None else [])
    except ValidationError as error:
        return _bad_message(error)
    return outcome


def _bad_message(error: ValidationError) -> Outcome:
    return Outcome(State.FAILED, "bad_message", {"error": " ".join(error.messages)[:300]})


def _write(cases: Sequence[Case], outcomes: Sequence[Outcome], now: datetime) -> None:
    again = [outcome.state in (State.WAITING, State.FAILED) for outcome in outcomes]
    values: dict[str, Any] = {
        "now": now,
        "ids": [case.run_id for case in cases],
        "states": [str(outcome.state) for outcome in outcomes],
        "reasons": [outcome.reason for outcome in outcomes],
        "results": [json.dumps(outcome.results, default=str, ensure_ascii=False) for outcome in outcomes],
        "messages": [outcome.message_id for outcome in outcomes],
        "attempts": [case.attempts + more for case, more in zip(cases, again, strict=True)],
        "due": [outcome.due_at for outcome in outcomes],
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, values)
