"""Parts of the pages of campaigns: ``{% load campaigns %}``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaigns.models import Campaign
from campaigns.web import words
from servaan_crm.l10n.money import format_percent

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


@register.filter
def share_of(part: int | None, whole: int | None) -> str:
    """Return ``part`` of ``whole`` as a percentage; "" of nothing."""
    return format_percent(100 * (part or 0) / whole, places=1) if whole else ""


@register.filter
def unlocal(value: float) -> str:
    """Return a number as SVG and scripts read it."""
    return f"{value:g}"


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
