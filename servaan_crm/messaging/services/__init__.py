"""Every write of the messaging room. Other rooms call ``queue_message`` and register a recipient check."""

from servaan_crm.messaging.services.accounts import clear_problem
from servaan_crm.messaging.services.checks import Candidate, register_owner_lookup, register_recipient_check
from servaan_crm.messaging.services.dispatch import DispatchReport, dispatch_batch, dispatch_until_idle
from servaan_crm.messaging.services.inbound import MessageReceived, record_inbound
from servaan_crm.messaging.services.outcomes import record_delivery_report, record_delivery_reports
from servaan_crm.messaging.services.privacy import block_waiting, erase_texts
from servaan_crm.messaging.services.queue import (
    MessageDraft,
    cancel_group,
    cancel_messages,
    hold_group,
    queue_message,
    queue_messages,
    resume_group,
)
from servaan_crm.messaging.services.reconcile import mark_stale_claims, poll_deliveries, reconcile_unknown

__all__ = [
    "Candidate",
    "DispatchReport",
    "MessageDraft",
    "MessageReceived",
    "block_waiting",
    "cancel_group",
    "cancel_messages",
    "clear_problem",
    "dispatch_batch",
    "dispatch_until_idle",
    "erase_texts",
    "hold_group",
    "mark_stale_claims",
    "poll_deliveries",
    "queue_message",
    "queue_messages",
    "reconcile_unknown",
    "record_delivery_report",
    "record_delivery_reports",
    "record_inbound",
    "register_owner_lookup",
    "register_recipient_check",
    "resume_group",
]
