"""Texts with ``{{name}}``-style variables from a fixed list. Nothing else is evaluated.

``{{name}}`` needs a value; ``{{name|guest}}`` says what stands there when there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

VARIABLES = ("name", "points", "cafe_name")

_PLACE = re.compile(r"\{\{([^{}]*)\}\}")
_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\|(.*))?", re.DOTALL)


class MissingValue(ValueError):
    """A variable without a value and without a fallback; ``name`` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _refuse(message: Any, **params: str) -> ValidationError:
    return ValidationError(message, code="INVALID_TEMPLATE", params=params)


def _read(inside: str) -> tuple[str, str | None]:
    match = _NAME.fullmatch(inside)
    if match is None:
        raise _refuse(_("“{{%(inside)s}}” is not a variable."), inside=inside)
    return match[1], match[2].strip() if match[2] is not None else None


def check_template(text: str) -> list[str]:
    """Return the variables used, in order of appearance.

    Raises:
        ValidationError: code ``INVALID_TEMPLATE``; an unknown variable (the message names it and lists those
            that exist), or braces that do not match.
    """
    used: list[str] = []
    for place in _PLACE.finditer(text):
        name, _fallback = _read(place[1])
        if name not in VARIABLES:
            known = ", ".join(f"{{{{{each}}}}}" for each in VARIABLES)
            raise _refuse(_("Unknown variable “%(name)s”. There are: %(known)s"), name=name, known=known)
        if name not in used:
            used.append(name)
    rest = _PLACE.sub("", text)
    if "{" in rest or "}" in rest:
        raise _refuse(_("Braces stand around a variable only, two on each side: {{name}}."))
    return used


def render_template(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with the variables filled in from ``values`` (already written for the reader).

    An empty value takes the fallback. A value is put in as it is: braces in a guest's name stay text.

    Raises:
        ValidationError: the text is not valid (see ``check_template``).
        MissingValue: a variable has neither a value nor a fallback.
    """
    check_template(text)

    def fill(place: re.Match[str]) -> str:
        name, fallback = _read(place[1])
        value = values.get(name, "").strip() or fallback
        if not value:
            raise MissingValue(name)
        return value

    return _PLACE.sub(fill, text)
