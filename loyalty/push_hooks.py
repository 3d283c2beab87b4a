"""Browsers that take push messages, where a guest is merged, erased, or asks what we know."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.merging.registry import register_mover
from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from loyalty.services.merging_club import LooseRowsMover
from servaan_crm.core.events import subscribe
from servaan_crm.messaging.models import PushSubscription
from servaan_crm.messaging.services.push import drop_browsers

register_mover(
    LooseRowsMover(
        PushSubscription,
        label=_("Browsers for push messages"),
        icon="device-mobile",
        code="push_subscriptions",
        field="customer_id",
    )
)


def _browsers(customer: Customer) -> list[dict[str, Any]]:
    """When and where: the keys beside it would let others read, and tell the guest nothing."""
    rows = PushSubscription.objects.filter(customer_id=customer.pk).order_by("created_at")
    return rows_as_dicts(rows, "created_at", "endpoint", "failed_at")


register_export("push_subscriptions", _browsers, label=_("Browsers for push messages"))


@subscribe("customer.erased")
def forget_browsers(payload: dict[str, Any]) -> None:
    """Their addresses lead to the guest's phone."""
    drop_browsers([payload["customer_id"]])
