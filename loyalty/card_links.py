"""The link of a guest's card: sixteen letters and digits that only this café understands.

Eight are the guest's key, drawn at random and kept in the café's schema; eight are its signature with the café's id and
the installation's secret. Whoever reads the table cannot make a link, whoever guesses needs both halves, and a new key
makes older links worthless.
"""

from __future__ import annotations

import hmac
import secrets
import string

from django.conf import settings
from django.utils.crypto import salted_hmac

from servaan_crm.tenancy.current import get_cafe

_SALT = "loyalty.guest_card"
# No dash or underscore: telephones end a link there.
_LETTERS = string.ascii_letters + string.digits
HALF = 8


def new_key() -> str:
    """Return a new key: one of 2 × 10¹⁴."""
    return "".join(secrets.choice(_LETTERS) for _place in range(HALF))


def card_token(key: str) -> str:
    """Return the token of the link with this key in the café in hand."""
    return key + _sign(key, settings.SECRET_KEY)


def read_card_token(token: str) -> str | None:
    """Return the key of a token; None for one of another café, a changed one, or anything else."""
    key, signature = token[:HALF], token[HALF:]
    if len(token) != 2 * HALF or not set(token) <= set(_LETTERS):
        return None
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    good = [hmac.compare_digest(signature, _sign(key, secret)) for secret in keys]
    return key if any(good) else None


def _sign(key: str, secret: str | bytes) -> str:
    salt = f"{_SALT}:{get_cafe().pk}"
    number = int.from_bytes(salted_hmac(salt, key, secret=secret, algorithm="sha256").digest())
    letters = []
    for _place in range(HALF):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)
