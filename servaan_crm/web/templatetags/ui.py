"""Components of the design system as template tags: ``{% load ui %}``.

Every tag takes named arguments only as far as it knows them; an unknown argument, tier, status or icon is
an error while developing, not a silently wrong page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.forms.boundfield import BoundField
from django.forms.widgets import CheckboxInput, Select, Textarea
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.forms import MoneyInput
from servaan_crm.l10n.money import format_number, format_percent, unit_name
from servaan_crm.l10n.text import initials
from servaan_crm.web.charts import Bar, bars_of, clamp_percent, spark_points
from servaan_crm.web.labels import SEGMENTS, STATUSES, TIERS, Label

register = template.Library()

_ICON_SIZES = {"", "sm", "lg", "xl"}
_SIZES = {"sm", "md", "lg"}
_TONES = {"", "ok", "warn", "bad", "info", "accent"}
# Levels of django.contrib.messages → tones.
_LEVELS = {"success": "ok", "error": "bad", "warning": "warn", "debug": "info"}
_EMPTY = SafeString("")


@lru_cache(maxsize=1)
def icon_names() -> frozenset[str]:
    """Return the ids in the sprite, read from static/icons.txt."""
    names = set()
    for line in (settings.BASE_DIR / "static" / "icons.txt").read_text(encoding="utf-8").splitlines():
        entry = line.split("#", 1)[0].strip()
        if entry:
            style, _colon, name = entry.rpartition(":")
            names.add(f"{name}-filled" if style == "filled" else name)
    return frozenset(names)


def _choose(value: str, allowed: Iterable[str], what: str) -> str:
    if value not in allowed:
        raise template.TemplateSyntaxError(f"{what}: “{value}” is not one of {', '.join(sorted(allowed))}")
    return value


def _badge(code: str, table: dict[str, Label], what: str) -> SafeString:
    if not code:
        return _EMPTY
    label = table[_choose(str(code), table, what)]
    tone = f" is-{label.tone}" if label.tone else ""
    return format_html(
        '<span class="badge-soft{}">{}{}</span>', tone, icon(label.icon) if label.icon else "", label.text
    )


@register.simple_tag
def icon(name: str, size: str = "", css: str = "", label: str = "") -> SafeString:
    """Draw one icon of the sprite. With ``label`` it is read aloud, without it is decoration."""
    _choose(name, icon_names(), "icon (list it in static/icons.txt)")
    _choose(size, _ICON_SIZES, "icon size")
    classes = " ".join(filter(None, ["icon", f"icon-{size}" if size else "", css]))
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="{}" {}><use href="{}#{}"/></svg>', classes, spoken, static("vendor/icons.svg"), name
    )


@register.simple_tag
def avatar(name: str, tier: str | None = None, size: str = "md") -> SafeString:
    """Draw the initials of ``name`` on a disc, in the colour of ``tier`` if given."""
    _choose(size, _SIZES, "avatar size")
    tint = f" tier-{_choose(tier, TIERS, 'tier')}" if tier else ""
    return format_html(
        '<span class="avatar avatar-{}{}" aria-hidden="true">{}</span>', size, tint, initials(str(name or ""))
    )


@register.simple_tag
def tier_badge(tier: str | None) -> SafeString:
    """Show a loyalty tier as a word in its colour; nothing for a guest without a tier."""
    if not tier:
        return _EMPTY
    text = TIERS[_choose(tier, TIERS, "tier")].text
    return format_html('<span class="badge-soft tier-{}">{}</span>', tier, text)


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """Show the state of a guest, visit or message as a word, with an icon (readable without colour)."""
    return _badge(status, STATUSES, "status")


@register.simple_tag
def segment_badge(segment: str) -> SafeString:
    """Show the base segment of a guest: new, occasional, regular or vip."""
    return _badge(segment, SEGMENTS, "segment")


@register.inclusion_tag("components/tier_ring.html")
def tier_ring(tier: str | None, percent: float | None, size: str = "md") -> dict[str, Any]:
    """Draw the way to the next tier as a ring; ``percent`` None means the highest tier is reached."""
    _choose(size, _SIZES, "ring size")
    if tier:
        _choose(tier, TIERS, "tier")
    share = None if percent is None else clamp_percent(percent)
    return {"tier": tier, "tier_name": TIERS[tier].text if tier else "", "size": size, "percent": share,
            "shown": "" if share is None else percent_text(share)}  # fmt: skip


def percent_text(value: float) -> str:
    """Return a whole percentage in the digits of the screen, e.g. ۷۲٪."""
    return format_percent(float(value), places=0)


@register.inclusion_tag("components/stat_card.html")
def stat_card(
    label: str,
    value: Any,
    icon: str = "",
    hint: str = "",
    url: str = "",
    trend: float | None = None,
    good: str = "up",
) -> dict[str, Any]:
    """Show one key figure. ``trend`` is its change in percent; ``good`` says which direction is good."""
    _choose(good, {"up", "down"}, "good")
    rising = trend is not None and trend >= 0
    tone = "ok" if rising == (good == "up") else "bad"
    shown = format_number(value) if isinstance(value, int | Decimal) else value
    return {"label": label, "value": shown, "icon": icon, "hint": hint, "url": url, "trend": trend, "rising": rising,
            "tone": tone, "trend_text": "" if trend is None else percent_text(abs(trend))}  # fmt: skip


@register.inclusion_tag("components/empty_state.html")
def empty_state(icon: str, title: str, text: str = "", url: str = "", label: str = "") -> dict[str, Any]:
    """Say that there is nothing yet and what to do next (``url`` with its ``label``)."""
    return {"icon": icon, "title": title, "text": text, "url": url, "label": label}


@register.inclusion_tag("components/field.html")
def field(
    form_field: BoundField, suffix: str = "", label: str = "", autofocus: bool = False
) -> dict[str, Any]:
    """Render a form field: label above, the widget, help and errors beside it."""
    widget = form_field.field.widget
    attrs = dict(widget.attrs)
    is_check = isinstance(widget, CheckboxInput)
    kind = "form-check-input" if is_check else "form-select" if isinstance(widget, Select) else "form-control"
    attrs["class"] = f"{attrs.get('class', '')} {kind}".strip()
    if autofocus:
        attrs["autofocus"] = True
    if isinstance(widget, MoneyInput):
        suffix = suffix or unit_name()
    if isinstance(widget, Textarea):
        attrs.setdefault("rows", 3)
    return {"field": form_field, "widget": form_field.as_widget(attrs=attrs), "is_check": is_check, "suffix": suffix,
            "label": label or form_field.label}  # fmt: skip


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(
    context: RequestContext, page_obj: Page, param: str = "page", sizes: str = ""
) -> dict[str, Any]:
    """Page links that keep the rest of the address. ``sizes``: page sizes to offer, e.g. "20 50 100"."""
    query = context["request"].GET
    paginator = page_obj.paginator

    def link(**changes: Any) -> str:
        copy = query.copy()
        for key, value in changes.items():
            copy[key] = str(value)
        return f"?{copy.urlencode()}"

    numbers = [
        (localize(n), link(**{param: n}) if isinstance(n, int) else "", n == page_obj.number)
        for n in paginator.get_elided_page_range(page_obj.number, on_each_side=1, on_ends=1)
    ]
    chosen = str(paginator.per_page)
    return {
        "page": page_obj,
        "numbers": numbers,
        "previous": link(**{param: page_obj.number - 1}) if page_obj.has_previous() else "",
        "next": link(**{param: page_obj.number + 1}) if page_obj.has_next() else "",
        "sizes": [
            (localize(size), link(**{param: 1, "page_size": size}), size == chosen) for size in sizes.split()
        ],
        "first": format_number(page_obj.start_index()),
        "last": format_number(page_obj.end_index()),
        "total": format_number(paginator.count),
    }


@register.inclusion_tag("components/toast.html")
def toast(message: str, level: str = "info", undo_url: str = "") -> dict[str, Any]:
    """A short notice; ``undo_url`` is POSTed when the person takes the action back."""
    level = _choose(
        {"success": "ok", "error": "bad", "warning": "warn", "debug": "info"}.get(level, level),
        _TONES,
        "level",
    )
    icons = {"ok": "circle-check", "bad": "alert-circle", "warn": "alert-triangle"}
    return {"message": message, "level": level, "icon": icons.get(level, "info-circle"), "undo_url": undo_url}


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(
    context: RequestContext, label: str, field: str, param: str = "ordering", default: str = "", css: str = ""
) -> dict[str, Any]:
    """A column head that sorts by ``field``; a second press turns the order. ``default``: order without a choice."""
    query = context["request"].GET.copy()
    current = query.get(param, default)
    state = "descending" if current == f"-{field}" else "ascending" if current == field else "none"
    query[param] = f"-{field}" if current == field else field
    query.pop("page", None)
    return {"label": label, "url": f"?{query.urlencode()}", "state": state, "css": css}


@register.inclusion_tag("components/filter_chip.html", takes_context=True)
def filter_chip(
    context: RequestContext, param: str, value: str, label: str, count: int | None = None, icon: str = ""
) -> dict[str, Any]:
    """A chip that puts ``param=value`` into the address, or takes it out again; "" stands for "all"."""
    query = context["request"].GET.copy()
    current = query.get(param, "")
    is_on = current == str(value)
    query.pop("page", None)
    if is_on or not value:
        query.pop(param, None)
    else:
        query[param] = str(value)
    return {"label": label, "url": f"?{query.urlencode()}", "is_on": is_on, "icon": icon,
            "count": None if count is None else format_number(count)}  # fmt: skip


@register.simple_tag
def crumb(label: str, url: str = "") -> SafeString:
    """One step of the breadcrumbs; the last one has no ``url``."""
    if url:
        return format_html('<li><a href="{}">{}</a></li>', url, label)
    return format_html('<li aria-current="page">{}</li>', label)


@register.simple_tag
def progress(value: float, tier: str | None = None, label: str = "") -> SafeString:
    """Draw a percentage as a bar, in the colour of ``tier`` if given."""
    share = clamp_percent(value)
    tint = f" tier-{_choose(tier, TIERS, 'tier')}" if tier else ""
    return format_html(
        '<svg class="meter{}" role="img" aria-label="{} {}" preserveAspectRatio="none">'
        '<rect width="{}%" height="100%"/></svg>',
        tint, label, percent_text(share), share,
    )  # fmt: skip


@register.simple_tag
def sparkline(values: Sequence[float], label: str, width: int = 96, height: int = 28) -> SafeString:
    """Draw a short series, oldest first, as a line; ``label`` says it in words."""
    points = spark_points(values, width, height)
    if not points:
        return _EMPTY
    line = format_html_join(" ", "{},{}", points)
    return format_html(
        '<svg class="spark" role="img" aria-label="{0}" width="{1}" height="{2}" viewBox="0 0 {1} {2}">'
        '<polygon points="0,{2} {3} {1},{2}"/><polyline points="{3}"/></svg>',
        label, width, height, line,
    )  # fmt: skip


@register.inclusion_tag("components/bar_chart.html")
def bar_chart(
    rows: Iterable[tuple[str, float]], label: str, head: str = "", every: int = 1
) -> dict[str, Any]:
    """Draw (label, value) rows as columns, with the same figures as a table behind a toggle.

    ``every``: show every n-th label only. ``head``: what the labels are, for the table.
    """
    columns: list[tuple[Bar, bool, str]] = [
        (bar, n % every == 0, format_number(bar.value, places=1))
        for n, bar in enumerate(bars_of((localize(label), value) for label, value in rows))
    ]
    return {"columns": columns, "label": label, "head": head or _("Group"), "value_head": label}
