"""Texts the provider holds: the café's service messages by a name of ours, and what each account calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from servaan_crm.messaging.services.accounts import Account

BUSINESS_INVITE = "business-invite"
VERIFICATION_CODE = "verification-code"
WELCOME_MESSAGE = "welcome-message"
LOW_STOCK_ALERT = "low-stock-alert"

LABELS: dict[str, str | Promise] = {
    VERIFICATION_CODE: _("Template of the verification code"),
    BUSINESS_INVITE: _("Template of the invitation"),
    WELCOME_MESSAGE: _("Template of the welcome"),
    LOW_STOCK_ALERT: _("Template of the low stock alert"),
}
OPTION = "template:"  # before the name, in an account's options


def name_at(account: Account, template: str) -> str:
    """What ``account`` calls ``template``; "" when it has none, so that the plain text goes out instead.

    Names that are not ours (templates of campaigns) are the provider's own already.
    """
    if not account.gateway.has_templates:
        return ""
    return account.config.option(OPTION + template) if template in LABELS else template
