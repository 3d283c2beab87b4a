"""Stamp cards over HTTP."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.selectors.customers import get_customer
from loyalty.api.reward_shapes import StampCardInput, stamp_card_payload, stamps_payload
from loyalty.api.seen import seen_by, with_tag
from loyalty.models import StampCard
from loyalty.selectors.stamps import get_stamp_card, list_stamp_cards, stamps_of
from loyalty.services.stamp_cards import create_stamp_card, delete_stamp_card, update_stamp_card
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok


class StampCardFilters(serializers.Serializer[Any]):
    """The filters of the list."""

    active = serializers.BooleanField(required=False, allow_null=True, default=None)


class StampCardBase(APIView):
    """Base: managers change the cards, everybody of the club reads them."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    permissions_by_method = {"GET": P.LOYALTY_VIEW}
    rate_area = "customers"


class StampCardsView(StampCardBase):
    """The stamp cards of the café."""

    @extend_schema(operation_id="stamp_cards_list", parameters=[StampCardFilters], responses={200: dict})
    def get(self, request: Request) -> Response:
        """List the cards, the oldest first."""
        rows, active = list_stamp_cards(), read_query(request, StampCardFilters)["active"]
        page, pagination = paginate(request, rows if active is None else rows.filter(is_active=active))
        return ok({"stamp_cards": [stamp_card_payload(card) for card in page], "pagination": pagination})

    @extend_schema(operation_id="stamp_cards_create", request=StampCardInput, responses={201: dict})
    def post(self, request: Request) -> HttpResponse:
        """Add a card."""
        return answer_once(request, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        form = StampCardInput(data=request.data)
        form.is_valid(raise_exception=True)
        card = create_stamp_card(actor=staff_of(request).actor, values=form.validated_data)
        return ok({"stamp_card": stamp_card_payload(card)}, status=201)


class StampCardView(StampCardBase):
    """One stamp card."""

    @extend_schema(operation_id="stamp_cards_read", responses={200: dict})
    def get(self, request: Request, stamp_card_id: UUID) -> Response:
        """Return a card; its ``ETag`` goes into ``If-Match`` of a change."""
        return _answer(get_stamp_card(stamp_card_id))

    @extend_schema(
        operation_id="stamp_cards_change", request=StampCardInput(partial=True), responses={200: dict},
        parameters=[OpenApiParameter("If-Match", str, OpenApiParameter.HEADER)],
    )  # fmt: skip
    def patch(self, request: Request, stamp_card_id: UUID) -> Response:
        """Change a card from now on; the number of stamps stays once a guest has one."""
        form = StampCardInput(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        card = update_stamp_card(
            actor=staff_of(request).actor,
            card_id=stamp_card_id,
            changes=form.validated_data,
            seen=seen_by(request),
        )
        return _answer(card)

    @extend_schema(operation_id="stamp_cards_delete", responses={200: dict})
    def delete(self, request: Request, stamp_card_id: UUID) -> Response:
        """Delete a card nobody has a stamp on; any other one is switched off instead."""
        delete_stamp_card(actor=staff_of(request).actor, card_id=stamp_card_id)
        return ok({"stamp_card": {"id": stamp_card_id, "deleted": True}})


class GuestStampsView(APIView):
    """One guest's stamps."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="customers_stamps", responses={200: dict})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Say where the guest stands on every card."""
        return ok({"stamps": [stamps_payload(state) for state in stamps_of(get_customer(customer_id))]})


def _answer(card: StampCard) -> Response:
    return with_tag(ok({"stamp_card": stamp_card_payload(card)}), card.updated_at)
