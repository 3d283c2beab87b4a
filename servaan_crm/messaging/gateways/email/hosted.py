"""What hosted mail services tell of letters, read by django-anymail.

The secret in the path of our address is the proof of origin; where a service signs its calls, anymail checks that too.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from anymail.webhooks.base import AnymailBaseWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.mailtrap import MailtrapTrackingWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView
from django.core.handlers.wsgi import WSGIRequest

from servaan_crm.messaging.gateways.base import CallbackCall, DeliveryReport, DeliveryState, Refusal
from servaan_crm.messaging.gateways.reading import part, text_of

MOST_EVENTS = 1000  # of one call
_ID_LENGTH = 200

Raw = Mapping[str, Any]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A service that needs nothing but a key.

    Args:
        key: name of the key in django-anymail. view: what reads the service's calls.
        signed_by: name of the key it signs its calls with; "" where it signs none. must_sign: no call without it.
        is_hard: whether an event says that there is no such mailbox; soft ones say "not now".
    """

    label: str
    key: str
    view: type[AnymailBaseWebhookView]
    is_hard: Callable[[Raw], bool]
    signed_by: str = ""
    must_sign: bool = False


def _is(*path: str, among: frozenset[str]) -> Callable[[Raw], bool]:
    return lambda raw: text_of(part(raw, *path)) in among


def _mailgun_bounce(raw: Raw) -> bool:
    """A permanent failure may be the receiver's dislike of us; only a bounce is about the mailbox."""
    found = part(raw, "event-data")
    is_permanent = text_of(part(found, "severity")) == "permanent"
    return is_permanent and text_of(part(found, "reason")) in {"bounce", "suppress-bounce"}


def _sparkpost_class(raw: Raw) -> bool:
    msys = raw.get("msys")
    events = list(msys.values()) if isinstance(msys, dict) else []
    # Invalid recipient, no such recipient.
    return any(isinstance(event, dict) and str(event.get("bounce_class")) in {"10", "30"} for event in events)


HOSTED: dict[str, Hosted] = {
    "brevo": Hosted(
        "Brevo", "api_key", BrevoTrackingWebhookView,
        _is("event", among=frozenset({"hard_bounce", "invalid_email"})),
    ),
    "mailersend": Hosted(
        "MailerSend", "api_token", MailerSendTrackingWebhookView,
        _is("data", "type", among=frozenset({"hard_bounced"})), "signing_secret", must_sign=True,
    ),
    "mailgun": Hosted(
        "Mailgun", "api_key", MailgunTrackingWebhookView,
        _mailgun_bounce, "webhook_signing_key", must_sign=True,
    ),
    "mailtrap": Hosted(
        "Mailtrap", "api_token", MailtrapTrackingWebhookView,
        _is("event", among=frozenset({"bounce"})), "tracking_secret",
    ),
    "mandrill": Hosted(
        "Mandrill", "api_key", MandrillCombinedWebhookView,
        _is("event", among=frozenset({"hard_bounce"})), "webhook_key", must_sign=True,
    ),
    "postmark": Hosted(
        "Postmark", "server_token", PostmarkTrackingWebhookView,
        _is("Type", among=frozenset({"HardBounce", "BadEmailAddress"})),
    ),
    "resend": Hosted(
        "Resend", "api_key", ResendTrackingWebhookView,
        _is("data", "bounce", "type", among=frozenset({"Permanent"})),
    ),
    "sendgrid": Hosted(
        "SendGrid", "api_key", SendGridTrackingWebhookView,
        _is("type", among=frozenset({"bounce"})), "tracking_webhook_verification_key",
    ),
    "sparkpost": Hosted("SparkPost", "api_key", SparkPostTrackingWebhookView, _sparkpost_class),
}  # fmt: skip


