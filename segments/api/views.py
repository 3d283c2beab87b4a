"""Segments over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segments.api.serializers import segment_payload
from segments.selectors import list_segments_with_counts
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.responses import ok


class SegmentsView(APIView):
    """The café's segments with their counts."""

    permission_classes = (HasPermission,)
    permission = P.SEGMENTS_VIEW
    rate_area = "customers"

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        return ok({"segments": [segment_payload(*row) for row in list_segments_with_counts()]})
