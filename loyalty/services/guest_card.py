"""The link of a guest's card: made, renewed, sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from customers.errors import CustomerBlocked
from customers.models import Customer
from customers.services.visits import lock_customer
from loyalty.card_links import card_token, new_key
from loyalty.models import GuestCard
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.features import require_feature
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import queue_message
from servaan_crm.messaging.services.push import drop_browsers
from servaan_crm.tenancy.current import get_cafe

KIND = "guest_card"
RESEND_AFTER = timedelta(hours=1)
_FAILED = (
    Message.State.FAILED, Message.State.UNDELIVERED, Message.State.BLOCKED, Message.State.EXPIRED,
    Message.State.CANCELLED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CardLink:
    """A guest's link. ``message``: what was queued; ``is_repeat``: it was queued within the last hour already."""

    url: str
    token: str
    renewed_at: object
    message: Message | None = None
    is_repeat: bool = False


def card_link(
    *, actor: Actor, customer_id: UUID, origin: str, renew: bool = False, send: bool = False
) -> CardLink:
    """Return the guest's link, made when it is asked for the first time.

    Args:
        origin: scheme and host in front of the path, such as "https://servaan.example.com".
        renew: draw a new one; every older link opens nothing any more, and browsers that subscribed to push
            messages through one get none: who had the link may have been a stranger.
        send: queue it as a message to the guest; the same link at most once an hour.

    Raises:
        CustomerNotFound: there is no such guest, or it is deleted.
        CustomerBlocked: the link is to be sent to a blocked guest.
        FeatureDisabled: the club is switched off.
    """
    require_feature("loyalty")
    with write(actor):
        customer = lock_customer(customer_id=customer_id)
        if send and customer.is_blocked:
            raise CustomerBlocked(details={"customer_id": str(customer.pk)})
        card = _card_of(customer, renew=renew)
        token = card_token(card.key)
        url = origin.rstrip("/") + reverse("guest-card", args=[token])
        if not send:
            return CardLink(url, token, card.renewed_at)
        message, is_repeat = _send(actor, customer, url)
        return CardLink(url, token, card.renewed_at, message, is_repeat)


def _card_of(customer: Customer, *, renew: bool) -> GuestCard:
    """Return the guest's row; its lock makes two who ask at once see one key."""
    card = GuestCard.objects.filter(pk=customer.pk).first()
    if card is not None and not renew:
        return card
    if card is not None:
        drop_browsers([customer.pk])
    values = {"key": new_key(), "renewed_at": timezone.now()}
    return GuestCard.objects.update_or_create(customer=customer, defaults=values)[0]


def _send(actor: Actor, customer: Customer, url: str) -> tuple[Message, bool]:
    """Queue the link; the same text to the same number waits an hour. The guest's lock makes two askers see one."""
    body = _text(url)
    recent = Message.objects.filter(
        customer_id=customer.pk,
        kind=KIND,
        recipient=customer.phone,
        body=body,
        created_at__gt=timezone.now() - RESEND_AFTER,
    ).exclude(state__in=_FAILED)
    if message := recent.order_by("-created_at").first():
        return message, True
    message = queue_message(
        recipient=customer.phone,
        body=body,
        kind=KIND,
        purpose=Message.Purpose.TRANSACTIONAL,
        customer_id=customer.pk,
        actor=actor,
    )
    return message, False


def _text(url: str) -> str:
    cafe = get_cafe()
    with translation.override(cafe.language):
        name = cafe.name if cafe.language == "fa" else cafe.name_en or cafe.name
        return _("Your card at %(cafe)s:\n%(link)s") % {"cafe": name, "link": url}
