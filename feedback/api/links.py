"""``/api/crm/visits/{visit_id}/feedback-link``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from feedback.links import link_of
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import EmptySerializer


class FeedbackLinkOutput(serializers.Serializer[Any]):
    """Where a guest says how a visit was, and until when."""

    link = serializers.URLField()
    expires_at = serializers.DateTimeField()


class FeedbackLinkView(APIView):
    """The link of one visit, for a bill that is printed or a message of one's own."""

    permission_classes = (HasPermission,)
    permission = P.FEEDBACK_RECORD
    rate_area = "feedback"

    @extend_schema(
        operation_id="visit_feedback_link", request=EmptySerializer, responses={200: FeedbackLinkOutput}
    )
    def post(self, request: Request, visit_id: UUID) -> Response:
        """Return the link, the same one for the same visit; it is valid for another thirty days."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        link, expires_at = link_of(visit_id)
        return ok(FeedbackLinkOutput({"link": link, "expires_at": expires_at}).data)
