"""What the customer book (and the outbox below it) knows of one guest."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.privacy import fields_of, register_export, rows_as_dicts
from customers.selectors.consent import consent_history
from customers.selectors.notes import list_notes
from servaan_crm.messaging.models import InboundMessage
from servaan_crm.messaging.secret_texts import shown_text
from servaan_crm.messaging.selectors import list_messages

_PROFILE = (
    "id", "name", "name_english", "national_phone", "email", "gender", "birthday", "anniversary", "status",
    "block_reason", "notes", "preferences", "address", "city", "postal_code", "allow_marketing", "custom", "created_at",
    "updated_at", "deleted_at",
)  # fmt: skip
_SUMMARY = (
    "total_visits", "lifetime_spent", "first_visit_at", "last_visit_at", "segment", "tier", "points",
)  # fmt: skip
_VISIT = (
    "visit_number", "visit_date", "outlet__name", "visit_type", "table_number", "items", "total_amount",
    "discount_amount", "payment_method", "points_earned", "points_redeemed", "feedback_rating", "feedback_comment",
    "notes", "voided_at",
)  # fmt: skip


def _profile(customer: Customer) -> list[dict[str, Any]]:
    tags = list(customer.tags.values_list("name", flat=True))
    return [{**fields_of(customer, *_PROFILE), "tags": tags, **fields_of(customer.summary, *_SUMMARY)}]


def _visits(customer: Customer) -> list[dict[str, Any]]:
    return rows_as_dicts(customer.visits.order_by("visit_date"), *_VISIT)


def _notes(customer: Customer) -> list[dict[str, Any]]:
    return rows_as_dicts(list_notes(customer.pk), "text", "is_pinned", "author_name", "created_at")


def _family(customer: Customer) -> list[dict[str, Any]]:
    fields = ("name", "relationship", "birthday", "phone", "address", "notes", "created_at")
    return rows_as_dicts(customer.family_members.order_by("created_at"), *fields)


def _consent(customer: Customer) -> list[dict[str, Any]]:
    return rows_as_dicts(
        consent_history(customer.pk), "channel", "granted", "source", "actor_name", "note", "at"
    )


def _messages(customer: Customer) -> list[dict[str, Any]]:
    fields = ("channel", "purpose", "recipient", "body", "state", "created_at", "sent_at", "delivered_at")
    rows = rows_as_dicts(list_messages(customer_id=customer.pk), "kind", *fields)
    return [row | {"body": shown_text(row.pop("kind"), row["body"])} for row in rows]


register_export("profile", _profile, label=_("Profile"))
register_export("visits", _visits, label=_("Visits"))
register_export("notes", _notes, label=_("Notes of the staff"))
register_export("family", _family, label=_("Family"))
register_export("consent", _consent, label=_("Consent"))
register_export("messages", _messages, label=_("Messages"))


def _received(customer: Customer) -> list[dict[str, Any]]:
    """Texts the guest wrote to the café's lines."""
    rows = InboundMessage.objects.filter(customer_id=customer.pk).order_by("pk")
    return rows_as_dicts(rows, "received_at", "channel", "body", "meaning")


register_export("received_messages", _received, label=_("Received messages"))
