"""The adapters under the common suite, each with its fake provider and the way that provider says no."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from servaan_crm.messaging.gateways.base import Gateway, GatewayConfig, OutgoingMessage
from servaan_crm.messaging.gateways.fake import FakeServer
from servaan_crm.messaging.gateways.ghasedak import GhasedakGateway
from servaan_crm.messaging.gateways.ghasedak import fake as ghasedak
from servaan_crm.messaging.gateways.gupshup import GupshupGateway
from servaan_crm.messaging.gateways.gupshup import fake as gupshup
from servaan_crm.messaging.gateways.instagram import InstagramGateway
from servaan_crm.messaging.gateways.instagram import fake as instagram
from servaan_crm.messaging.gateways.interakt import InteraktGateway
from servaan_crm.messaging.gateways.interakt import fake as interakt
from servaan_crm.messaging.gateways.melipayamak import MelipayamakGateway
from servaan_crm.messaging.gateways.melipayamak import fake as melipayamak
from servaan_crm.messaging.gateways.meta_whatsapp import MetaWhatsAppGateway
from servaan_crm.messaging.gateways.meta_whatsapp import fake as meta
from servaan_crm.messaging.gateways.sms_ir import SmsIrGateway
from servaan_crm.messaging.gateways.sms_ir import fake as sms_ir
from servaan_crm.messaging.gateways.twilio import TwilioGateway
from servaan_crm.messaging.gateways.twilio import fake as twilio

KEY = "6D4B7A5F-very-secret-key"


@dataclass(frozen=True)
class Case:
    """One adapter on one channel.

    Args:
        path: part of the address that sends. recipient: makes the n-th good address. bad: an address the fake
            refuses, None where the provider refuses none. refusals: for credit, auth, throttled and permanent the
            HTTP status and the provider's code; what is missing does not exist there. envelope: the body of a
            refusal from its code and sentence. delivered: the provider's word for it, "" where none can be asked.
        finds: it can be asked by our numbers.
    """

    name: str
    adapter: type[Gateway]
    fake: type[FakeServer]
    path: str
    recipient: Callable[[int], str]
    bad: str | None
    refusals: Mapping[str, tuple[int, Any]]
    envelope: Callable[[Any, str], Any]
    delivered: str
    sender: str = ""
    channel: str = "sms"
    options: Mapping[str, str] = field(default_factory=dict)
    base_path: str = ""
    finds: bool = True

    def gateway(self, url: str, *, key: str = KEY) -> Gateway:
        """An adapter that talks to ``url``."""
        options = tuple(sorted(self.options.items()))
        return self.adapter(GatewayConfig(f"{url}{self.base_path}", key, self.sender, self.channel, options))

    def messages(self, count: int, *, start: int = 1, body: str = "") -> list[OutgoingMessage]:
        """Texts to ``count`` addresses, each its own unless ``body`` is given."""
        return [
            OutgoingMessage(
                number, self.recipient(number), body or f"سلام مهمان {number}", channel=self.channel
            )
            for number in range(start, start + count)
        ]


def iranian(number: int) -> str:
    """The n-th Iranian mobile."""
    return f"+98912000{number:04}"


CASES = [
    Case(
        name="sms_ir",
        adapter=SmsIrGateway,
        fake=sms_ir.FakeSmsIr,
        path="/send/",
        recipient=iranian,
        bad="+98912x",
        refusals={
            "credit": (400, 102),
            "auth": (401, 10),
            "throttled": (429, 20),
            "permanent": (400, 104),
        },
        envelope=lambda code, text: {"status": code, "message": text, "data": None},
        delivered="1",
        sender=str(sms_ir.LINE),
    ),
    Case(
        name="melipayamak",
        adapter=MelipayamakGateway,
        fake=melipayamak.FakeMelipayamak,
        path="/SendSMS",
        recipient=iranian,
        bad="+98912x",
        refusals={"credit": (200, 2), "auth": (200, 0), "throttled": (200, 3), "permanent": (200, 7)},
        envelope=lambda code, text: {"Value": "0", "RetStatus": code, "StrRetStatus": text},
        delivered="1",
        sender=melipayamak.LINE,
        options={"username": melipayamak.USER},
        base_path="/api/SendSMS",
    ),
    Case(
        name="ghasedak",
        adapter=GhasedakGateway,
        fake=ghasedak.FakeGhasedak,
        path="/Send",
        recipient=iranian,
        bad="+98912x",
        refusals={
            "credit": (400, 418),
            "auth": (401, 401),
            "throttled": (429, 429),
            "permanent": (400, 400),
        },
        envelope=lambda code, text: {"isSuccess": False, "statusCode": code, "message": text, "data": None},
        delivered="5",
        sender=ghasedak.LINE,
        base_path="/rest/api/v1/WebService",
    ),
    *(
        Case(
            name=f"twilio-{channel}",
            adapter=TwilioGateway,
            fake=twilio.FakeTwilio,
            path="/Messages.json",
            recipient=lambda number: f"+9715012{number:05}",
            bad="+1415x",
            refusals={
                "credit": (403, 30002),
                "auth": (401, 20003),
                "throttled": (429, 20429),
                "permanent": (400, 21211),
            },
            envelope=lambda code, text: {"code": code, "message": text, "more_info": "", "status": 400},
            delivered="delivered",
            sender=twilio.SENDER,
            channel=channel,
            options={"account_sid": twilio.SID},
        )
        for channel in ("sms", "whatsapp")
    ),
    Case(
        name="meta_whatsapp",
        adapter=MetaWhatsAppGateway,
        fake=meta.FakeCloudApi,
        path="/messages",
        recipient=lambda number: f"+9715012{number:05}",
        bad="+9715x",
        refusals={
            "credit": (400, 131042),
            "auth": (401, 190),
            "throttled": (429, 130429),
            "permanent": (400, 131026),
        },
        envelope=lambda code, text: meta.refusal(code, text),
        delivered="",
        channel="whatsapp",
        options={"phone_id": meta.PHONE_ID, "app_secret": "app-secret", "verify_token": "word"},
        finds=False,
    ),
    Case(
        name="gupshup",
        adapter=GupshupGateway,
        fake=gupshup.FakeGupshup,
        path="/msg",
        recipient=lambda number: f"+9188888{number:05}",
        bad="+91x",
        # That the wallet is empty is told by the sentence alone.
        refusals={"auth": (401, 0), "throttled": (429, 0), "permanent": (400, 0)},
        envelope=lambda code, text: {"status": "error", "message": text},
        delivered="",
        sender="+917834811114",
        channel="whatsapp",
        options={"app_name": "DemoApp"},
        finds=False,
    ),
    Case(
        name="interakt",
        adapter=InteraktGateway,
        fake=interakt.FakeInterakt,
        path="/message/",
        recipient=lambda number: f"+9198765{number:05}",
        bad="+91x",
        refusals={"auth": (401, 0), "throttled": (429, 0), "permanent": (400, 0)},
        envelope=lambda code, text: {"result": False, "message": text},
        delivered="",
        channel="whatsapp",
        options={"webhook_secret": "hook-secret"},
        finds=False,
    ),
    Case(
        name="instagram",
        adapter=InstagramGateway,
        fake=instagram.FakeInstagram,
        path="/messages",
        recipient=lambda number: f"125447777777{number:05}",
        bad=None,
        refusals={"auth": (401, 190), "throttled": (400, 613), "permanent": (400, 551)},
        envelope=lambda code, text: meta.refusal(code, text),
        delivered="",
        channel="instagram",
        options={"account_id": instagram.ACCOUNT_ID, "app_secret": "app-secret", "verify_token": "word"},
        finds=False,
    ),
]
