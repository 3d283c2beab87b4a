"""SMS arithmetic: how many parts a text costs, exactly as an operator counts them."""

from __future__ import annotations

from dataclasses import dataclass

GSM7 = "gsm7"
UCS2 = "ucs2"

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these is sent as ESC + character and therefore takes two units.
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM_ALL = _GSM_BASIC | _GSM_EXTENDED

# encoding -> (units in a lone part, units in each part of a longer text)
_CAPACITY = {GSM7: (160, 153), UCS2: (70, 67)}


@dataclass(frozen=True, slots=True)
class SmsSize:
    """Size of one text. ``units`` are septets (gsm7) or UTF-16 units (ucs2); ``per_part`` is the capacity of a
    part at this length, ``remaining`` the units still free in the last part."""

    encoding: str
    units: int
    parts: int
    per_part: int
    remaining: int


def count_parts(text: str) -> SmsSize:
    """Return the size of ``text`` as an SMS. An empty text has 0 parts.

    Source: GSM 03.38 alphabet; concatenation header of 6 octets. An escape sequence or a surrogate pair never
    straddles two parts, so a part may stay one unit short and plain division is wrong at the edges.
    """
    chars = set(text)
    encoding = GSM7 if chars <= _GSM_ALL else UCS2
    single, multi = _CAPACITY[encoding]
    wide = {char for char in chars if _width(char, encoding) == 2}
    units = len(text) + sum(text.count(char) for char in wide)
    if units <= single:
        return SmsSize(encoding, units, 1 if units else 0, single, single - units)
    if not wide:
        parts = -(-units // multi)
        return SmsSize(encoding, units, parts, multi, parts * multi - units)
    parts, used = _pack(text, wide, multi)
    return SmsSize(encoding, units, parts, multi, multi - used)


def _width(char: str, encoding: str) -> int:
    if encoding == GSM7:
        return 2 if char in _GSM_EXTENDED else 1
    return 2 if ord(char) > 0xFFFF else 1


def _pack(text: str, wide: set[str], capacity: int) -> tuple[int, int]:
    """Fill parts one character at a time; return (parts, units used in the last one)."""
    parts, used = 1, 0
    for char in text:
        width = 2 if char in wide else 1
        if used + width > capacity:
            parts, used = parts + 1, 0
        used += width
    return parts, used
