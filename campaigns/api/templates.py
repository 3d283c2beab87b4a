"""Message templates over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import selectors, services
from campaigns.api import shapes
from campaigns.api.views import PAGE, CampaignAPIView
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok

_RENAMED = {"type": "channel", "template_content": "content"}


def _values(body: dict[str, Any]) -> dict[str, Any]:
    return {_RENAMED.get(name, name): given for name, given in body.items()}


class TemplatesView(CampaignAPIView):
    """Texts to begin a campaign with."""

    @extend_schema(
        operation_id="campaign_templates_list",
        parameters=[shapes.TemplateQuery, *PAGE],
        responses={200: dict},
    )
    def get(self, request: Request) -> Response:
        """List them by category and name."""
        query = read_query(request, shapes.TemplateQuery)
        rows, pagination = paginate(request, selectors.list_templates(**_values(query)))
        return ok({"templates": [shapes.template_payload(row) for row in rows], "pagination": pagination})

    @extend_schema(
        operation_id="campaign_templates_create",
        request=shapes.CampaignTemplateSerializer,
        responses={201: dict},
    )
    def post(self, request: Request) -> Response:
        """Add one. An unknown variable answers ``INVALID_TEMPLATE`` and lists those that exist."""
        body = self.read(shapes.CampaignTemplateSerializer(data=request.data))
        template = services.create_template(actor=self.actor, values=_values(body))
        return ok({"template": shapes.template_payload(template)}, status=201)


class TemplateView(CampaignAPIView):
    """One message template."""

    @extend_schema(operation_id="campaign_templates_read", responses={200: dict})
    def get(self, request: Request, template_id: UUID) -> Response:
        """Return one."""
        return ok({"template": shapes.template_payload(selectors.get_template(template_id))})

    @extend_schema(
        operation_id="campaign_templates_change", request=shapes.CampaignTemplateSerializer(partial=True),
        responses={200: dict},
    )  # fmt: skip
    def patch(self, request: Request, template_id: UUID) -> Response:
        """Change one, a built-in one too."""
        body = self.read(shapes.CampaignTemplateSerializer(data=request.data, partial=True))
        template = services.update_template(actor=self.actor, template_id=template_id, changes=_values(body))
        return ok({"template": shapes.template_payload(template)})

    @extend_schema(operation_id="campaign_templates_delete", responses={200: dict})
    def delete(self, request: Request, template_id: UUID) -> Response:
        """Delete one; campaigns that began with it keep their text."""
        services.delete_template(actor=self.actor, template_id=template_id)
        return ok({"template": {"id": str(template_id), "deleted": True}})
