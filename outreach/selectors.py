"""Reads of the outreach room."""

from uuid import UUID

from django.db.models import QuerySet

from customers.errors import CustomerNotFound
from customers.models import Customer
from outreach.models import Interaction


def list_interactions(customer_id: UUID) -> QuerySet[Interaction]:
    """Return the contacts with a guest, newest first. Raises CustomerNotFound."""
    if not Customer.objects.filter(pk=customer_id, deleted_at=None).exists():
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    return (
        Interaction.objects.filter(customer_id=customer_id)
        .select_related("agent")
        .order_by("-interaction_date", "-id")
    )
