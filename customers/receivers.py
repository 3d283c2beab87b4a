"""Whom the café may still write to, and what a guest's reply does."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from customers import recipients  # noqa: F401  (registers the check)
from customers.errors import CustomerNotFound
from customers.events import GuestReplied
from customers.models import ConsentChange, Customer
from customers.replies import Meaning, guest_of, meaning_of, was_asked
from customers.services.consent import set_consent
from servaan_crm.core.actors import Actor
from servaan_crm.core.events import publish, subscribe
from servaan_crm.messaging.models import InboundMessage
from servaan_crm.messaging.services import register_guest_lookup, register_refusal_links
from servaan_crm.tenancy.current import get_cafe
from servaan_crm.tenancy.selectors import public_origin

log = logging.getLogger(__name__)


@subscribe("message.received")
def read_reply(payload: dict[str, Any]) -> None:
    """Note who wrote and what it means; a no or yes is acted on here, the rest is for the rooms above.

    Each reply has one meaning, and each meaning one receiver, so that nothing is handled twice.
    """
    channel, body = str(payload.get("channel") or "sms"), str(payload.get("body") or "")
    guest = guest_of(str(payload.get("sender") or ""), channel)
    meaning = meaning_of(body)
    if meaning == Meaning.RATING and (guest is None or not was_asked(guest)):
        meaning = Meaning.TEXT
    InboundMessage.objects.filter(pk=payload["inbound_id"]).update(customer_id=guest, meaning=meaning)
    if guest is None:
        return
    if meaning in {Meaning.OPT_OUT, Meaning.OPT_IN}:
        set_consent(
            actor=Actor(kind="guest", name=""),
            customer_id=guest,
            channel=channel,
            granted=meaning == Meaning.OPT_IN,
            source=ConsentChange.Source.KEYWORD,
        )
        return
    reply = {"inbound_id": str(payload["inbound_id"]), "channel": channel, "body": body}
    publish(GuestReplied(customer_id=str(guest), meaning=str(meaning), **reply))


@subscribe("message.refused")
def take_no(payload: dict[str, Any]) -> None:
    """A guest complained about a letter, or signed off at the provider: that is a no to offers on this channel."""
    try:
        set_consent(
            actor=Actor(kind="guest", name=""),
            customer_id=UUID(str(payload["customer_id"])),
            channel=str(payload["channel"]),
            granted=False,
            source=ConsentChange.Source.LINK,
            deleted_too=True,
        )
    except CustomerNotFound:
        log.info("a guest who said no is gone")


@register_refusal_links
def refusal_links(customer_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The full address of each guest's own page for "no more offers"."""
    from customers.web.opt_out import opt_out_path  # a page: known once the addresses are

    root = public_origin(get_cafe())
    return {customer_id: root + opt_out_path(customer_id) for customer_id in customer_ids}


@register_guest_lookup
def guests_by_phone(phones: Collection[str]) -> Mapping[str, UUID]:
    """Who has these phones today."""
    rows = Customer.objects.filter(phone__in=list(phones), deleted_at=None)
    return dict(rows.values_list("phone", "pk"))
