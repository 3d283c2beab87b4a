"""Automations as they are asked for: the list with what each brought, and the runs of one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import Automation, AutomationRun
from campaigns.selectors.kept import FRESH, has_many_rows, keep
from servaan_crm.core.tasks import enqueue
from servaan_crm.messaging.services.rules import get_rules

RESULT_DAYS = 90

# Why a guest got nothing, in words. "missed" runs ended without a message or a gift.
REASONS: dict[str, str | Promise] = {
    "gone": _("The guest was deleted."),
    "blocked": _("The guest is blocked."),
    "late": _("It was overdue for more than two days."),
    "visit_voided": _("The visit was voided or moved."),
    "visit_old": _("The visit was entered days later."),
    "no_consent": _("The guest wants no such messages."),
    "no_address": _("The guest has no address for this channel."),
    "rest": _("The guest was met not long ago."),
    "condition": _("The condition did not hold."),
    "no_value": _("The text has a word that has no value for this guest."),
    "no_feedback_link": _("The visit was rated already, or the café does without feedback."),
    "refused": _("Something it should give could not be given."),
    "no_action": _("It should do something that is not there any more."),
    "bad_message": _("The message cannot be sent as it is."),
    "error": _("Something went wrong."),
    "switched_off": _("The automation was switched off."),
    "merged": _("The guest was merged with one who was met already."),
    "already": _("The guest was met on this occasion."),
}

# Each visit counts once for an automation, however many runs it follows.
_RESULTS = """
WITH runs AS (
    SELECT automation_id, state, count(*) AS runs, count(message_id) AS messages, max(finished_at) AS last
      FROM campaigns_automationrun WHERE automation_id = ANY(%(ids)s) AND created_at >= %(since)s GROUP BY 1, 2
), sums AS (
    SELECT automation_id, coalesce(sum(runs), 0) AS runs, coalesce(sum(runs) FILTER (WHERE state = 'done'), 0) AS done,
           coalesce(sum(runs) FILTER (WHERE state = 'waiting'), 0) AS waiting, coalesce(sum(messages), 0) AS messages,
           max(last) AS last
      FROM runs GROUP BY 1
), visits AS (
    SELECT r.automation_id, v.id, v.final_amount
      FROM campaigns_automationrun AS r
      JOIN customers_visit AS v ON v.customer_id = r.customer_id AND v.voided_at IS NULL
       AND v.visit_date > r.finished_at AND v.visit_date <= r.finished_at + %(within)s::interval
     WHERE r.automation_id = ANY(%(ids)s) AND r.created_at >= %(since)s AND r.state = 'done'
     GROUP BY 1, 2, 3
), brought AS (
    SELECT automation_id, count(*) AS visits, sum(final_amount) AS revenue FROM visits GROUP BY 1
)
SELECT s.automation_id, s.runs, s.done, s.waiting, s.messages, coalesce(b.visits, 0), coalesce(b.revenue, 0), s.last
  FROM sums AS s LEFT JOIN brought AS b USING (automation_id)
"""


@dataclass(frozen=True, slots=True)
class Results:
    """What an automation did in the last 90 days.

    visits: those within the café's days of attribution after a finished run, each once; revenue in the base unit.
    """

    runs: int = 0
    done: int = 0
    waiting: int = 0
    messages: int = 0
    visits: int = 0
    revenue: Decimal = Decimal(0)
    last_at: datetime | None = None


def list_automations() -> QuerySet[Automation]:
    """Return all automations: those that are switched on first, then by name."""
    return Automation.objects.order_by("-is_active", "name")


def results_of(automations: Iterable[Automation]) -> dict[UUID, Results]:
    """Return the results of each; two queries. Of very many runs they are those of a moment ago (``kept``)."""
    ids = sorted(one.pk for one in automations)
    if not has_many_rows(AutomationRun._meta.db_table):
        return count_results(ids)
    found: dict[UUID, Results] = keep(
        results_key(ids), lambda: count_results(ids), lambda: _order(ids), fresh=FRESH
    )
    return found


def results_key(ids: Sequence[UUID]) -> str:
    """Return where the results of these automations, in the order of their ids, are kept."""
    return "automations:" + hashlib.sha256("".join(map(str, ids)).encode()).hexdigest()


def _order(ids: Sequence[UUID]) -> None:
    from campaigns.automations.tasks import count_results_again  # tasks adapt this package, so they import us

    enqueue(count_results_again, [str(one) for one in ids])


def count_results(ids: Sequence[UUID]) -> dict[UUID, Results]:
    """Return automation id → results, counted now; one query."""
    values: dict[str, Any] = {
        "ids": list(ids),
        "since": timezone.now() - timedelta(days=RESULT_DAYS),
        "within": f"{get_rules().attribution_days} days",
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESULTS, values)
        found = {row[0]: Results(*row[1:]) for row in cursor.fetchall()}
    return {pk: found.get(pk, Results()) for pk in ids}


def list_runs(
    automation: Automation, *, state: str = "", customer_id: UUID | None = None
) -> QuerySet[AutomationRun]:
    """Return the runs, newest first, with their guests."""
    rows = AutomationRun.objects.filter(automation=automation).select_related("customer")
    if state:
        rows = rows.filter(state=state)
    if customer_id is not None:
        rows = rows.filter(customer_id=customer_id)
    return rows.order_by("-created_at", "-id")


def reason_words(reason: str, results: Mapping[str, object] | None = None) -> str:
    """Return why a run ended as it did; what an action said when it refused is said as well."""
    words = str(REASONS.get(reason, reason))
    said = (results or {}).get("refusal") or (results or {}).get("error") or ""
    return f"{words} {said}".strip() if reason in ("refused", "bad_message", "error") else words
