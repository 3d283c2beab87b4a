"""What a new café's customer book starts with, whom the café may still write to, and what a "no" by reply does."""

from __future__ import annotations

from typing import Any

from customers import recipients  # noqa: F401  (registers the check)
from customers.merging.heirs import heir_of
from customers.models import ConsentChange, Customer
from customers.services.consent import set_consent
from servaan_crm.core.actors import Actor
from servaan_crm.core.events import subscribe
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone
from servaan_crm.l10n.text import search_key

# The answers that mean "no more", as the search key writes them; Iranian lines use لغو۱۱.
_STOP_WORDS = {"لغو", "لغو11", "لغو 11", "11", "off", "stop", "unsubscribe", "cancel"}


@subscribe("message.received")
def stop_by_reply(payload: dict[str, Any]) -> None:
    """Withdraw the consent of the guest who answers with the stop word."""
    if search_key(payload.get("body", "")).strip(" .!") not in _STOP_WORDS:
        return
    sender = str(payload.get("sender", ""))
    try:
        phone = parse_phone(sender, get_locale().phone_region)
    except PhoneError:
        return
    guest = Customer.objects.filter(phone=phone, deleted_at=None).values_list("pk", flat=True).first()
    guest = guest or heir_of(phone)
    if guest is None:
        return
    set_consent(
        actor=Actor(kind="guest", name=""),
        customer_id=guest,
        channel="all",
        granted=False,
        source=ConsentChange.Source.KEYWORD,
    )
