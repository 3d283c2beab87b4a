"""The link by which a guest says no (or yes again): a signed word that only this café understands."""

from __future__ import annotations

import base64
import binascii
import hmac
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from servaan_crm.tenancy.current import get_cafe

_SALT = "customers.opt_out"
# 80 bits: short enough for an SMS, far too many to be guessed through a rate limit.
_SIGNATURE = 10


def opt_out_token(customer_id: UUID) -> str:
    """Return the guest's token: 35 characters that need no escaping in an address."""
    return _encode(customer_id.bytes + _sign(customer_id, settings.SECRET_KEY))


def read_opt_out_token(token: str) -> UUID | None:
    """Return whose token it is; None for a token of another café, a changed one, or anything else."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 16 + _SIGNATURE or _encode(raw) != token:
        return None
    customer_id = UUID(bytes=raw[:16])
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    good = [hmac.compare_digest(raw[16:], _sign(customer_id, key)) for key in keys]
    return customer_id if any(good) else None


def _sign(customer_id: UUID, key: str | bytes) -> bytes:
    salt = f"{_SALT}:{get_cafe().pk}"
    return salted_hmac(salt, customer_id.bytes, secret=key, algorithm="sha256").digest()[:_SIGNATURE]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
