"""The guest's SMS code, checked before the transaction that spends the points."""

from uuid import UUID

from checkout.services.request import VisitRequest
from customers.errors import CustomerNotFound
from customers.models import Customer
from customers.selectors.customers import get_customer
from loyalty.models import RedemptionCode
from loyalty.services.confirmation import check_code


def confirmed_by(request: VisitRequest, code: str) -> RedemptionCode | None:
    """Return the confirmation that ``code`` gives for the points of ``request``; None without code or guest.

    Every try counts, so it has a transaction of its own: call it before the one that records the visit.

    Raises:
        ConfirmationFailed: wrong, too late, tried too often, used, or for fewer points.
    """
    customer_id = _guest_id(request) if code.strip() else None
    if customer_id is None:
        return None
    return check_code(customer_id=customer_id, code=code, points=request.points_to_redeem)


def guest_of(request: VisitRequest) -> Customer:
    """Return the guest of a bill. Raises CustomerNotFound."""
    customer_id = _guest_id(request)
    if customer_id is None:
        raise CustomerNotFound(details={"phone": request.phone})
    return get_customer(customer_id)


def _guest_id(request: VisitRequest) -> UUID | None:
    if request.customer_id is not None or not request.phone:
        return request.customer_id
    rows = Customer.objects.filter(phone=request.phone, deleted_at=None)
    return rows.values_list("pk", flat=True).first()
