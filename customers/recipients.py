"""May this guest still be written to? Asked between claiming a message and sending it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.selectors.consent import newest_answers
from customers.services.attach import hold_guests
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.services import Candidate, register_owner_lookup, register_recipient_check


@register_recipient_check
def refuse_recipients(candidates: Sequence[Candidate]) -> dict[UUID, str]:
    """Return the reason for each message whose guest was deleted or blocked, or wants no messages; two queries.

    A guest who opted out of everything gets nothing that was queued before either; one who said no on one channel
    gets no advertising there. Messages without a guest (a code to a number that is being checked) pass.
    """
    wanted = {candidate.customer_id for candidate in candidates if candidate.customer_id is not None}
    found = {
        row["pk"]: row
        for row in Customer.objects.filter(pk__in=wanted).values(
            "pk", "status", "deleted_at", "allow_marketing"
        )
    }
    answers = newest_answers(wanted) if any(c.purpose == "marketing" for c in candidates) else {}
    refused: dict[UUID, str] = {}
    with translation.override(get_locale().language):
        for candidate in candidates:
            if candidate.customer_id is None:
                continue
            reason = _reason(found.get(candidate.customer_id))
            if not reason and candidate.purpose == "marketing":
                _number, granted = answers[candidate.customer_id].get(candidate.channel, (0, True))
                reason = "" if granted else _("The guest wants no offers on this channel.")
            if reason:
                refused[candidate.id] = reason
    return refused


def _reason(row: Mapping[str, Any] | None) -> str:
    if row is None or row["deleted_at"] is not None:
        return _("The guest was deleted.")
    if row["status"] == Customer.Status.BLOCKED:
        return _("The guest is blocked.")
    return "" if row["allow_marketing"] else _("The guest wants no messages.")


register_owner_lookup(hold_guests)
