"""The menu of the staff screens as data. An entry shows when its page exists and the person may open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.accounts.permissions import P, can, feature_of
from servaan_crm.core.features import is_enabled


@dataclass(frozen=True, slots=True)
class Entry:
    """One place to go. ``permission`` None: everybody who is logged in.

    ``primary`` entries stand in the bottom bar of phones, the others behind its "More" button; ``primary_without``:
    also for those who lack that permission, because it is their main work.
    """

    label: str | Promise
    icon: str
    url_name: str
    permission: P | None = None
    primary: bool = True
    primary_without: P | None = None
    demo_only: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as shown to one person on one page."""

    label: str | Promise
    icon: str
    url: str
    is_current: bool
    primary: bool


ENTRIES = (
    Entry(_("Counter"), "building-store", "checkout:counter", P.VISITS_RECORD),
    Entry(_("Home"), "home", "web:home"),
    Entry(_("Customers"), "users", "customers:list", P.CUSTOMERS_VIEW),
    Entry(
        _("Call list"),
        "phone-call",
        "calls:list",
        P.OUTREACH_WORK,
        primary=False,
        primary_without=P.VISITS_RECORD,
    ),
    Entry(_("Segments"), "chart-pie", "segments:list", P.SEGMENTS_VIEW, primary=False),
    Entry(_("Campaigns"), "send", "campaigns:list", P.CAMPAIGNS_VIEW),
    Entry(_("Automations"), "bolt", "automations:list", P.CAMPAIGNS_VIEW, primary=False),
    Entry(_("Customer club"), "trophy", "loyalty:program", P.LOYALTY_VIEW, primary=False),
    Entry(_("Own fields"), "adjustments", "customers:fields", P.CUSTOMERS_FIELDS, primary=False),
    Entry(_("Messages"), "message", "messages:log", P.MESSAGES_VIEW, primary=False),
    Entry(_("Message providers"), "plug", "providers:list", P.PROVIDERS_MANAGE, primary=False),
    Entry(_("Test phones"), "device-mobile-message", "messaging:test-phones", primary=False, demo_only=True),
    Entry(_("Management"), "settings", "admin:index", P.ADMIN_SITE, primary=False),
)


def _address(entry: Entry) -> str | None:
    try:
        return reverse(entry.url_name)
    except NoReverseMatch:
        return None


def _allowed(entry: Entry, request: HttpRequest) -> bool:
    if entry.demo_only and not getattr(getattr(request, "cafe", None), "is_demo", False):
        return False
    if entry.permission is None:
        return True
    feature = feature_of(entry.permission)
    return can(request.user, entry.permission) and (feature is None or is_enabled(feature))


def menu_for(request: HttpRequest) -> list[Item]:
    """Return the menu of the person who asks, with the page in hand marked as current."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    found = [(entry, _address(entry)) for entry in ENTRIES if _allowed(entry, request)]
    addresses = [url for _entry, url in found if url and request.path.startswith(url)]
    current = max(addresses, key=len, default="")
    return [
        Item(
            entry.label,
            entry.icon,
            url,
            url == current and (url != "/" or request.path == "/"),
            entry.primary or (entry.primary_without is not None and not can(user, entry.primary_without)),
        )
        for entry, url in found
        if url
    ]
