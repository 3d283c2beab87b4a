"""What this room knows of one guest, for its data export."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from feedback.models import Feedback, FeedbackLink


def _feedback(customer: Customer) -> list[dict[str, Any]]:
    rows = Feedback.objects.filter(customer=customer).order_by("created_at")
    fields = (
        "created_at",
        "source",
        "rating",
        "category_ratings",
        "comment",
        "response_text",
        "response_date",
        "status",
        "device_info",
        "ip_address",
    )
    return rows_as_dicts(rows, *fields)


def _links(customer: Customer) -> list[dict[str, Any]]:
    rows = FeedbackLink.objects.filter(customer=customer).order_by("created_at", "pk")
    return rows_as_dicts(rows, "created_at", "expires_at", "used_at")


register_export("feedback", _feedback, label=_("Feedback"))
register_export("feedback_links", _links, label=_("Feedback links"))
