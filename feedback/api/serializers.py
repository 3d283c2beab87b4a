"""Shapes of seed 000, section 5."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from feedback.models import Feedback
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.serializers import DateField, MoneyField, PhoneField


class FeedbackInput(StrictSerializer):
    """Body of ``POST /api/crm/feedback``."""

    customer_id = serializers.UUIDField(required=False, allow_null=True)
    customer_phone = PhoneField(required=False, allow_blank=False)
    visit_id = serializers.UUIDField(required=False, allow_null=True)
    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    comment_language = serializers.ChoiceField(choices=["fa", "en"], required=False)
    categories = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=20
    )
    category_ratings = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=5), required=False
    )
    feedback_source = serializers.ChoiceField(choices=Feedback.Source.choices)
    source_reference = serializers.CharField(required=False, allow_blank=True, max_length=100)
    table_number = serializers.CharField(required=False, allow_blank=True, max_length=10)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("rating"), str):
            data = {**data, "rating": to_ascii(data["rating"])}
        return super().to_internal_value(data)


class FeedbackFilters(serializers.Serializer[None]):
    """Query of ``GET /api/crm/feedback``."""

    rating = serializers.IntegerField(min_value=1, max_value=5, required=False)
    status = serializers.ChoiceField(choices=Feedback.Status.choices, required=False)
    source = serializers.ChoiceField(choices=Feedback.Source.choices, required=False)  # type: ignore[assignment]
    customer_id = serializers.UUIDField(required=False)


class FeedbackCustomer(serializers.Serializer[Any]):
    """The guest, as far as a list needs it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    phone = PhoneField()


class FeedbackOutput(serializers.ModelSerializer[Feedback]):
    """One feedback as the API shows it."""

    customer = FeedbackCustomer(allow_null=True)
    visit_id = serializers.UUIDField(allow_null=True)
    feedback_source = serializers.CharField(source="source")
    order_amount = MoneyField(allow_null=True)
    visit_date = DateField(allow_null=True)
    responded_by = serializers.CharField(source="responded_by.display_name", default=None, allow_null=True)

    class Meta:
        model = Feedback
        fields = (
            "id", "customer", "visit_id", "rating", "category_ratings", "categories", "comment",
            "comment_language", "feedback_source", "source_reference", "table_number", "visit_date",
            "order_amount", "status", "response_text", "response_date", "responded_by", "follow_up_required",
            "follow_up_completed", "follow_up_date", "created_at", "updated_at",
        )  # fmt: skip
