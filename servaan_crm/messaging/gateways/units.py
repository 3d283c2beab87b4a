"""Accounts that count their credit in texts: a price makes money of it, so that costs of all providers add up."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import AccountInfo, GatewayConfig, Setting
from servaan_crm.messaging.gateways.batches import decimal

UNIT_PRICE = Setting(
    "unit_price",
    _("Price of one credit unit, in rial"),
    is_required=False,
    help_text=_("The panel counts credit in texts. With a price here, costs and credit are shown in money."),
)


def in_money(units: Decimal | None, config: GatewayConfig) -> Decimal | None:
    """Units in rial; None unless the café told the price of one."""
    price = decimal(config.option("unit_price") or None)
    return None if units is None or price is None or price <= 0 else units * price


def account_of(units: Decimal | None, config: GatewayConfig) -> AccountInfo:
    """Credit in rial if the price of a unit is known, else None, for texts are not money; the count as its kind."""
    return AccountInfo(credit=in_money(units, config), kind="" if units is None else f"{units} SMS")
