"""The words and tones of coded values, in one place: a badge looks the same on every page."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Label(NamedTuple):
    """How a code is shown: its word, its tone (CSS class without "is-") and its icon."""

    text: str | Promise
    tone: str = ""
    icon: str = ""


TIERS: dict[str, Label] = {
    "bronze": Label(_("Bronze")),
    "silver": Label(_("Silver")),
    "gold": Label(_("Gold")),
    "platinum": Label(_("Platinum")),
}

SEGMENTS: dict[str, Label] = {
    "new": Label(_("New"), "info"),
    "occasional": Label(_("Occasional")),
    "regular": Label(_("Regular"), "ok"),
    "vip": Label(_("VIP"), "accent", "star-filled"),
}

STATUSES: dict[str, Label] = {
    # customers and staff
    "active": Label(_("Active"), "ok", "circle-check"),
    "inactive": Label(_("Inactive"), "", "clock"),
    "blocked": Label(_("Blocked"), "bad", "ban"),
    # visits
    "recorded": Label(_("Recorded"), "ok", "circle-check"),
    "voided": Label(_("Voided"), "bad", "x"),
    # outgoing messages
    "queued": Label(_("Queued"), "info", "clock"),
    "claimed": Label(_("Sending"), "info", "send"),
    "sent": Label(_("Sent"), "info", "send"),
    "delivered": Label(_("Delivered"), "ok", "check"),
    "unknown": Label(_("Outcome unknown"), "warn", "alert-triangle"),
    "failed": Label(_("Failed"), "bad", "alert-circle"),
    "cancelled": Label(_("Cancelled"), "", "x"),
    "blocked_by_guest": Label(_("Opted out"), "warn", "ban"),
    "expired": Label(_("Expired"), "", "clock"),
}
