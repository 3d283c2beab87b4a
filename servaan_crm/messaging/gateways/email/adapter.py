"""E-mail through Django's mail backends: a plain SMTP server, or a hosted provider by django-anymail.

A mail server says that it took a letter and nothing more: bounces come back as letters to the sender's address, which
nobody here reads. A hosted provider calls us. Nobody can be asked about a letter whose outcome is unknown.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    CallbackCall,
    CallbackContent,
    Gateway,
    GatewayError,
    OutgoingMessage,
    PermanentError,
    RetryableError,
    SendResult,
    Setting,
)
from servaan_crm.messaging.gateways.batches import deferred, with_error
from servaan_crm.messaging.gateways.email.codes import (
    error_of_anymail,
    error_of_opening,
    error_of_smtp,
    is_gone,
)
from servaan_crm.messaging.gateways.email.hosted import HOSTED, is_authentic, read_reports
from servaan_crm.messaging.gateways.email.letter import message_id, write_letter
from servaan_crm.messaging.gateways.email.questions import is_known

SMTP = "smtp"
TIMEOUT = 20  # seconds for every step of the conversation
BATCH_SECONDS = 60.0  # a slow server gets no more of a batch after this long
_PORTS = {"starttls": 587, "ssl": 465, "none": 25}


class EmailGateway(Gateway):
    """Adapter for one account. ``api_key`` is the password of the SMTP user or the hosted provider's key; ``sender``
    the From address, with or without a name."""

    name: ClassVar[str] = "email"
    label: ClassVar[str | Promise] = _("E-mail")
    channels: ClassVar[frozenset[str]] = frozenset({"email"})
    needs_api_key: ClassVar[bool] = False  # a relay in the house may want no password
    needs_sender: ClassVar[bool] = True
    has_polling: ClassVar[bool] = False
    has_credit: ClassVar[bool] = False
    batch_size: ClassVar[int] = 50
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "service",
            _("Service"),
            is_required=False,
            help_text=_(
                "Your own mail server, or a hosted provider of which you have a key. Letters that come back are"
                " reported by a hosted provider; those that come back to your own server nobody reads here."
            ),
            choices=(
                (SMTP, _("Mail server (SMTP)")),
                *((name, service.label) for name, service in HOSTED.items()),
            ),
        ),
        Setting(
            "webhook_key",
            _("Key of the reports"),
            is_secret=True,
            is_required=False,
            help_text=_(
                "For a hosted provider that signs its reports. MailerSend, Mailgun and Mandrill always do:"
                " without this key theirs are refused."
            ),
        ),
        Setting(
            "host",
            _("Mail server"),
            is_required=False,
            help_text=_("For a mail server, for example mail.example.com."),
        ),
        Setting(
            "port",
            _("Port"),
            is_required=False,
            help_text=_("Left empty it follows the encryption: 587, 465 or 25."),
        ),
        Setting(
            "user",
            _("User name"),
            is_required=False,
            help_text=_("Often the whole address. The password goes into the field of the key."),
        ),
        Setting(
            "security",
            _("Encryption"),
            is_required=False,
            choices=(
                ("starttls", _("STARTTLS (usual)")),
                ("ssl", _("SSL/TLS from the start")),
                ("none", _("None (only inside your own network)")),
            ),
        ),
    )

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 50 letters over one connection; every letter gets a result.

        A letter that is refused does not hold the others up. What concerns the account, and a conversation that
        broke off, ends the batch: what was not tried comes back as not sent.
        """
        try:
            backend = self._opened()
        except Exception as error:
            return with_error(messages, error_of_opening(error))
        try:
            return self._send_all(backend, messages)
        finally:
            _hang_up(backend)

    def account_info(self) -> AccountInfo:
        """Log in and out again; a hosted provider is asked its own question, where it has one."""
        try:
            backend = self._opened()
        except Exception as error:
            raise error_of_opening(error) from None
        _hang_up(backend)
        is_proven = self._service not in HOSTED or is_known(
            self._service, self._config.api_key, str(backend.api_url).rstrip("/")
        )
        return AccountInfo(credit=None, kind=self._service, is_proven=is_proven)

    # -- being called ----------------------------------------------------------------------------------------

    def called_about(self) -> tuple[str, ...]:
        """A hosted provider reports deliveries, bounces and complaints; a mail server calls nobody."""
        return ("status",) if self._service in HOSTED else ()

    def verify(self, call: CallbackCall) -> bool:
        """The provider's own signature, where it has one and the café entered its key."""
        service = HOSTED.get(self._service)
        return service is not None and is_authentic(service, call, self._config.option("webhook_key"))

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """What became of letters; everything else a provider tells is left out."""
        service = HOSTED.get(self._service)
        if service is None:
            return CallbackContent()
        return CallbackContent(reports=read_reports(service, call, self._config.option("webhook_key")))

    # -- inside ----------------------------------------------------------------------------------------------

    @property
    def _service(self) -> str:
        return self._config.option("service", SMTP)

    def _opened(self) -> Any:
        backend = self._backend()
        backend.open()
        if session := getattr(backend, "session", None):
            session.max_redirects = 0  # an address of the café's own must not lead us into our own network
        return backend

    def _backend(self) -> Any:
        """A fresh mail backend of the account. Raises ``ImproperlyConfigured``, ``ValueError``."""
        if self._service in HOSTED:
            if not self._config.api_key:
                raise ImproperlyConfigured("a hosted provider needs its key")
            options: dict[str, Any] = {HOSTED[self._service].key: self._config.api_key, "timeout": TIMEOUT}
            if self._config.base_url:
                options["api_url"] = self._config.base_url
            return get_connection(f"anymail.backends.{self._service}.EmailBackend", **options)
        if self._service != SMTP or not self._config.option("host"):
            raise ImproperlyConfigured("no mail server is named")
        security = self._config.option("security", "starttls")
        return get_connection(
            "servaan_crm.messaging.gateways.email.smtp.EmailBackend",
            host=self._config.option("host"),
            port=int(self._config.option("port") or _PORTS[security]),
            username=self._config.option("user"),
            password=self._config.api_key,
            use_tls=security == "starttls",
            use_ssl=security == "ssl",
            timeout=TIMEOUT,
        )

    def _send_all(self, backend: Any, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        results: list[SendResult] = []
        until = time.monotonic() + BATCH_SECONDS
        for index, message in enumerate(messages):
            if time.monotonic() > until:
                late = RetryableError("the server is slow", code="slow")
                return results + with_error(messages[index:], late)
            result = self._send_one(backend, message)
            if (
                result.error is not None
                and result.error.code == "421"
                and any(one.provider_id for one in results)
            ):
                # Enough letters for one connection: no reason to let the account rest.
                enough = RetryableError("the server wants a new connection", code="421")
                return results + with_error(messages[index:], enough)
            results.append(result)
            if result.error is not None and _ends_batch(result.error):
                return results + with_error(messages[index + 1 :], deferred(result.error))
        return results

    def _send_one(self, backend: Any, message: OutgoingMessage) -> SendResult:
        sort: Callable[[Exception], GatewayError] = error_of_anymail
        if self._service == SMTP:
            sort = lambda error: error_of_smtp(error, data_begun=backend.data_begun)  # noqa: E731
            backend.data_begun = False
        sender = message.sender or self._config.sender
        try:
            letter = write_letter(message, sender)
            backend.send_messages([letter])
        except Exception as caught:
            error = sort(caught)
            return SendResult(message.local_id, error=error, address_is_gone=is_gone(error))
        status = getattr(letter, "anymail_status", None)
        given = str(getattr(status, "message_id", None) or "").strip("<>")
        return SendResult(message.local_id, provider_id=(given or message_id(message, sender))[:200])


def _ends_batch(error: GatewayError) -> bool:
    """Whether the next letter would meet the same: the account, the connection or the server is at fault."""
    if isinstance(error, RetryableError):
        return bool(error.pause) or error.code == "connect"
    return not isinstance(error, PermanentError)


def _hang_up(backend: Any) -> None:
    """Close without caring how: the letters have their answers already."""
    try:
        backend.close()
    except (smtplib.SMTPException, OSError):
        return
