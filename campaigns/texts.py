"""Texts with ``{{name}}``-style variables from a fixed list. Nothing else is evaluated.

``{{name}}`` needs a value; ``{{name|guest}}`` says what stands there when there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Where a text stands decides which variables it may have. ANYWHERE: every variable there is.
ANYWHERE, BULK, CAMPAIGN, AUTOMATION = "", "bulk", "campaign", "automation"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of texts. ``scopes``: the kinds of text that know it; ``example``: a value for a phone's picture."""

    name: str
    label: str | Promise
    example: str | Promise
    scopes: frozenset[str]


_registry: dict[str, Variable] = {}


def register_variable(
    name: str, label: str | Promise, *, example: str | Promise, scopes: tuple[str, ...]
) -> None:
    """Add a variable, or give a known one more scopes."""
    known = _registry.get(name)
    before = known.scopes if known else frozenset()
    _registry[name] = Variable(name, label, example, before | frozenset(scopes))
    _compile.cache_clear()


def variables(scope: str = ANYWHERE) -> list[Variable]:
    """Return the variables a text of this kind may have, in the order they were registered."""
    return [one for one in _registry.values() if not scope or scope in one.scopes]


_PLACE = re.compile(r"\{\{([^{}]*)\}\}")
_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\|(.*))?", re.DOTALL)


class MissingValue(ValueError):
    """A variable without a value and without a fallback; ``name`` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _refuse(message: Any, **params: str) -> ValidationError:
    return ValidationError(message, code="INVALID_TEMPLATE", params=params)


@dataclass(frozen=True, slots=True)
class Template:
    """A text that was read once and is filled in many times. ``used``: its variables in order of appearance."""

    pieces: tuple[str | tuple[str, str | None], ...]
    used: tuple[str, ...]

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with ``values`` filled in; see :func:`render_template`. Raises MissingValue."""
        return "".join(piece if isinstance(piece, str) else _fill(piece, values) for piece in self.pieces)

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return variable → what stands in its place, in order of appearance. Raises MissingValue."""
        return {piece[0]: _fill(piece, values) for piece in self.pieces if not isinstance(piece, str)}


def _fill(place: tuple[str, str | None], values: Mapping[str, str]) -> str:
    name, fallback = place
    value = values.get(name, "").strip() or fallback
    if not value:
        raise MissingValue(name)
    return value


def compile_template(text: str, scope: str = ANYWHERE) -> Template:
    """Read ``text``. Raises ValidationError as :func:`check_template`."""
    return _compile(text, scope)


@lru_cache(maxsize=500)
def _compile(text: str, scope: str) -> Template:
    known = [one.name for one in variables(scope)]
    pieces: list[str | tuple[str, str | None]] = []
    end = 0
    for place in _PLACE.finditer(text):
        pieces += [_plain(text[end : place.start()]), _read(place[1], known)]
        end = place.end()
    pieces.append(_plain(text[end:]))
    used = dict.fromkeys(piece[0] for piece in pieces if not isinstance(piece, str))
    return Template(tuple(piece for piece in pieces if piece != ""), tuple(used))


def _plain(text: str) -> str:
    if "{" in text or "}" in text:
        raise _refuse(_("Braces stand around a variable only, two on each side: {{name}}."))
    return text


def _read(inside: str, known: list[str]) -> tuple[str, str | None]:
    match = _NAME.fullmatch(inside)
    if match is None:
        raise _refuse(_("“{{%(inside)s}}” is not a variable."), inside=inside)
    if match[1] not in known:
        listed = ", ".join(f"{{{{{each}}}}}" for each in known)
        raise _refuse(_("Unknown variable “%(name)s”. There are: %(known)s"), name=match[1], known=listed)
    return match[1], match[2].strip() if match[2] is not None else None


def check_template(text: str, scope: str = ANYWHERE) -> list[str]:
    """Return the variables used, in order of appearance.

    Raises:
        ValidationError: code ``INVALID_TEMPLATE``; an unknown variable (the message names it and lists those
            that exist in ``scope``), or braces that do not match.
    """
    return list(compile_template(text, scope).used)


def render_template(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with the variables filled in from ``values`` (already written for the reader).

    An empty value takes the fallback. A value is put in as it is: braces in a guest's name stay text.

    Raises:
        ValidationError: the text is not valid (see ``check_template``).
        MissingValue: a variable has neither a value nor a fallback.
    """
    return compile_template(text).render(values)


_GUEST = (CAMPAIGN, AUTOMATION)
register_variable("name", _("The guest's name"), example=_("Sara Ahmadi"), scopes=(*_GUEST, BULK))
register_variable("first_name", _("The guest's first name"), example=_("Sara"), scopes=_GUEST)
register_variable("points", _("Points of the guest"), example="120", scopes=(*_GUEST, BULK))
register_variable("tier", _("Tier of the guest"), example=_("Gold"), scopes=_GUEST)
register_variable("cafe_name", _("The café's name"), example=_("our café"), scopes=(*_GUEST, BULK))
register_variable("last_visit_days", _("Days since the last visit"), example="45", scopes=_GUEST)
register_variable("total_visits", _("Number of visits"), example="6", scopes=_GUEST)
register_variable("link", _("Short link, counted per guest"), example="cafe.ir/l/Ab3xY7", scopes=_GUEST)
register_variable("code", _("Discount code"), example="NOWRUZ20", scopes=_GUEST)
