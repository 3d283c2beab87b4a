"""What the layouts need on every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from servaan_crm.web.navigation import menu_for

THEME_COOKIE = "servaan_theme"
THEMES = ("light", "dark", "auto")


def theme_of(request: HttpRequest) -> str:
    """Return the person's theme: "light", "dark" or "auto" (what the device says)."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "auto"


def _search_url() -> str:
    try:
        return reverse("web:search")
    except NoReverseMatch:
        return ""


def cafe_name_of(request: HttpRequest) -> str:
    """Return the café's name in the language of the screen; "" on the platform's own host."""
    cafe: Any = getattr(request, "cafe", None)
    if cafe is None:
        return ""
    return str((cafe.name_en if get_language() == "en" else "") or cafe.name)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return theme, café, menu and languages. Safe on error pages: the café or the user may be missing."""
    cafe = getattr(request, "cafe", None)
    menu = SimpleLazyObject(lambda: menu_for(request))
    return {
        "theme": theme_of(request),
        "cafe": cafe,
        "cafe_name": cafe_name_of(request),
        "nav_items": menu,
        "nav_more": SimpleLazyObject(lambda: [item for item in menu if not item.primary]),
        "search_url": SimpleLazyObject(_search_url),
        "ui_languages": settings.LANGUAGES,
    }
