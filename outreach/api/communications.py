"""``/api/crm/customers/{id}/communications``."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.selectors import get_customer
from outreach.communications import KINDS, Communication, communication_keys, load_communications
from outreach.web.views import may_log
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.pagination import paginate
from servaan_crm.core.responses import ok


class CommunicationOutput(serializers.Serializer[Communication]):
    """One thing said between the café and the guest."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=[(kind, kind) for kind in KINDS])
    at = serializers.DateTimeField()
    channel = serializers.CharField()
    direction = serializers.ChoiceField(choices=[("inbound", "inbound"), ("outbound", "outbound")])
    title = serializers.CharField()
    text = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()
    author = serializers.CharField()


class CommunicationsView(APIView):
    """Messages, replies and contacts of one guest, newest first."""

    permission_classes = (HasPermission,)
    permission = P.MESSAGES_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="customers_communications", responses={200: CommunicationOutput(many=True)})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """List what was said; the contacts of the staff for those who work with them."""
        keys = communication_keys(get_customer(customer_id), contacts=may_log(request.user))
        rows, pagination = paginate(request, keys)
        entries = [CommunicationOutput(entry).data for entry in load_communications(rows)]
        return ok({"communications": entries, "pagination": pagination})
