"""May this guest still be written to? Asked between claiming a message and sending it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from customers.models import Customer
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.services import Candidate, register_recipient_check


@register_recipient_check
def refuse_recipients(candidates: Sequence[Candidate]) -> dict[UUID, str]:
    """Return the reason for each message whose guest was deleted or blocked, or wants no messages; one query.

    A guest who opted out gets nothing that was queued before either. Messages without a guest (a code to a
    number that is being checked) pass.
    """
    wanted = {candidate.customer_id for candidate in candidates if candidate.customer_id is not None}
    found = {
        row["pk"]: row
        for row in Customer.objects.filter(pk__in=wanted).values(
            "pk", "status", "deleted_at", "allow_marketing"
        )
    }
    with translation.override(get_locale().language):
        reasons = {customer_id: _reason(found.get(customer_id)) for customer_id in wanted}
    return {
        candidate.id: reason
        for candidate in candidates
        if candidate.customer_id is not None and (reason := reasons[candidate.customer_id])
    }


def _reason(row: Mapping[str, Any] | None) -> str:
    if row is None or row["deleted_at"] is not None:
        return _("The guest was deleted.")
    if row["status"] == Customer.Status.BLOCKED:
        return _("The guest is blocked.")
    return "" if row["allow_marketing"] else _("The guest wants no messages.")
