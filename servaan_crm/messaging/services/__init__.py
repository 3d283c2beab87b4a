"""Every write of the messaging room. Other rooms call ``queue_message`` and register a recipient check."""

from servaan_crm.messaging.services.accounts import clear_problem
from servaan_crm.messaging.services.checks import (
    Candidate,
    register_guest_lookup,
    register_owner_lookup,
    register_recipient_check,
    register_refusal_links,
)
from servaan_crm.messaging.services.codes import confirm_code, purge_codes, send_code
from servaan_crm.messaging.services.dispatch import DispatchReport, dispatch_batch, dispatch_until_idle
from servaan_crm.messaging.services.early import purge_early
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
    revive_paused,
)
from servaan_crm.messaging.services.reconcile import mark_stale_claims, poll_deliveries, reconcile_unknown
from servaan_crm.messaging.services.rules import get_rules, is_quiet, quiet_until, update_rules
from servaan_crm.messaging.services.upkeep import receive_messages, sync_blocked_numbers, watch_balances

__all__ = [
    "Candidate",
    "DispatchReport",
    "MessageDraft",
    "MessageReceived",
    "block_waiting",
    "cancel_group",
    "cancel_messages",
    "clear_problem",
    "confirm_code",
    "dispatch_batch",
    "dispatch_until_idle",
    "erase_texts",
    "get_rules",
    "hold_group",
    "is_quiet",
    "mark_stale_claims",
    "poll_deliveries",
    "purge_codes",
    "purge_early",
    "queue_message",
    "queue_messages",
    "quiet_until",
    "receive_messages",
    "reconcile_unknown",
    "record_delivery_report",
    "record_delivery_reports",
    "record_inbound",
    "register_guest_lookup",
    "register_owner_lookup",
    "register_recipient_check",
    "register_refusal_links",
    "resume_group",
    "revive_paused",
    "send_code",
    "sync_blocked_numbers",
    "update_rules",
    "watch_balances",
]
