"""Rows of a guest's data export in words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import ConsentChange, Customer, CustomerNote, CustomerSummary, FamilyMember, Visit
from customers.selectors.history import PREFERENCE_NAMES
from customers.web.own_fields import own_values
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.jalali import format_date, format_datetime
from servaan_crm.l10n.money import format_money, format_number

_AMOUNTS = {"lifetime_spent", "total_amount", "discount_amount", "final_amount", "order_amount", "cost"}
_MORE: dict[str, Any] = {
    "id": gettext_lazy("Number of the record"),
    "national_phone": gettext_lazy("Phone"),
    "outlet__name": gettext_lazy("Outlet"),
    "tags": gettext_lazy("Tags"),
    "created_at": gettext_lazy("Entered at"),
    "sent_at": gettext_lazy("Sent"),
    "delivered_at": gettext_lazy("Delivered"),
    "body": gettext_lazy("Text"),
    "recipient": gettext_lazy("Recipient"),
    "purpose": gettext_lazy("Purpose"),
    "state": gettext_lazy("State"),
    "rating": gettext_lazy("Rating"),
    "category_ratings": gettext_lazy("Ratings per category"),
    "comment": gettext_lazy("Comment"),
    "response_text": gettext_lazy("Answer"),
    "response_date": gettext_lazy("Answered at"),
    "interaction_date": gettext_lazy("Time of contact"),
    "direction": gettext_lazy("Direction"),
    "subject": gettext_lazy("Subject"),
    "details": gettext_lazy("Details"),
    "outcome": gettext_lazy("Outcome"),
    "follow_up_date": gettext_lazy("Follow up on"),
    "points": gettext_lazy("Points"),
    "balance_after": gettext_lazy("Balance after"),
    "description": gettext_lazy("Description"),
    "type": gettext_lazy("Type"),
    "from_tier": gettext_lazy("From tier"),
    "to_tier": gettext_lazy("To tier"),
    "reason": gettext_lazy("Reason"),
    "device_info": gettext_lazy("Device"),
    "ip_address": gettext_lazy("IP address"),
    "expires_at": gettext_lazy("Expires at"),
    "used_at": gettext_lazy("Used at"),
}
_MODELS = (Customer, CustomerSummary, Visit, CustomerNote, FamilyMember, ConsentChange)


def readable(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (name, value) of what the row says, in the language and calendar of the screen; blanks are left out."""
    return [(_label(key), shown) for key, value in row.items() if (shown := _words(key, value))]


def _field(key: str) -> Any:
    for model in _MODELS:
        for field in model._meta.fields:
            if field.name == key:
                return field
    return None


def _label(key: str) -> str:
    if key in _MORE:
        return str(_MORE[key])
    field = _field(key)
    return capfirst(str(field.verbose_name)) if field is not None else key


def _words(key: str, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dt.datetime):
        return format_datetime(value)
    if isinstance(value, dt.date):
        return format_date(value, style="long")
    if isinstance(value, list):
        return "، ".join(filter(None, (_words(key, item) for item in value)))
    if isinstance(value, dict):
        return _of_dict(key, value)
    if key in _AMOUNTS:
        return format_money(Decimal(value))
    if isinstance(value, int | float | Decimal):
        return format_number(value)
    field = _field(key)
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    as_number = "phone" in key or key in ("recipient", "table_number")
    return localize(value) if as_number else str(value)


def _of_dict(key: str, value: dict[str, Any]) -> str:
    if "unit_price" in value:  # an item of a bill
        return f"{value.get('name', '')} ×{localize(value.get('quantity', 1))}"
    if key == "custom":
        return "، ".join(f"{name}: {shown}" for name, shown in own_values(value))
    names = PREFERENCE_NAMES if key == "preferences" else {}
    return "، ".join(f"{names.get(name, name)}: {_words(name, item)}" for name, item in value.items() if item)
