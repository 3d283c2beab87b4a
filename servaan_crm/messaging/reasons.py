"""Why a message did not arrive, in words for people.

What we decide ourselves is stored as a class and a code, and said in the reader's language. A provider's own words
stand behind ours, because they alone name the case.
"""

from __future__ import annotations

from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# The class of error of messages whose time was over; the code says what they waited for.
EXPIRED_CLASS = "expired"
PAUSED, NO_ACCOUNT, NO_REACH, QUIET, TRIES, LATE = (
    "paused", "no_account", "no_reach", "quiet", "tries", "late",
)  # fmt: skip
OFF, CREDIT, AUTH, REST, LIMIT, ACCOUNTS = "off", "credit", "auth", "rest", "limit", "accounts"

EXPIRED: dict[str, str | Promise] = {
    PAUSED: gettext_lazy("It was paused until it was too late."),
    NO_ACCOUNT: gettext_lazy("There was no provider for this channel."),
    NO_REACH: gettext_lazy("No provider of yours reaches numbers of that country."),
    OFF: gettext_lazy("All providers were switched off until it was too late."),
    CREDIT: gettext_lazy("All providers were out of credit until it was too late."),
    AUTH: gettext_lazy("All providers refused the key or the line until it was too late."),
    REST: gettext_lazy("No provider could be reached until it was too late."),
    LIMIT: gettext_lazy("All providers were at their limit until it was too late."),
    ACCOUNTS: gettext_lazy(
        "All providers were switched off, out of credit, at their limit or out of reach until it was too late."
    ),
    QUIET: gettext_lazy("The quiet hours lasted until it was too late."),
    TRIES: gettext_lazy("No provider took it before it was too late."),
    LATE: gettext_lazy("Its turn did not come in time."),
}
# Where a provider told the end and nothing else.
_ENDED: dict[str, str | Promise] = {
    "failed": gettext_lazy("The provider could not send it."),
    "undelivered": gettext_lazy("It did not reach the guest: the phone was off, or the address is wrong."),
    "blocked": gettext_lazy("The guest refuses messages of this sender."),
    "expired": EXPIRED[LATE],
    "cancelled": gettext_lazy("It was taken back before it was sent."),
}
# A provider's words may run the other way than ours: they are kept apart by these two.
_ISOLATE = "\u2068{}\u2069"


class Ended(Protocol):
    """What is asked of a message."""

    state: str
    error_class: str
    error_code: str
    error_text: str


def reason_of(message: Ended) -> str:
    """Return why ``message`` did not arrive, in the reader's language; "" while it may still."""
    if message.state not in _ENDED:
        return ""
    if message.error_class == EXPIRED_CLASS and message.error_code in EXPIRED:
        return str(EXPIRED[message.error_code])
    if message.state != "failed":
        return message.error_text or str(_ENDED[message.state])
    return _failed(message)


def _failed(message: Ended) -> str:
    if message.error_class == "unknown":
        return _("Nobody knows whether it went out, so it is not sent again.")
    if not message.error_text:
        return str(_ENDED["failed"])
    words = _ISOLATE.format(message.error_text)
    if message.error_class == "permanent":
        return _("The provider refused it: %(words)s") % {"words": words}
    return _("The provider did not take it: %(words)s") % {"words": words}
