"""Codes of vouchers: impossible to guess, easy to read out, and the same however they are typed."""

import secrets

import segno

from servaan_crm.l10n.digits import to_ascii

# No 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: what is read out or copied by hand arrives.
ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
LENGTH = 10
_GROUP = 5


def new_code() -> str:
    """Return a new code: one of 4 × 10¹³."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalise(typed: str) -> str:
    """Return a typed or scanned code as it is stored: upper case, without spaces and dashes."""
    return "".join(to_ascii(typed).split()).replace("-", "").upper()


def grouped(code: str) -> str:
    """Return a code as people read it: ACDEF-34679."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def qr_svg(code: str) -> str:
    """Return the code as a QR picture: an inline SVG, black on white in every theme, as scanners need it."""
    options = {"scale": 4, "border": 3, "svgclass": "qr", "lineclass": None, "omitsize": True}
    return segno.make(code, error="m", micro=False).svg_inline(dark="#000", light="#fff", **options)
