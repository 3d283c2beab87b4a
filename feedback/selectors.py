"""Reads of the feedback room."""

from uuid import UUID

from django.db.models import QuerySet

from customers.models import Customer
from feedback.models import LOW_RATING, Feedback


def list_feedback() -> QuerySet[Feedback]:
    """Return all feedback with guest and visit, newest first."""
    return Feedback.objects.select_related("customer", "visit", "responded_by").order_by("-created_at", "id")


def get_open_feedback(customer: Customer | UUID) -> QuerySet[Feedback]:
    """Return what this guest said and nobody has resolved, worst first."""
    customer_id = customer.pk if isinstance(customer, Customer) else customer
    return Feedback.objects.filter(customer_id=customer_id, status=Feedback.Status.OPEN).order_by(
        "rating", "-created_at"
    )


def list_unanswered_low_ratings() -> QuerySet[Feedback]:
    """Return open ratings of 1 and 2, worst first."""
    return (
        Feedback.objects.filter(status=Feedback.Status.OPEN, rating__lte=LOW_RATING)
        .select_related("customer")
        .order_by("rating", "-created_at")
    )
