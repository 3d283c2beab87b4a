"""A guest's yes and no to push messages, said on the own card."""

from __future__ import annotations

from uuid import UUID

from customers.models import Channel, ConsentChange
from customers.services.consent import set_consent
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.messaging.services.push import drop_browser, has_browser, save_browser

_GUEST = Actor(kind="guest", name="")


def take_push(*, customer_id: UUID, endpoint: str, p256dh: str, auth: str) -> None:
    """Keep this browser and write down the guest's yes to the channel, in one transaction.

    Raises CustomerNotFound; ValidationError for anything but a usable subscription.
    """
    with write(_GUEST):
        set_consent(
            actor=_GUEST,
            customer_id=customer_id,
            channel=Channel.PUSH,
            granted=True,
            source=ConsentChange.Source.LINK,
            explicit=True,
        )
        save_browser(customer_id=customer_id, endpoint=endpoint, p256dh=p256dh, auth=auth)


def leave_push(*, customer_id: UUID, endpoint: str) -> None:
    """Forget this browser; with the guest's last one goes the yes to the channel.

    Raises CustomerNotFound.
    """
    with write(_GUEST):
        if not drop_browser(customer_id=customer_id, endpoint=endpoint) or has_browser(customer_id):
            return
        set_consent(
            actor=_GUEST,
            customer_id=customer_id,
            channel=Channel.PUSH,
            granted=False,
            source=ConsentChange.Source.LINK,
        )
