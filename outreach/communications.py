"""Everything said between the café and one guest: messages sent, texts received, contacts of the staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast

from customers.models import Customer
from outreach.models import Interaction
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import national
from servaan_crm.messaging.models import InboundMessage, Message
from servaan_crm.messaging.secret_texts import shown_text

KINDS = ("message", "reply", "contact")


@dataclass(frozen=True, slots=True)
class Communication:
    """One thing said; ``kind`` is one of ``KINDS``, ``direction`` inbound or outbound."""

    id: str
    kind: str
    at: dt.datetime
    channel: str
    channel_label: str
    direction: str
    title: str
    text: str
    state: str
    state_label: str
    reason: str
    author: str
    follow_up_date: dt.date | None = None


def communication_keys(customer: Customer, *, contacts: bool = True) -> QuerySet[Any]:
    """Return what was said as (moment, origin, key) rows, newest first, to be counted and cut into pages.

    ``contacts`` False leaves the notes of the staff out.
    """
    sent = Message.objects.filter(customer_id=customer.pk)
    rows = _keys(sent, "created_at", "message")
    replies = InboundMessage.objects.filter(sender__in=_forms(customer.phone))
    if contacts:  # what a guest wrote in words stands there as a contact
        replies = replies.exclude(meaning=InboundMessage.Meaning.TEXT)
    parts = [_keys(replies, "received_at", "reply")]
    if contacts:
        parts.append(_keys(Interaction.objects.filter(customer=customer), "interaction_date", "contact"))
    return rows.union(*parts, all=True).order_by("-moment", "-key")


def load_communications(keys: Sequence[Mapping[str, Any]]) -> list[Communication]:
    """Return the entries of one page of :func:`communication_keys`; three queries at most."""
    ids: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for row in keys:
        ids[row["origin"]].append(row["key"])
    found: dict[tuple[str, str], Communication] = {}
    for message in Message.objects.filter(Q(pk__in=ids["message"])) if ids["message"] else []:
        found["message", str(message.pk)] = _of_message(message)
    for reply in InboundMessage.objects.filter(pk__in=ids["reply"]) if ids["reply"] else []:
        found["reply", str(reply.pk)] = _of_reply(reply)
    contacts = Interaction.objects.select_related("agent").filter(pk__in=ids["contact"])
    for contact in contacts if ids["contact"] else []:
        found["contact", str(contact.pk)] = _of_contact(contact)
    return [found[row["origin"], row["key"]] for row in keys if (row["origin"], row["key"]) in found]


def _keys(rows: QuerySet[Any], moment: str, kind: str) -> QuerySet[Any]:
    named = rows.order_by().annotate(
        moment=Cast(moment, rows.model._meta.get_field(moment)),
        origin=Value(kind, CharField()),
        key=Cast("pk", CharField()),
    )
    return named.values("moment", "origin", "key")


def _forms(phone: str) -> list[str]:
    """Return the number in the forms providers write senders in."""
    return [phone, phone.lstrip("+"), f"00{phone.lstrip('+')}", national(phone, get_locale().phone_region)]


def _of_message(row: Message) -> Communication:
    return Communication(
        id=str(row.pk), kind="message", at=row.sent_at or row.created_at, channel=row.channel,
        channel_label=row.get_channel_display(), direction="outbound", title=str(row.get_purpose_display()),
        text=shown_text(row.kind, row.body), state=row.state, state_label=str(row.get_state_display()),
        reason=row.reason, author="",
    )  # fmt: skip


def _of_reply(row: InboundMessage) -> Communication:
    label = str(dict(Message.Channel.choices)[Message.Channel.SMS])
    return Communication(
        id=str(row.pk), kind="reply", at=row.received_at, channel="sms", channel_label=label, direction="inbound",
        title="", text=row.body, state="", state_label="", reason="", author="",
    )  # fmt: skip


def _of_contact(row: Interaction) -> Communication:
    return Communication(
        id=str(row.pk), kind="contact", at=row.interaction_date, channel=row.type,
        channel_label=str(row.get_type_display()), direction=row.direction, title=row.subject, text=row.details,
        state=row.outcome, state_label=str(row.get_outcome_display()) if row.outcome else "", reason="",
        author=row.agent.display_name if row.agent else "", follow_up_date=row.follow_up_date,
    )  # fmt: skip
