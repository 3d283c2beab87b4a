"""The link of a guest's card: a signed key, sixteen letters and digits (see ``tenancy.signed_keys``)."""

from servaan_crm.tenancy.signed_keys import SignedKeys

_KEYS = SignedKeys("loyalty.guest_card")


def new_key() -> str:
    """Return a new key: one of 2 × 10¹⁴."""
    return _KEYS.draw()


def card_token(key: str) -> str:
    """Return the token of the link with this key in the café in hand."""
    return _KEYS.token(key)


def read_card_token(token: str) -> str | None:
    """Return the key of a token; None for one of another café, a changed one, or anything else."""
    return _KEYS.read(token)
