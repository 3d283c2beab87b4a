"""``/api/crm/customers/{id}/interactions``."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from outreach import selectors, services
from outreach.api.serializers import InteractionFilters, InteractionInput, InteractionOutput
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok


class InteractionsView(APIView):
    """List the contacts with a guest, newest first; note a new one (seed 003 ``/cdm/interactions``)."""

    permission_classes = (HasPermission,)
    permission = P.OUTREACH_WORK
    rate_area = "customers"

    @extend_schema(parameters=[InteractionFilters], responses={200: InteractionOutput(many=True)})
    def get(self, request: Request, customer_id: UUID) -> Response:
        filters = read_query(request, InteractionFilters)
        if "interaction_type" in filters:
            filters["type"] = filters.pop("interaction_type")
        rows, pagination = paginate(request, selectors.list_interactions(customer_id).filter(**filters))
        return ok({"interactions": InteractionOutput(rows, many=True).data, "pagination": pagination})

    @extend_schema(request=InteractionInput, responses={201: InteractionOutput})
    def post(self, request: Request, customer_id: UUID) -> Response:
        form = InteractionInput(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        values["type"] = values.pop("interaction_type")
        actor = request.user.actor  # type: ignore[union-attr]
        interaction = services.log_interaction(actor=actor, customer_id=customer_id, **values)
        return ok({"interaction": InteractionOutput(interaction).data}, status=201)
