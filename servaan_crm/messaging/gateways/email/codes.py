"""What an error of a mail server or of a hosted provider means. Their own words quote addresses, so only numbers
travel on."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator

import requests
from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.exceptions import ImproperlyConfigured
from urllib3.exceptions import NewConnectionError

from servaan_crm.messaging.gateways.base import (
    AuthError,
    CreditError,
    GatewayError,
    PermanentError,
    RetryableError,
    UnknownOutcomeError,
)

CONNECT_PAUSE = 30
BUSY_PAUSE = 60
THROTTLE_PAUSE = 300

_ENHANCED = re.compile(r"\b([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_RELAY = re.compile(r"relay", re.IGNORECASE)
# No such mailbox, mailbox moved, the domain takes no mail at all.
_GONE = frozenset({"5.1.1", "5.1.6", "5.1.10"})
_AUTH_CODES = frozenset({530, 534, 535, 538})
_NOTHING_SENT = (requests.exceptions.ConnectTimeout, NewConnectionError)


def error_of_opening(error: Exception) -> GatewayError:
    """The typed error for a connection that did not come about: nothing was sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        if 400 <= error.smtp_code < 500:
            return RetryableError("log-in not possible now", code=str(error.smtp_code), pause=BUSY_PAUSE)
        return AuthError("user name or password refused", code=str(error.smtp_code))
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLError | ImproperlyConfigured):
        return AuthError(f"connection settings do not fit: {type(error).__name__}", code="settings")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500:
        return AuthError("the server refuses us", code=str(error.smtp_code))
    if isinstance(error, OSError):
        return RetryableError(f"no connection: {type(error).__name__}", code="connect", pause=CONNECT_PAUSE)
    return AuthError(f"connection settings do not fit: {type(error).__name__}", code="settings")


def error_of_smtp(error: Exception, *, data_begun: bool) -> GatewayError:
    """The typed error of one letter over SMTP. ``data_begun``: its text was on the way already."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _refused_recipient(int(code), _words(text))
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _refused_sender(error.smtp_code, _words(error.smtp_error))
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused("text", error.smtp_code, _words(error.smtp_error))
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return PermanentError("the server takes no such address", code="smtputf8")
    if isinstance(error, smtplib.SMTPException | OSError):
        if data_begun:
            return UnknownOutcomeError(f"no answer: {type(error).__name__}", code="transport")
        return RetryableError(f"connection lost: {type(error).__name__}", code="connect")
    return _unwritable(error)


def error_of_anymail(error: Exception) -> GatewayError:
    """The typed error of one letter through a hosted provider."""
    if isinstance(error, AnymailRecipientsRefused):
        return PermanentError("recipient refused", code="recipient")
    if isinstance(error, ImproperlyConfigured):
        return AuthError("settings of the provider do not fit", code="settings")
    if isinstance(error, AnymailUnsupportedFeature | AnymailSerializationError | AnymailInvalidAddress):
        return _unwritable(error)
    status = getattr(error, "status_code", None)
    if isinstance(error, AnymailError) and status:
        return _hosted(int(status))
    if any(isinstance(cause, _NOTHING_SENT) for cause in _causes(error)):
        return RetryableError("no connection to the provider", code="connect", pause=CONNECT_PAUSE)
    if isinstance(error, AnymailError | requests.RequestException):
        return UnknownOutcomeError(f"no answer: {type(error).__name__}", code="transport")
    return _unwritable(error)


def is_gone(error: GatewayError) -> bool:
    """Whether the server said that there is no such mailbox."""
    return isinstance(error, PermanentError) and error.code in _GONE


def _refused_recipient(code: int, text: str) -> GatewayError:
    if code >= 500 and _RELAY.search(text):
        return AuthError("the server does not pass our mail on", code=str(code))
    return _refused("recipient", code, text)


def _refused_sender(code: int, text: str) -> GatewayError:
    # 552: the letter is too big, which the server can know beforehand. Everything else final is about our address.
    if code >= 500 and code != 552:
        return AuthError("sender address refused", code=_label(code, text))
    return _refused("sender", code, text)


def _refused(what: str, code: int, text: str) -> GatewayError:
    """A refusal in so many words, whenever it came: the letter was not taken."""
    if code in _AUTH_CODES:
        return AuthError("the server wants a log-in", code=str(code))
    label = _label(code, text)
    if code == 421 or label.startswith("4.7."):
        return RetryableError("the server is busy", code=label, pause=BUSY_PAUSE)
    if 400 <= code < 500:
        return RetryableError(f"{what} not possible now", code=label)
    if 500 <= code < 600:
        return PermanentError(f"{what} refused", code=label)
    return UnknownOutcomeError("answer is not readable", code=str(code))


def _hosted(status: int) -> GatewayError:
    label = str(status)
    if status in (401, 403, 404, 405):
        return AuthError("the provider refuses our key or address", code=label)
    if status == 402:
        return CreditError("the provider wants to be paid", code=label)
    if status == 429:
        return RetryableError("too many calls", code=label, pause=THROTTLE_PAUSE)
    if 400 <= status < 500:
        return PermanentError("letter refused", code=label)
    return UnknownOutcomeError("answer is not readable", code=label)


def _unwritable(error: Exception) -> GatewayError:
    return PermanentError(f"letter cannot be written: {type(error).__name__}", code="letter")


def _causes(error: BaseException) -> Iterator[object]:
    """Every error behind an error, also those the libraries keep among the arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _label(code: int, text: str) -> str:
    found = _ENHANCED.search(text)
    return found.group(1) if found else str(code)


def _words(text: object) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
