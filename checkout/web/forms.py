"""The bill as the counter's form sends it."""

import json
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from checkout.services import VisitItem, VisitRequest
from checkout.web.typed_codes import TypedCodes, sort_codes
from customers.models import MenuItem, Visit
from servaan_crm.accounts.models import User
from servaan_crm.l10n.forms import DigitsIntegerField, MoneyField, PhoneField

PAYMENTS = [
    (Visit.PaymentMethod.CARD, _("Card")),
    (Visit.PaymentMethod.CASH, _("Cash")),
    (Visit.PaymentMethod.ONLINE, _("Online")),
]


class _ItemsForm(forms.Form):
    """A bill with items of the menu, and with what is taken off it."""

    items = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)
    codes = forms.CharField(label=_("Discount code or voucher"), required=False, max_length=400)
    reward_id = forms.UUIDField(label=_("Reward"), required=False, widget=forms.HiddenInput)

    def clean_items(self) -> tuple[VisitItem, ...]:
        """Read ``{"<menu item id>": quantity}``; names and prices come from the menu, not from the page."""
        try:
            wanted: dict[str, Any] = json.loads(self.cleaned_data["items"] or "{}")
            quantities = {str(key): int(value) for key, value in wanted.items() if int(value) > 0}
            rows = MenuItem.objects.filter(pk__in=quantities) if quantities else []
            return tuple(_line(row, quantities[str(row.pk)]) for row in rows)
        except (ValueError, TypeError, AttributeError, forms.ValidationError):
            raise forms.ValidationError(_("The items could not be read. Choose them again.")) from None

    def clean_codes(self) -> TypedCodes:
        """Sort what was typed or scanned into the discount code and vouchers."""
        return sort_codes(self.cleaned_data["codes"])


class VisitForm(_ItemsForm):
    """One bill. Amounts are typed in the screen's unit and read into the base unit."""

    customer_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    phone = PhoneField(required=False, widget=forms.HiddenInput)
    customer_name = forms.CharField(label=_("Name"), max_length=100, required=False)
    total_amount = MoneyField(label=_("Bill amount"))
    discount = MoneyField(label=_("Discount"), required=False)
    points_to_redeem = DigitsIntegerField(label=_("Pay with points"), required=False, min_value=0)
    payment_method = forms.ChoiceField(label=_("Payment"), choices=PAYMENTS, required=False)
    visit_type = forms.ChoiceField(choices=Visit.VisitType.choices, required=False)
    table_number = forms.CharField(label=_("Table"), max_length=10, required=False)
    confirmation_code = forms.CharField(label=_("Code sent by SMS"), required=False, max_length=10)
    referral_code = forms.CharField(
        label=_("Code of the friend who sent the guest"), required=False, max_length=32
    )
    idempotency_key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def to_request(self, user: User) -> VisitRequest:
        """Return the service's request."""
        data = self.cleaned_data
        return VisitRequest(
            customer_id=data["customer_id"],
            phone=None if data["customer_id"] else data["phone"],
            customer_name=data["customer_name"],
            total_amount=data["total_amount"],
            discount_amount=data["discount"] or Decimal(0),
            points_to_redeem=data["points_to_redeem"] or 0,
            payment_method=data["payment_method"],
            visit_type=data["visit_type"] or Visit.VisitType.DINE_IN,
            table_number=data["table_number"],
            outlet_id=user.outlet_id,
            server_name=user.display_name,
            items=data["items"],
            discount_code=data["codes"].discount_code,
            voucher_codes=data["codes"].vouchers,
            reward_id=data["reward_id"],
        )


def _line(row: MenuItem, quantity: int) -> VisitItem:
    return VisitItem(
        name=row.name,
        category=row.category,
        item_id=str(row.pk),
        quantity=min(quantity, 1000),
        unit_price=row.price,
        total_price=row.price * min(quantity, 1000),
    )


class PreviewForm(_ItemsForm):
    """The part of the bill that decides about points and discounts; half-typed values count as nothing."""

    customer_id = forms.UUIDField(required=False)
    phone = PhoneField(required=False)
    total_amount = MoneyField(required=False)
    discount = MoneyField(required=False)
    points_to_redeem = DigitsIntegerField(required=False, min_value=0)
    visit_type = forms.ChoiceField(choices=Visit.VisitType.choices, required=False)

    def to_request(self, user: User) -> tuple[VisitRequest, str]:
        """Return the bill as far as it can be read, and what is wrong with the codes."""
        self.is_valid()
        data = self.cleaned_data
        codes = data.get("codes") or TypedCodes()
        request = VisitRequest(
            customer_id=data.get("customer_id"),
            phone=None if data.get("customer_id") else data.get("phone"),
            total_amount=data.get("total_amount") or Decimal(0),
            discount_amount=data.get("discount") or Decimal(0),
            points_to_redeem=data.get("points_to_redeem") or 0,
            visit_type=data.get("visit_type") or Visit.VisitType.DINE_IN,
            outlet_id=user.outlet_id,
            items=data.get("items") or (),
            discount_code=codes.discount_code,
            voucher_codes=codes.vouchers,
            reward_id=data.get("reward_id"),
        )
        return request, str(self.errors.get("codes", [""])[0])
