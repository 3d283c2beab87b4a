"""Guests who bring guests, over HTTP."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.selectors.customers import get_customer
from loyalty.models import Referral
from loyalty.selectors.referrals import get_referral, list_referrals, referral_figures
from loyalty.services.guest_card import CardLink, card_link
from loyalty.services.referral import enter_referral, referral_code_of, refuse_referral, release_referral
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.features import require_feature
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer


class ReferralFilters(serializers.Serializer[Any]):
    """The filters of the list."""

    status = serializers.ChoiceField(Referral.Status.choices, required=False)
    referrer_id = serializers.UUIDField(required=False)
    friend_id = serializers.UUIDField(required=False)
    search = serializers.CharField(required=False, max_length=100)


class ReferralInput(StrictSerializer):
    """Who brought whom: the referrer by code or id, the friend by id or number."""

    referrer_code = serializers.CharField(max_length=32, required=False, allow_blank=True, default="")
    referrer_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    friend_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    friend_phone = serializers.CharField(max_length=32, required=False, allow_blank=True, default="")
    friend_name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class NothingInput(StrictSerializer):
    """A body that says nothing: what is sent with it is named."""


class RefuseInput(StrictSerializer):
    """Why a referral is closed."""

    reason = serializers.CharField(max_length=200)


class CardLinkInput(StrictSerializer):
    """What to do with the link of a guest's card."""

    send = serializers.BooleanField(required=False, default=False)
    renew = serializers.BooleanField(required=False, default=False)


class ReferralsView(APIView):
    """Who brought whom."""

    permission_classes = (HasPermission,)
    permission = P.CUSTOMERS_EDIT
    permissions_by_method = {"GET": P.LOYALTY_VIEW}
    rate_area = "customers"

    @extend_schema(operation_id="referrals_list", parameters=[ReferralFilters], responses={200: dict})
    def get(self, request: Request) -> Response:
        """List referrals, newest first, with what the friends spent."""
        rows = list_referrals(read_query(request, ReferralFilters))
        page, pagination = paginate(request, rows)
        referrals = [referral_payload(row) for row in page]
        return ok({"referrals": referrals, "summary": referral_figures(rows), "pagination": pagination})

    @extend_schema(operation_id="referrals_create", request=ReferralInput, responses={201: dict})
    def post(self, request: Request) -> HttpResponse:
        """Note who brought a new guest, before the first visit; an unknown number is entered as a guest."""
        require_feature("loyalty")
        return answer_once(request, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        form = ReferralInput(data=request.data)
        form.is_valid(raise_exception=True)
        referral = enter_referral(actor=staff_of(request).actor, **form.validated_data)
        return ok({"referral": referral_payload(get_referral(referral.pk))}, status=201)


class ReferralView(APIView):
    """One referral."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="referrals_read", responses={200: dict})
    def get(self, request: Request, referral_id: UUID) -> Response:
        """Return one referral."""
        return ok({"referral": referral_payload(get_referral(referral_id))})


class ReleaseReferralView(APIView):
    """Let a held referral go on."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    rate_area = "customers"

    @extend_schema(operation_id="referrals_release", request=None, responses={200: dict})
    def post(self, request: Request, referral_id: UUID) -> HttpResponse:
        """Release it: it is rewarded at once when the friend was here, else with the first visit."""
        return answer_once(request, lambda: self._release(request, referral_id))

    def _release(self, request: Request, referral_id: UUID) -> Response:
        NothingInput(data=request.data).is_valid(raise_exception=True)
        release_referral(actor=staff_of(request).actor, referral_id=referral_id)
        return ok({"referral": referral_payload(get_referral(referral_id))})


class RefuseReferralView(APIView):
    """Close a referral for good."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    rate_area = "customers"

    @extend_schema(operation_id="referrals_refuse", request=RefuseInput, responses={200: dict})
    def post(self, request: Request, referral_id: UUID) -> HttpResponse:
        """Refuse it; points that were given for it are taken back."""
        return answer_once(request, lambda: self._refuse(request, referral_id))

    def _refuse(self, request: Request, referral_id: UUID) -> Response:
        form = RefuseInput(data=request.data)
        form.is_valid(raise_exception=True)
        refuse_referral(
            actor=staff_of(request).actor, referral_id=referral_id, reason=form.validated_data["reason"]
        )
        return ok({"referral": referral_payload(get_referral(referral_id))})


class GuestReferralsView(APIView):
    """One guest's code and the friends it brought."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="guest_referrals", responses={200: dict})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return the code (made when it is asked for the first time) and the friends, newest first."""
        read_query(request, serializers.Serializer)
        customer = get_customer(customer_id)
        rows = list_referrals({"referrer_id": customer.pk})
        page, pagination = paginate(request, rows)
        return ok({
            "code": referral_code_of(customer.pk), "referrals": [referral_payload(row) for row in page],
            "summary": referral_figures(rows), "pagination": pagination,
        })  # fmt: skip


class CardLinkView(APIView):
    """The link of a guest's card."""

    permission_classes = (HasPermission,)
    permission = P.CUSTOMERS_EDIT
    rate_area = "customers"

    @extend_schema(operation_id="guest_card_link", request=CardLinkInput, responses={200: dict})
    def post(self, request: Request, customer_id: UUID) -> HttpResponse:
        """Return the link, and with ``send`` queue it to the guest; ``renew`` makes older links worthless."""
        return answer_once(request, lambda: self._answer(request, customer_id))

    def _answer(self, request: Request, customer_id: UUID) -> Response:
        form = CardLinkInput(data=request.data)
        form.is_valid(raise_exception=True)
        origin = request.build_absolute_uri("/")
        link = card_link(
            actor=staff_of(request).actor, customer_id=customer_id, origin=origin, **form.validated_data
        )
        return ok(link_payload(link))


def link_payload(link: CardLink) -> dict[str, Any]:
    """Return a card's link as the API shows it."""
    message = link.message
    return {
        "link": link.url,
        "renewed_at": link.renewed_at,
        "message": {"id": message.pk, "state": message.state, "queued_before": link.is_repeat}
        if message
        else None,
    }


def referral_payload(row: Referral) -> dict[str, Any]:
    """Return one referral as the API shows it; ``revenue`` is what the friend spent so far, in the base unit."""
    return {
        "id": row.pk, "status": row.status, "reason": row.reason or None,
        "referrer": {"id": row.referrer_id, "name": row.referrer.name},
        "friend": {"id": row.friend_id, "name": row.friend.name},
        "visit_id": row.visit_id, "referrer_points": row.referrer_points, "friend_points": row.friend_points,
        "revenue": getattr(row, "revenue", None), "rewarded_at": row.rewarded_at, "created_at": row.created_at,
    }  # fmt: skip
