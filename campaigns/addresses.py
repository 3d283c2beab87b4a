"""Addresses of short links."""

from servaan_crm.tenancy.current import get_cafe
from servaan_crm.tenancy.selectors import public_origin

# Without what looks alike; eight of them are 46 bits, far too many to be guessed one by one.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
LENGTH = 8


def link_start() -> str:
    """Return what stands before the code in the address of a short link of this café; one query."""
    return f"{public_origin(get_cafe())}/l/"


def example_link() -> str:
    """Return an address as long as that of any short link."""
    return link_start() + "Ab3xY7kQ"[:LENGTH]
