"""Discount codes for tests."""

from decimal import Decimal

from loyalty.models import DiscountCode
from loyalty.services.codes import create_code
from servaan_crm.core.actors import system


def code(text="YALDA", value=10, kind="percent", **terms) -> DiscountCode:
    """Make a code; ten percent unless told."""
    values = {"code": text, "kind": kind, "value": Decimal(value), **terms}
    return create_code(actor=system("test"), values=values)
