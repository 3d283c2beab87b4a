"""Which adapters exist, and one live instance per account and process."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from django.utils.functional import Promise

from servaan_crm.messaging.gateways.base import Gateway, GatewayConfig
from servaan_crm.messaging.gateways.email import EmailGateway
from servaan_crm.messaging.gateways.ghasedak import GhasedakGateway
from servaan_crm.messaging.gateways.gupshup import GupshupGateway
from servaan_crm.messaging.gateways.instagram import InstagramGateway
from servaan_crm.messaging.gateways.interakt import InteraktGateway
from servaan_crm.messaging.gateways.kavenegar import KavenegarGateway
from servaan_crm.messaging.gateways.melipayamak import MelipayamakGateway
from servaan_crm.messaging.gateways.meta_whatsapp import MetaWhatsAppGateway
from servaan_crm.messaging.gateways.sms_ir import SmsIrGateway
from servaan_crm.messaging.gateways.twilio import TwilioGateway
from servaan_crm.messaging.gateways.web_push import WebPushGateway

# One line each, in the order the settings page offers them.
ADAPTERS: dict[str, type[Gateway]] = {
    adapter.name: adapter
    for adapter in (
        KavenegarGateway,
        SmsIrGateway,
        MelipayamakGateway,
        GhasedakGateway,
        TwilioGateway,
        MetaWhatsAppGateway,
        GupshupGateway,
        InteraktGateway,
        InstagramGateway,
        EmailGateway,
        WebPushGateway,
    )
}

_MAX_OPEN = 32
_lock = threading.Lock()
# Keyed by process too: a connection pool must not be shared across a fork.
_open: OrderedDict[tuple[int, str, GatewayConfig], Gateway] = OrderedDict()


def get_gateway(adapter: str, config: GatewayConfig) -> Gateway:
    """Return the adapter ``adapter`` for ``config``, reusing its open connections.

    Raises ``KeyError`` for an adapter that is not registered.
    """
    key = (os.getpid(), adapter, config)
    with _lock:
        gateway = _open.get(key)
        if gateway is None:
            gateway = _open[key] = ADAPTERS[adapter](config)
        _open.move_to_end(key)
        # Dropped ones close themselves when their last call is done; closing here could cut a call in flight.
        while len(_open) > _MAX_OPEN:
            _open.popitem(last=False)
    return gateway


def adapter_choices() -> list[tuple[str, str | Promise]]:
    """(key, label) of every adapter, for forms and admin."""
    return [(key, adapter.label) for key, adapter in ADAPTERS.items()]
