"""``/api/crm/feedback``."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.errors import CustomerNotFound
from customers.models import Customer
from feedback import selectors, services
from feedback.api.serializers import FeedbackFilters, FeedbackInput, FeedbackOutput
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok


class FeedbackView(APIView):
    """List what guests said, newest first; record a new answer."""

    permission_classes = (HasPermission,)
    permissions_by_method = {"GET": P.FEEDBACK_VIEW, "POST": P.FEEDBACK_RECORD}
    rate_area = "feedback"

    @extend_schema(parameters=[FeedbackFilters], responses={200: FeedbackOutput(many=True)})
    def get(self, request: Request) -> Response:
        filters = read_query(request, FeedbackFilters)
        rows, pagination = paginate(request, selectors.list_feedback().filter(**filters))
        return ok({"feedback": FeedbackOutput(rows, many=True).data, "pagination": pagination})

    @extend_schema(request=FeedbackInput, responses={201: FeedbackOutput})
    def post(self, request: Request) -> Response:
        form = FeedbackInput(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        phone = values.pop("customer_phone", None)
        if phone and not values.get("customer_id"):
            values["customer_id"] = _customer_of(phone)
        values["source"] = values.pop("feedback_source")
        actor = request.user.actor  # type: ignore[union-attr]
        feedback = services.record_feedback(actor=actor, **values)
        return ok({"feedback": FeedbackOutput(feedback).data}, status=201)


def _customer_of(phone: str) -> UUID:
    found: UUID | None = (
        Customer.objects.filter(phone=phone, deleted_at=None).values_list("pk", flat=True).first()
    )
    if found is None:
        raise CustomerNotFound.by_phone(phone)
    return found
