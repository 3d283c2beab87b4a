"""What hosted mail services report, in the shapes their documents show, and the question that proves a key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from servaan_crm.messaging.gateways.base import (
    AuthError,
    CallbackCall,
    DeliveryState,
    GatewayConfig,
    OutgoingMessage,
)
from servaan_crm.messaging.gateways.email import EmailGateway
from servaan_crm.messaging.gateways.fake import Call, FakeServer, Reply, running

URL = "https://cafe.example/api/callbacks/email/status/secret"
KEY = "signing-key"
SIGNED = ("mailersend", "mailgun", "mandrill")
MAIL = "guest@mail.example"
D, U, B, F = DeliveryState.DELIVERED, DeliveryState.UNDELIVERED, DeliveryState.BLOCKED, DeliveryState.FAILED


def gateway(service: str, base_url: str = "", *, key: str = "", **options: str) -> EmailGateway:
    given = {"service": service} | ({"webhook_key": key} if key else {}) | options
    config = GatewayConfig(base_url, "api-key", "news@cafe.example", "email", tuple(sorted(given.items())))
    return EmailGateway(config)


def call(body: bytes, *, form: Mapping[str, str] | None = None, **headers: str) -> CallbackCall:
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    return CallbackCall("POST", URL, {"content-type": kind, **own}, {}, form or {}, body, [])


def signed(service: str, events: Any, key: str = KEY) -> CallbackCall:
    """A call as the service makes it, signed with ``key`` where it signs."""
    if service == "mandrill":
        form = {"mandrill_events": json.dumps(events)}
        text = URL + "".join(name + form[name] for name in sorted(form))
        mark = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()
        return call(urlencode(form).encode(), form=form, x_mandrill_signature=mark)
    if service == "mailgun":
        mark = hmac.new(key.encode(), b"1700000000token", hashlib.sha256).hexdigest()
        events = {"signature": {"timestamp": "1700000000", "token": "token", "signature": mark}} | events
        return call(json.dumps(events).encode())
    body = json.dumps(events).encode()
    mark = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return call(body, signature=mark, mailtrap_signature=mark)


def mailersend(kind: str) -> dict[str, Any]:
    email = {"message": {"id": "m-1"}, "recipient": {"email": MAIL}}
    return {"type": f"activity.{kind}", "data": {"type": kind, "id": "a1", "email": email}}


def mailgun(event: str, **fields: Any) -> dict[str, Any]:
    message = {"headers": {"message-id": "m-1"}}
    return {"event-data": {"event": event, "timestamp": 1.5, "recipient": MAIL, "message": message, **fields}}


def mandrill(event: str) -> list[dict[str, Any]]:
    return [{"event": event, "ts": 1, "_id": "m-1", "msg": {"email": MAIL, "_id": "m-1"}}]


def sparkpost(kind: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"msys": {"message_event": {"type": kind, "transmission_id": "m-1", "timestamp": "1", **fields}}}]


def postmark(record: str, **fields: Any) -> dict[str, Any]:
    return {"RecordType": record, "MessageID": "m-1", "Email": MAIL, **fields}


def sendgrid(event: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"event": event, "email": MAIL, "timestamp": 1, "anymail_id": "m-1", **fields}]


def mailtrap(event: str) -> dict[str, Any]:
    return {"events": [{"event": event, "message_id": "m-1", "email": MAIL, "timestamp": 1, "event_id": "e"}]}


def resend(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"email.{kind}", "created_at": "2026-01-01T00:00:00Z",
            "data": {"email_id": "m-1", "to": [MAIL], **fields}}  # fmt: skip


def brevo(event: str) -> dict[str, Any]:
    return {"event": event, "email": MAIL, "message-id": "<m-1>", "ts_epoch": 1}


EVENTS = [
    ("brevo", brevo("delivered"), D, ""),
    ("brevo", brevo("hard_bounce"), U, "gone"),
    ("brevo", brevo("invalid_email"), U, "gone"),
    ("brevo", brevo("soft_bounce"), U, ""),
    ("brevo", brevo("spam"), D, "no"),
    ("brevo", brevo("unsubscribe"), D, "no"),
    ("brevo", brevo("blocked"), B, ""),
    ("brevo", brevo("error"), F, ""),
    ("brevo", brevo("deferred"), None, ""),
    ("brevo", brevo("request"), None, ""),
    ("mailersend", mailersend("delivered"), D, ""),
    ("mailersend", mailersend("hard_bounced"), U, "gone"),
    ("mailersend", mailersend("soft_bounced"), U, ""),
    ("mailersend", mailersend("spam_complaint"), D, "no"),
    ("mailgun", mailgun("delivered"), D, ""),
    ("mailgun", mailgun("failed", severity="permanent", reason="bounce"), U, "gone"),
    ("mailgun", mailgun("failed", severity="permanent", reason="generic"), U, ""),
    ("mailgun", mailgun("failed", severity="temporary", reason="generic"), None, ""),
    ("mailgun", mailgun("complained"), D, "no"),
    ("mailgun", mailgun("rejected", reject={"reason": "x"}), B, ""),
    ("mailtrap", mailtrap("delivery"), D, ""),
    ("mailtrap", mailtrap("bounce"), U, "gone"),
    ("mailtrap", mailtrap("soft bounce"), None, ""),
    ("mailtrap", mailtrap("spam"), D, "no"),
    ("mandrill", mandrill("hard_bounce"), U, "gone"),
    ("mandrill", mandrill("soft_bounce"), U, ""),
    ("mandrill", mandrill("spam"), D, "no"),
    ("mandrill", mandrill("open"), D, ""),
    ("postmark", postmark("Delivery"), D, ""),
    ("postmark", postmark("Bounce", Type="HardBounce"), U, "gone"),
    ("postmark", postmark("Bounce", Type="BadEmailAddress"), U, "gone"),
    ("postmark", postmark("Bounce", Type="Transient"), None, ""),
    ("postmark", postmark("SpamComplaint", Type="SpamComplaint"), D, "no"),
    ("resend", resend("delivered"), D, ""),
    (
        "resend",
        resend("bounced", bounce={"message": "a hard bounce message", "type": "Permanent"}),
        U,
        "gone",
    ),
    ("resend", resend("bounced", bounce={"message": "inbox full", "type": "Transient"}), U, ""),
    ("resend", resend("complained"), D, "no"),
    ("sendgrid", sendgrid("delivered"), D, ""),
    ("sendgrid", sendgrid("bounce", type="bounce"), U, "gone"),
    ("sendgrid", sendgrid("bounce", type="blocked"), U, ""),
    ("sendgrid", sendgrid("dropped", reason="Invalid"), U, "gone"),
    ("sendgrid", sendgrid("dropped", reason="Unsubscribed Address"), B, ""),
    ("sendgrid", sendgrid("spamreport"), D, "no"),
    ("sparkpost", sparkpost("delivery"), D, ""),
    ("sparkpost", sparkpost("bounce", bounce_class="10"), U, "gone"),
    ("sparkpost", sparkpost("bounce", bounce_class="22"), U, ""),
    ("sparkpost", sparkpost("spam_complaint"), D, "no"),
]


@pytest.mark.parametrize(("service", "events", "state", "refusal"), EVENTS)
def test_what_a_report_means(service: str, events: Any, state: DeliveryState | None, refusal: str) -> None:
    adapter = gateway(service, key=KEY if service in SIGNED else "")
    told = signed(service, events)
    assert adapter.verify(told)
    found = [
        (one.provider_id, one.state, str(one.refusal))
        for one in adapter.read_callback("status", told).reports
    ]
    assert found == ([] if state is None else [("m-1", state, refusal)])


def test_an_opened_letter_was_read() -> None:
    report = gateway("brevo").read_callback("status", signed("brevo", brevo("opened"))).reports[0]
    assert (report.is_read, report.status) == (True, "opened")


@pytest.mark.parametrize("service", [*SIGNED, "mailtrap"])
def test_a_signature_is_checked_where_there_is_one(service: str) -> None:
    events = {"mandrill": mandrill("open"), "mailgun": mailgun("opened"), "mailtrap": mailtrap("open"),
              "mailersend": mailersend("opened")}[service]  # fmt: skip
    assert gateway(service, key=KEY).verify(signed(service, events))
    assert not gateway(service, key=KEY).verify(signed(service, events, "somebody else's"))
    assert not gateway(service, key=KEY).verify(call(json.dumps(events).encode()))
    assert not gateway(service, key="کلید").verify(signed(service, events))
    # Without a key of ours: those that always sign are not believed, the others are by the secret in the path.
    assert gateway(service).verify(signed(service, events)) == (service not in SIGNED)


@pytest.mark.parametrize("service", sorted({service for service, *_rest in EVENTS}))
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"[[1]]", b'{"event": 7}', b"\xff", b"[" * 100_000]
)
def test_nonsense_is_no_report_and_no_error(service: str, body: bytes) -> None:
    adapter = gateway(service, key=KEY if service in SIGNED else "")
    assert list(adapter.read_callback("status", call(body)).reports) == []
    assert adapter.verify(call(body)) == (service not in SIGNED)


def test_a_mail_server_calls_nobody() -> None:
    adapter = gateway("smtp", host="mail.example.com")
    assert adapter.called_about() == ()
    assert not adapter.verify(signed("brevo", brevo("spam")))
    assert gateway("brevo").called_about() == ("status",)


class FakeService(FakeServer):
    """Answers a question about a key as it was told to."""

    reply = Reply(200, {})

    def answer(self, call: Call) -> Reply:
        return self.reply


@pytest.mark.parametrize(
    ("service", "path", "status", "name", "is_proven"),
    [
        ("brevo", "/account", 200, "", True),
        ("mailersend", "/api-quota", 200, "", True),
        ("mailersend", "/api-quota", 403, "", False),
        ("mandrill", "/users/ping2.json", 200, "", True),
        ("postmark", "/server", 200, "", True),
        ("resend", "/domains", 401, "restricted_api_key", True),
        ("sendgrid", "/scopes", 200, "", True),
        ("sparkpost", "/account", 403, "", True),
        ("brevo", "/account", 500, "", False),
        ("mailgun", "", 0, "", False),
        ("mailtrap", "", 0, "", False),
    ],
)
def test_the_question_that_proves_a_key(
    service: str, path: str, status: int, name: str, is_proven: bool
) -> None:
    with running(FakeService()) as server:
        server.reply = Reply(status, {"name": name})
        assert gateway(service, server.url).account_info().is_proven is is_proven
        assert [one.path for one in server.calls] == ([path] if path else [])


@pytest.mark.parametrize(
    ("service", "status", "name"),
    [
        ("brevo", 401, ""),
        ("resend", 403, "invalid_api_key"),
        ("mandrill", 500, "Invalid_Key"),
        ("postmark", 401, ""),
    ],
)
def test_a_wrong_key_is_said_to_be_wrong(service: str, status: int, name: str) -> None:
    with running(FakeService()) as server:
        server.reply = Reply(status, {"name": name})
        with pytest.raises(AuthError):
            gateway(service, server.url).account_info()


def test_an_address_of_the_cafe_does_not_lead_elsewhere() -> None:
    """A redirect is not followed: it could point into our own network."""
    with running(FakeService()) as server, running(FakeService()) as inside:
        server.reply = Reply(302, "", {"Location": f"{inside.url}/secret"})
        letter = OutgoingMessage(1, MAIL, "Hi", channel="email", subject="Hi")
        assert gateway("brevo", server.url).send_batch([letter])[0].error is not None
        assert inside.calls == []