def is_authentic(service: Hosted, call: CallbackCall, key: str) -> bool:
    """Say whether the service's signature fits. ``key``: what it signs with, "" where the café entered none.

    A service that always signs is not believed without; one that need not is, by the secret in the path.
    """
    if not key:
        return not service.must_sign
    try:
        _view(service, call, key).run_validators(_request(call))
    except Exception as error:  # a signature that does not fit, or a key or a signature that is none
        log.info("a call of %s is not signed as it should be: %s", service.label, type(error).__name__)
        return False
    return True


def read_reports(service: Hosted, call: CallbackCall, key: str) -> list[DeliveryReport]:
    """Return what a call says of letters; nothing for one that cannot be read."""
    try:
        events = _view(service, call, key).parse_events(_request(call))
    except Exception as error:  # strangers write anything, and anymail expects what the service documents
        log.info("a call of %s cannot be read: %s", service.label, type(error).__name__)
        return []
    return [report for event in events[:MOST_EVENTS] if (report := _report(service, event)) is not None]


def _report(service: Hosted, event: Any) -> DeliveryReport | None:
    if not isinstance(event, AnymailTrackingEvent):
        return None
    provider_id = text_of(event.message_id).strip("<>")[:_ID_LENGTH]
    state = _STATES.get(event.event_type)
    if not provider_id or state is None:
        return None
    raw = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    refusal = ""
    if event.event_type in _NOES:
        refusal = Refusal.NO
    elif event.event_type in {EventType.BOUNCED, EventType.REJECTED} and service.is_hard(raw):
        refusal = Refusal.GONE
    if event.event_type == EventType.REJECTED and event.reject_reason == RejectReason.INVALID:
        state, refusal = DeliveryState.UNDELIVERED, Refusal.GONE
    is_read = event.event_type in {EventType.OPENED, EventType.CLICKED}
    return DeliveryReport(provider_id, state, str(event.event_type)[:20], is_read=is_read, refusal=refusal)


_NOES = frozenset({EventType.COMPLAINED, EventType.UNSUBSCRIBED})
# Whoever opens, complains or signs off has got the letter. What is not here (queued, deferred, …) ends nothing.
_STATES = {
    EventType.DELIVERED: DeliveryState.DELIVERED,
    EventType.OPENED: DeliveryState.DELIVERED,
    EventType.CLICKED: DeliveryState.DELIVERED,
    EventType.COMPLAINED: DeliveryState.DELIVERED,
    EventType.UNSUBSCRIBED: DeliveryState.DELIVERED,
    EventType.BOUNCED: DeliveryState.UNDELIVERED,
    EventType.REJECTED: DeliveryState.BLOCKED,
    EventType.FAILED: DeliveryState.FAILED,
}


class _PathIsSecret:
    """Anymail warns where no Basic authentication is asked for; our address holds a secret of its own instead."""

    @property
    def warn_if_no_basic_auth(self) -> bool:
        return False

    @warn_if_no_basic_auth.setter
    def warn_if_no_basic_auth(self, value: bool) -> None:
        """Some views decide by themselves whether to warn."""


def _view(service: Hosted, call: CallbackCall, key: str) -> Any:
    settings: dict[str, Any] = {"webhook_secret": ""}
    if service.signed_by:
        # Reading needs the name of a key, not the key: what is read was found authentic before.
        settings[service.signed_by] = key or ("-" if service.must_sign else None)
    if service.signed_by == "webhook_key":
        settings["webhook_url"] = call.url
    return type(service.view.__name__, (_PathIsSecret, service.view), {})(**settings)


def _request(call: CallbackCall) -> WSGIRequest:
    """The call as anymail wants it."""
    parts = urlsplit(call.url)
    environ = {
        "REQUEST_METHOD": call.method,
        "PATH_INFO": parts.path or "/",
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "localhost",
        "SERVER_PORT": str(parts.port or 443),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": parts.scheme or "https",
        "wsgi.input": io.BytesIO(call.body),
        "CONTENT_TYPE": call.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(call.body)),
    }
    own = {"content-type", "content-length"}
    environ |= {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in call.headers.items()
        if name not in own
    }
    return WSGIRequest(environ)
