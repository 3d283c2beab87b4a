"""Shapes of the customer API, as the API specification prints them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from rest_framework import serializers

from customers.models import Customer, CustomerSummary, Visit
from customers.services.validation import NAME_MAX, clean_fields
from servaan_crm.l10n.serializers import DateField, MoneyField, PhoneField

# Part of the answers; clients send the whole object back in a PUT, so they are allowed and ignored.
READ_ONLY = ("id", "segment", "loyalty", "stats", "created_at", "updated_at")
# What PUT sets back when it is missing: the writable part of the answer.
_DEFAULTS: dict[str, Any] = {
    "email": "", "birthday": None, "anniversary": None, "status": Customer.Status.ACTIVE, "notes": "",
    "preferences": {},
}  # fmt: skip


class LoyaltySerializer(serializers.Serializer[CustomerSummary]):
    current_points = serializers.IntegerField(source="points")
    tier_level = serializers.ChoiceField(source="tier", choices=CustomerSummary.TierLevel.choices)
    lifetime_spent = MoneyField()


class StatsSerializer(serializers.Serializer[CustomerSummary]):
    total_visits = serializers.IntegerField()
    last_visit = serializers.DateTimeField(source="last_visit_at", allow_null=True)
    average_spend = serializers.IntegerField()


class CustomerSerializer(serializers.Serializer[Customer]):
    """A guest in answers; documents what :func:`customer_payload` writes."""

    id = serializers.UUIDField()
    phone = PhoneField()
    name = serializers.CharField()
    email = serializers.EmailField(allow_null=True)
    birthday = serializers.DateField(allow_null=True)
    anniversary = serializers.DateField(allow_null=True)
    status = serializers.ChoiceField(choices=Customer.Status.choices)
    segment = serializers.ChoiceField(source="summary.segment", choices=CustomerSummary.Segment.choices)
    notes = serializers.CharField(allow_null=True)
    preferences = serializers.JSONField()
    loyalty = LoyaltySerializer(source="summary")
    stats = StatsSerializer(source="summary")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Customer) -> dict[str, Any]:
        return customer_payload(instance)


def customer_payload(customer: Customer) -> dict[str, Any]:
    """Return the customer object of the API. ``customer`` is loaded with its summary; no query is made."""
    summary = customer.summary
    return {
        "id": str(customer.pk),
        "phone": customer.national_phone,
        "name": customer.name,
        "email": customer.email or None,
        "birthday": customer.birthday,
        "anniversary": customer.anniversary,
        "status": customer.status,
        "segment": summary.segment,
        "notes": customer.notes or None,
        "preferences": customer.preferences,
        "loyalty": {
            "current_points": summary.points,
            "tier_level": summary.tier,
            "lifetime_spent": summary.lifetime_spent,
        },
        "stats": {
            "total_visits": summary.total_visits,
            "last_visit": summary.last_visit_at,
            "average_spend": summary.average_spend,
        },
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
    }


class VisitItemSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    price = MoneyField()


class VisitSerializer(serializers.Serializer[Visit]):
    """A visit in answers; documents what :func:`visit_payload` writes."""

    id = serializers.UUIDField()
    visit_date = serializers.DateTimeField()
    total_amount = MoneyField()
    items_ordered = VisitItemSerializer(many=True)
    payment_method = serializers.ChoiceField(choices=Visit.PaymentMethod.choices, allow_null=True)
    feedback_rating = serializers.IntegerField(allow_null=True)
    feedback_comment = serializers.CharField(allow_null=True)


def visit_payload(visit: Visit) -> dict[str, Any]:
    """Return the visit object of the API; ``price`` is the price of one, in the base unit."""
    return {
        "id": str(visit.pk),
        "visit_date": visit.visit_date,
        "total_amount": visit.total_amount,
        "items_ordered": [
            {"name": item["name"], "quantity": item["quantity"], "price": item["unit_price"]}
            for item in visit.items
        ],
        "payment_method": visit.payment_method or None,
        "feedback_rating": visit.feedback_rating,
        "feedback_comment": visit.feedback_comment or None,
    }


class CustomerWriteSerializer(serializers.Serializer[Customer]):
    """The body of POST, PUT (both whole) and PATCH (``partial=True``).

    The fields below the line are kept for the café and are not part of the answers, so PUT leaves them
    alone when they are missing.
    """

    phone = PhoneField()
    name = serializers.CharField(max_length=4 * NAME_MAX)
    email = serializers.CharField(allow_blank=True, allow_null=True, required=False, max_length=254)
    birthday = DateField(allow_null=True, required=False)
    anniversary = DateField(allow_null=True, required=False)
    status = serializers.CharField(required=False)
    notes = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    preferences = serializers.JSONField(allow_null=True, required=False)

    name_english = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    gender = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    address = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    city = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    postal_code = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    allow_marketing = serializers.BooleanField(required=False)
    block_reason = serializers.CharField(allow_blank=True, allow_null=True, required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Collect what DRF and the customer book have to say, so that every bad field is named at once."""
        errors: dict[str, Any] = {}
        values: dict[str, Any] = {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors.update(
                error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
            )
            values = self._good_fields(data, errors)
        if isinstance(data, dict):
            legal = ", ".join(self.fields)
            for name in data:
                if name not in self.fields and name not in READ_ONLY:
                    errors[name] = [
                        _("There is no such field. The legal ones are: %(names)s.") % {"names": legal}
                    ]
        try:
            values |= clean_fields({name: value for name, value in values.items() if name != "phone"})
        except DjangoValidationError as error:
            errors |= error.message_dict
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def _good_fields(self, data: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Return the values of the fields DRF had nothing against, to have the book check them too."""
        if not isinstance(data, dict):
            return {}
        return {
            name: field.run_validation(data[name])
            for name, field in self.fields.items()
            if name in data and name not in errors
        }

    def replacement(self) -> dict[str, Any]:
        """Return what a PUT writes: the body, and the defaults of what it leaves out."""
        return {**_DEFAULTS, **self.validated_data}


class PhoneSerializer(serializers.Serializer[None]):
    """The body of the phone check; the number is judged by the view, so any text goes."""

    phone = serializers.CharField(max_length=60, allow_blank=True)
