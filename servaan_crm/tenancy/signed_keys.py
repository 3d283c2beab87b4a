"""Links whose address alone lets somebody in: letters and digits that only this café understands.

A link's first letters are its key, drawn at random and kept in the café's schema; the rest is the key's signature with
the café's id and the installation's secret. Whoever reads the table cannot make a link, whoever guesses needs both
parts, and a new key makes older links worthless.
"""

from __future__ import annotations

import hmac
import secrets
import string
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac

from servaan_crm.tenancy.current import get_cafe

# No dash or underscore: telephones end a link there.
LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class SignedKeys:
    """One kind of link. ``salt`` tells kinds apart: the token of one opens nothing of another.

    Args:
        key, signature: how many letters each has; eight are one of 2 × 10¹⁴.
    """

    salt: str
    key: int = 8
    signature: int = 8

    def draw(self) -> str:
        """Return a new key."""
        return "".join(secrets.choice(LETTERS) for _place in range(self.key))

    def token(self, key: str) -> str:
        """Return the token of the link with this key in the café in hand."""
        return key + self._sign(key, settings.SECRET_KEY)

    def read(self, token: str) -> str | None:
        """Return the key of a token; None for one of another café, a changed one, or anything else."""
        key, signature = token[: self.key], token[self.key :]
        if len(token) != self.key + self.signature or not set(token) <= set(LETTERS):
            return None
        known = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        good = [hmac.compare_digest(signature, self._sign(key, secret)) for secret in known]
        return key if any(good) else None

    def _sign(self, key: str, secret: str | bytes) -> str:
        salt = f"{self.salt}:{get_cafe().pk}"
        number = int.from_bytes(salted_hmac(salt, key, secret=secret, algorithm="sha256").digest())
        letters = []
        for _place in range(self.signature):
            number, rest = divmod(number, len(LETTERS))
            letters.append(LETTERS[rest])
        return "".join(letters)
