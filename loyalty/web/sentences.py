"""Forms as sentences: the text of a rule with its fields as blanks in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from servaan_crm.l10n.forms import MoneyInput
from servaan_crm.l10n.money import unit_name

_BLANK = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Row:
    """What the page shows of one rule: an icon, a short head, its sentences, and what is wrong in them."""

    icon: str
    head: str | Promise
    sentences: tuple[SafeString, ...]
    problems: tuple[BoundField, ...]
    help: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as data: ``texts`` hold the fields as ``%(name)s``, so that each language puts them where they fit."""

    icon: str
    head: str | Promise
    texts: tuple[str | Promise, ...]
    help: str | Promise = ""


def rows_of(form: forms.Form, rules: Iterable[Rule], *, read_only: bool = False) -> Iterator[Row]:
    """Yield the rules of a form with its fields filled in; read only: with the values as words."""
    for rule in rules:
        names = [name for text in rule.texts for name in _BLANK.findall(str(text))]
        yield Row(
            rule.icon,
            rule.head,
            tuple(_sentence(form, str(text), read_only) for text in rule.texts),
            tuple(form[name] for name in names if form[name].errors),
            rule.help,
        )


def _sentence(form: forms.Form, text: str, read_only: bool) -> SafeString:
    # Every second piece is the name of a field.
    pieces = [
        (_value(form[piece]) if read_only else _blank(form[piece]))
        if number % 2
        else conditional_escape(piece)
        for number, piece in enumerate(_BLANK.split(text))
    ]
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def _blank(bound: BoundField) -> SafeString:
    widget = bound.field.widget
    if isinstance(widget, forms.CheckboxInput):
        control = bound.as_widget(attrs={"class": "form-check-input"})
        return format_html('<label class="blank-check">{} {}</label>', control, bound.label)
    is_select = isinstance(widget, forms.Select)
    size = widget.attrs.get("size", 6)
    kind = " is-select" if is_select else " is-wide" if size > 20 else ""
    attrs: dict[str, Any] = {"class": f"blank-input{kind}"}
    if not is_select:
        attrs["size"] = size
    if not bound.field.required and not is_select:
        attrs["placeholder"] = widget.attrs.get("placeholder") or _("none")
    unit = unit_name() if isinstance(widget, MoneyInput) else widget.attrs.get("data-suffix", "")
    shown = format_html('<span class="blank-unit">{}</span>', unit) if unit else ""
    return format_html(
        '<span class="blank{}"><label class="visually-hidden" for="{}">{}</label>{}{}</span>',
        mark_safe(" has-error") if bound.errors else "",
        bound.id_for_label,
        bound.label,
        bound.as_widget(attrs=attrs),
        shown,
    )


def _value(bound: BoundField) -> SafeString:
    field, value = bound.field, bound.value()
    if isinstance(field.widget, forms.CheckboxInput):
        return format_html(
            '<strong class="blank-value">{}: {}</strong>',
            str(bound.label).rstrip("."),
            _("yes") if value else _("no"),
        )
    if isinstance(field, forms.ChoiceField):
        return format_html('<strong class="blank-value">{}</strong>', _chosen(field.choices, value))
    if value in (None, ""):
        return format_html(
            '<strong class="blank-value">{}</strong>', field.widget.attrs.get("placeholder") or _("none")
        )
    unit = unit_name() if isinstance(field.widget, MoneyInput) else ""
    return format_html('<strong class="blank-value">{} {}</strong>', value, unit)


def _chosen(choices: Any, value: Any) -> Any:
    return dict(choices).get(value, value)
