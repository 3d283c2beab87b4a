"""Rewards over HTTP."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.selectors.customers import get_customer
from loyalty.api.confirmations import confirmed_by
from loyalty.api.reward_shapes import (
    RewardInput,
    RewardRedemption,
    picture_url,
    reward_payload,
    voucher_payload,
)
from loyalty.api.seen import seen_by, with_tag
from loyalty.models import Reward
from loyalty.selectors.rewards import at_menu_prices, get_reward, list_rewards, offers_for, price_of
from loyalty.selectors.status import get_account
from loyalty.services import pictures
from loyalty.services.rewards import create_reward, delete_reward, redeem_reward, update_reward
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.parsers import CafeJSONParser
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok


class RewardFilters(serializers.Serializer[Any]):
    """The filters of the catalogue."""

    customer_id = serializers.UUIDField(
        required=False, help_text="Say what this guest can have, and why not."
    )
    active = serializers.BooleanField(required=False, allow_null=True, default=None)


class RewardView(APIView):
    """Base: managers change the catalogue, everybody of the club reads it."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    permissions_by_method = {"GET": P.LOYALTY_VIEW}
    rate_area = "customers"


class RewardsView(RewardView):
    """The catalogue."""

    @extend_schema(operation_id="rewards_list", parameters=[RewardFilters], responses={200: dict})
    def get(self, request: Request) -> Response:
        """List the rewards in their order; with ``customer_id`` the active ones, with what stands in the way."""
        asked = read_query(request, RewardFilters)
        guest = get_customer(asked["customer_id"]) if asked.get("customer_id") else None
        rows = list_rewards(active_only=guest is not None)
        if asked["active"] is not None:
            rows = rows.filter(is_active=asked["active"])
        page, pagination = paginate(request, rows)
        if guest is not None:
            rewards = [reward_payload(offer.reward, offer) for offer in offers_for(guest, rewards=page)]
        else:
            at_menu_prices(page)
            rewards = [reward_payload(reward) for reward in page]
        return ok({"rewards": rewards, "pagination": pagination})

    @extend_schema(operation_id="rewards_create", request=RewardInput, responses={201: dict})
    def post(self, request: Request) -> HttpResponse:
        """Add a reward."""
        return answer_once(request, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        form = RewardInput(data=request.data)
        form.is_valid(raise_exception=True)
        reward = create_reward(actor=staff_of(request).actor, values=form.validated_data)
        return ok({"reward": reward_payload(reward)}, status=201)


class OneRewardView(RewardView):
    """One reward."""

    @extend_schema(operation_id="rewards_read", responses={200: dict})
    def get(self, request: Request, reward_id: UUID) -> Response:
        """Return a reward; its ``ETag`` goes into ``If-Match`` of a change."""
        return _answer(get_reward(reward_id))

    @extend_schema(
        operation_id="rewards_change", request=RewardInput(partial=True), responses={200: dict},
        parameters=[OpenApiParameter("If-Match", str, OpenApiParameter.HEADER)],
    )  # fmt: skip
    def patch(self, request: Request, reward_id: UUID) -> Response:
        """Change a reward; vouchers that guests hold stay as they are."""
        form = RewardInput(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        reward = update_reward(
            actor=staff_of(request).actor,
            reward_id=reward_id,
            changes=form.validated_data,
            seen=seen_by(request),
        )
        return _answer(reward)

    @extend_schema(operation_id="rewards_delete", responses={200: dict})
    def delete(self, request: Request, reward_id: UUID) -> Response:
        """Delete a reward nobody has bought; any other one is switched off instead."""
        delete_reward(actor=staff_of(request).actor, reward_id=reward_id)
        return ok({"reward": {"id": reward_id, "deleted": True}})


PICTURE = inline_serializer(
    "RewardPictureUpload", {"file": serializers.FileField(help_text="JPEG, PNG or WebP, at most 5 MB.")}
)


class RewardPictureView(RewardView):
    """The picture of a reward."""

    # JSON is read too, so that every wrong body gets the refusal it would get elsewhere.
    parser_classes = (MultiPartParser, CafeJSONParser)

    @extend_schema(operation_id="rewards_picture_set", request=PICTURE, responses={200: dict})
    def put(self, request: Request, reward_id: UUID) -> Response:
        """Upload the picture; it is kept as a WebP of at most 480 pixels."""
        file = request.data.get("file") if isinstance(request.data, Mapping) else None
        get_reward(reward_id)
        if not isinstance(file, UploadedFile):
            raise ValidationError({"file": [_("Choose a picture: JPEG, PNG or WebP.")]})
        content = BytesIO(file.read(pictures.MAX_BYTES + 1))
        picture = pictures.set_picture(actor=staff_of(request).actor, reward_id=reward_id, file=content)
        shown = {"url": picture_url(picture), "width": picture.width, "height": picture.height}
        return ok({"picture": shown})

    @extend_schema(operation_id="rewards_picture_remove", responses={200: dict})
    def delete(self, request: Request, reward_id: UUID) -> Response:
        """Take the picture away."""
        get_reward(reward_id)
        pictures.remove_picture(actor=staff_of(request).actor, reward_id=reward_id)
        return ok({"picture": None})


class RedeemRewardView(APIView):
    """Points become a voucher."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_REDEEM
    rate_area = "customers"

    @extend_schema(operation_id="rewards_redeem", request=RewardRedemption, responses={201: dict})
    def post(self, request: Request, reward_id: UUID) -> HttpResponse:
        """Buy a reward with the guest's points.

        409 ``REWARD_NOT_AVAILABLE`` says in ``details.reason`` why not; 409 ``CONFIRMATION_REQUIRED`` asks for the
        code that ``POST /api/crm/loyalty/confirmations`` sends.
        """
        form = RewardRedemption(data=request.data)
        form.is_valid(raise_exception=True)
        guest_id, code = form.validated_data["customer_id"], form.validated_data["confirmation_code"]
        price = 0
        if code:
            price = price_of(get_reward(reward_id), get_account(get_customer(guest_id)).tier)
        confirmed = confirmed_by(request, customer_id=guest_id, code=code, points=price)

        def redeem() -> Response:
            voucher = redeem_reward(
                actor=staff_of(request).actor, customer_id=guest_id, reward_id=reward_id, confirmed=confirmed
            )
            return ok({"voucher": voucher_payload(voucher)}, status=201)

        return answer_once(request, redeem)


def _answer(reward: Reward) -> Response:
    return with_tag(ok({"reward": reward_payload(reward)}), reward.updated_at)
