"""Digits of any script in, the café's digits out.

Input is matched with ``[0-9]`` after :func:`to_ascii`; ``\\d`` would also match Persian digits.
"""

from __future__ import annotations

from .locale import CafeLocale, get_locale

_ZEROS = (0x0660, 0x06F0, 0x0966, 0x09E6, 0xFF10)  # Arabic, Persian, Devanagari, Bengali, full-width
_TO_ASCII = {zero + value: str(value) for zero in _ZEROS for value in range(10)}
_TO_PERSIAN = {ord("0") + value: chr(0x06F0 + value) for value in range(10)}

DECIMAL_FA = "\u066b"  # ٫
THOUSANDS_FA = "\u066c"  # ٬
PERCENT_FA = "\u066a"  # ٪

# What people type between and around digits without meaning anything by it.
INVISIBLE = {
    ord(c): None
    for c in "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad"
}


def to_ascii(text: str) -> str:
    """Return ``text`` with the digits of every supported script as 0-9; all else stays."""
    return text.translate(_TO_ASCII)


def to_persian(text: object) -> str:
    """Return ``text`` with all digits as ۰-۹; all else stays."""
    return to_ascii(str(text)).translate(_TO_PERSIAN)


def localize(value: object, locale: CafeLocale | None = None) -> str:
    """Return ``value`` as text with the digits of the locale's language (default: the one in force).

    Not for codes (BIRTHDAY20, invoice numbers): those stay Latin.
    """
    locale = locale or get_locale()
    return to_persian(value) if locale.is_persian else to_ascii(str(value))


def plain_number(text: str) -> str:
    """Return what a person typed as a number, ready for ``Decimal``: ASCII digits, no thousands marks.

    ٫ becomes a point; ٬ ، , spaces, apostrophes and invisible marks go. The result may still be garbage:
    check it.
    """
    cleaned = to_ascii(text).translate(INVISIBLE).replace(DECIMAL_FA, ".")
    for mark in (THOUSANDS_FA, "\u060c", ",", "'", "\u2019", "_"):
        cleaned = cleaned.replace(mark, "")
    return "".join(cleaned.split()).replace("\u2212", "-")
