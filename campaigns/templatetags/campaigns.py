"""Parts of the pages of campaigns: ``{% load campaigns %}``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import template
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaigns.models import Campaign
from campaigns.texts import CAMPAIGN, variables
from campaigns.web import words
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import format_number, format_percent

register = template.Library()


@register.inclusion_tag("campaigns/_badge.html")
def campaign_state(campaign: Campaign) -> dict[str, Any]:
    """Show the state of a campaign as a word with its icon."""
    return {"word": words.state_word(campaign.status, is_offer=not campaign.has_messages)}


@register.inclusion_tag("campaigns/_badge.html")
def outcome(code: str) -> dict[str, Any]:
    """Show what became of one guest's message."""
    return {"word": words.OUTCOMES.get(code) or words.Word(code)}


@register.inclusion_tag("campaigns/_badge.html")
def channel(code: str) -> dict[str, Any]:
    """Show the channel of a campaign."""
    return {"word": words.TYPES[code], "is_plain": True}


@register.filter
def reason(code: str) -> Any:
    """Return why a guest was left out, in words."""
    return words.reason_word(code)


@register.filter
def channel_word(code: str) -> Any:
    """Return the name of a channel."""
    return words.TYPES[code].text if code in words.TYPES else code


_RTL = re.compile("[\u0590-\u08ff]")
_PLACE = re.compile(r"\{\{\s*([A-Za-z_]+)[^{}]*\}\}")


@register.filter
def text_dir(text: str | None) -> str:
    """Return the direction of a text: its variables, which are Latin words, do not count."""
    plain = _PLACE.sub("", text or "")
    if not re.search(r"[^\W\d_]", plain):
        return "rtl" if get_locale().is_persian else "ltr"
    return "rtl" if _RTL.search(plain) else "ltr"


@register.filter
def with_variables(text: str | None) -> SafeString:
    """Return a text with its variables as words people know, marked."""
    labels = {one.name: one.label for one in variables(CAMPAIGN)}
    pieces: list[tuple[Any, ...]] = []
    end = 0
    for place in _PLACE.finditer(text or ""):
        pieces.append(((text or "")[end : place.start()],))
        pieces.append((format_html('<bdi class="var">{}</bdi>', labels.get(place[1], place[1])),))
        end = place.end()
    pieces.append(((text or "")[end:],))
    return linebreaksbr(format_html_join("", "{}", pieces), autoescape=False)


@register.filter
def share_of(part: int | None, whole: int | None) -> str:
    """Return ``part`` of ``whole`` as a percentage; "" of nothing."""
    return format_percent(100 * (part or 0) / whole, places=1) if whole else ""


@register.filter
def signed(value: float | None, places: int = 1) -> str:
    """Return a number with its sign before it, also within Persian text."""
    if value is None:
        return ""
    sign = "\u2212" if round(value, int(places)) < 0 else ""
    return f"\u2066{sign}{format_number(abs(value), places=int(places))}\u2069"


@register.filter
def signed_percent(value: float | None) -> str:
    """Return a whole percentage with its sign before it."""
    if value is None:
        return ""
    sign = "\u2212" if round(value) < 0 else ""
    return f"\u2066{sign}{format_percent(abs(value), places=0)}\u2069"


@register.filter
def unlocal(value: float) -> str:
    """Return a number as SVG and scripts read it."""
    return f"{value:g}"


@register.filter
def variable_word(name: str) -> Any:
    """Return what people call a variable of texts."""
    return next((one.label for one in variables(CAMPAIGN) if one.name == name), name)


@register.simple_tag
def percent_sign() -> str:
    """Return what stands beside a field of percent."""
    return "٪" if get_locale().is_persian else "%"


@register.simple_tag
def bar(value: float | None, total: float | None, css: str = "") -> SafeString:
    """Draw ``value`` of ``total`` as a bar from the reading side; the figure stands beside it in words."""
    share = min(100.0, max(0.0, float(value or 0) / float(total) * 100)) if total else 0.0
    # What is there at all stays visible.
    share = max(share, 0.6) if value else share
    return format_html(
        '<svg class="hbar {}" aria-hidden="true" preserveAspectRatio="none"><rect width="{}%" height="100%"/></svg>',
        css, round(share, 2),
    )  # fmt: skip


@register.simple_tag
def stacked_bar(parts: Iterable[tuple[str, float]], label: str) -> SafeString:
    """Draw (tone, value) parts side by side as one bar; ``label`` says it in words."""
    rows = [(tone, float(value)) for tone, value in parts if value]
    total = sum(value for _tone, value in rows)
    places: list[tuple[str, float, float]] = []
    start = 0.0
    for tone, value in rows:
        share = value / total * 100
        places.append((tone, round(start, 3), round(share, 3)))
        start += share
    rects = format_html_join("", '<rect class="is-{}" x="{}%" width="{}%" height="100%"/>', places)
    return format_html('<svg class="stack-bar" role="img" aria-label="{}">{}</svg>', label, rects)
