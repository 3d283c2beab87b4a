"""The café's key pair for push messages (VAPID, RFC 8292) and the keys of a browser."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from py_vapid import Vapid02

_AUTH_BYTES = 16


def read_private_key(text: str) -> Vapid02:
    """Return the pair of a private key written as base64url (32 bytes or DER) or PEM.

    Raises ``ValueError`` when it is none.
    """
    from py_vapid import Vapid02  # comes with an HTTP library of its own: only for who needs it

    text = text.strip()
    try:
        pair = Vapid02.from_pem(text.encode()) if "-----BEGIN" in text else Vapid02.from_string(text)
        pair.private_key.public_key()
    except Exception:
        raise ValueError("no VAPID key") from None  # the reason could quote the key
    return pair


def public_key(private_key: str) -> str:
    """Return what browsers want as ``applicationServerKey``. Raises ``ValueError`` for an unreadable key."""
    point = read_private_key(private_key).public_key.public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return _written(point)


def new_private_key() -> str:
    """Return a fresh private key, base64url. All subscriptions hang on it: another key loses them."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _written(number.to_bytes(32, "big"))


def are_browser_keys(p256dh: str, auth: str) -> bool:
    """Whether these are the two keys of a subscription: a point of P-256 and 16 random bytes, base64url."""
    try:
        point, secret = _read(p256dh), _read(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, binascii.Error):
        return False
    return len(point) == 65 and len(secret) == _AUTH_BYTES


def _read(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
