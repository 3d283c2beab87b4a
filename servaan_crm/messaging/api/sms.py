"""``/api/sms/``: the café's service messages, a text to many, codes, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.actors import Actor
from servaan_crm.core.errors import DomainError, NotFound
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.limits import seconds_to_wait
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, display, national, parse_phone
from servaan_crm.l10n.serializers import PhoneField
from servaan_crm.messaging.figures import AccountFigures, list_account_figures
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import confirm_code, quiet_until, send_code
from servaan_crm.messaging.services.accounts import list_accounts
from servaan_crm.messaging.services.codes import LIFETIME, PURPOSE
from servaan_crm.messaging.services.service_texts import (
    MOST_RECIPIENTS,
    send_invitation,
    send_low_stock,
    send_to_many,
    send_welcome,
)
from servaan_crm.messaging.tariff import operator_of

HOUR = 3600


class VerificationFailed(DomainError):
    """The code is wrong, too late, used, or was tried too often."""

    code = "VERIFICATION_FAILED"
    status = 409
    message = _("This code is not right, or not valid any more. Ask for a new one.")


class InviteInput(StrictSerializer):
    """Whom to invite to the team."""

    phone = PhoneField(max_length=60)
    inviter_name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    link = serializers.URLField(max_length=200, required=False, allow_blank=True, default="")


class WelcomeInput(StrictSerializer):
    """Whom to welcome."""

    phone = PhoneField(max_length=60)
    name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    username = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")


class LowStockInput(StrictSerializer):
    """What runs out, and who should know."""

    phone = PhoneField(max_length=60)
    item_name = serializers.CharField(max_length=100)
    current_stock = serializers.DecimalField(max_digits=12, decimal_places=3)
    minimum_stock = serializers.DecimalField(
        max_digits=12, decimal_places=3, required=False, allow_null=True, default=None
    )
    unit = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class BulkInput(StrictSerializer):
    """One advertising text to many numbers, in any of their forms."""

    recipients = serializers.ListField(
        child=serializers.CharField(max_length=60), allow_empty=False, max_length=MOST_RECIPIENTS
    )
    message = serializers.CharField(max_length=900)


class PhoneInput(StrictSerializer):
    """A number as somebody typed it."""

    phone = serializers.CharField(max_length=100)


class VerifyInput(StrictSerializer):
    """Where a code goes, and what it is for."""

    phone = PhoneField(max_length=60)
    purpose = serializers.RegexField(PURPOSE, max_length=40, required=False, default="verification")


class ConfirmInput(VerifyInput):
    """A code as it was typed."""

    code = serializers.CharField(max_length=20)


class _TeamText(APIView):
    """A service message to somebody of the team."""

    permission_classes = (HasPermission,)
    permission = P.STAFF_MANAGE
    rate_area = "sms"

    def answer(self, request: Request, form: StrictSerializer, send: Callable[..., Message]) -> HttpResponse:
        """Queue one message, once per ``Idempotency-Key``."""
        form.is_valid(raise_exception=True)
        return answer_once(
            request,
            lambda: ok(
                {"message": message_payload(_told(send, actor=staff_of(request).actor, **_named(form)))},
                status=202,
            ),
        )


class InviteView(_TeamText):
    """Invite somebody to the team."""

    @extend_schema(operation_id="sms_invite", request=InviteInput, responses={202: dict})
    def post(self, request: Request) -> HttpResponse:
        """Send an invitation, by the provider's template "business-invite" where the account names one."""
        return self.answer(request, InviteInput(data=request.data), send_invitation)


class WelcomeView(_TeamText):
    """Welcome a new member of the team."""

    @extend_schema(operation_id="sms_welcome", request=WelcomeInput, responses={202: dict})
    def post(self, request: Request) -> HttpResponse:
        """Send a welcome, by the provider's template "welcome-message" where the account names one."""
        return self.answer(request, WelcomeInput(data=request.data), send_welcome)


class LowStockView(_TeamText):
    """Tell the team that something runs out."""

    @extend_schema(operation_id="sms_low_stock", request=LowStockInput, responses={202: dict})
    def post(self, request: Request) -> HttpResponse:
        """Send a low stock alert, by the provider's template "low-stock-alert" where the account names one."""
        return self.answer(request, LowStockInput(data=request.data), send_low_stock)


class BulkView(APIView):
    """A text to many."""

    permission_classes = (HasPermission,)
    permission = P.CAMPAIGNS_MANAGE
    rate_area = "campaigns"

    @extend_schema(operation_id="sms_bulk", request=BulkInput, responses={202: dict})
    def post(self, request: Request) -> HttpResponse:
        """Put one advertising text to up to 1,000 numbers into the outbox, each number once.

        Guests who want none are left out, and so are those who had enough; in the quiet window it waits.
        """
        form = BulkInput(data=request.data)
        form.is_valid(raise_exception=True)
        return answer_once(request, lambda: self._send(request, form.validated_data))

    def _send(self, request: Request, data: dict[str, Any]) -> Response:
        actor = staff_of(request).actor
        found = _told(send_to_many, actor=actor, phones=data["recipients"], text=data["message"])
        return ok(
            {
                "bulk": {
                    "id": found.group_id,
                    "queued": found.queued,
                    "duplicates": found.duplicates,
                    "invalid": found.invalid,
                    "held_until": quiet_until(),
                }
            },
            status=202,
        )


class ValidatePhoneView(APIView):
    """Is this a mobile number?"""

    permission_classes = (HasPermission,)
    permission = P.CUSTOMERS_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="sms_validate_phone", request=PhoneInput, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Say whether a number can be written to, in which form, and what to type instead."""
        form = PhoneInput(data=request.data)
        form.is_valid(raise_exception=True)
        raw = form.validated_data["phone"]
        region = get_locale().phone_region
        try:
            phone = parse_phone(raw, region)
        except PhoneError as error:
            problem = {"reason": error.reason, **error.details()}
            return ok({"validation": {"is_valid": False, **problem}})
        found = {"phone": national(phone, region), "e164": phone, "display": display(phone)}
        return ok({"validation": {"is_valid": True, **found, "operator": operator_of(phone) or None}})


class StatusView(APIView):
    """What became of one message."""

    permission_classes = (HasPermission,)
    permission = P.MESSAGES_VIEW
    rate_area = "sms"

    @extend_schema(operation_id="sms_status", responses={200: dict})
    def get(self, request: Request, message_id: UUID) -> Response:
        """Return the message's state, by the id that sending answered with."""
        message = Message.objects.filter(pk=message_id).first()
        if message is None:
            raise NotFound(details={"message_id": str(message_id)})
        return ok({"message": message_payload(message)})


class AccountInfoView(APIView):
    """The accounts that send SMS."""

    permission_classes = (HasPermission,)
    permission = P.PROVIDERS_MANAGE
    rate_area = "sms"

    @extend_schema(operation_id="sms_account_info", responses={200: dict})
    def get(self, request: Request) -> Response:
        """Return credit and health of each SMS account, the one that sends first on top."""
        rows = list_account_figures(channel="sms")
        return ok({"accounts": [figures_payload(row) for row in rows]})


class VerifyView(APIView):
    """Send a code to a phone."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(operation_id="sms_verify", request=VerifyInput, responses={202: dict})
    def post(self, request: Request) -> Response:
        """Send a code of five digits, valid for five minutes, by the template "verification-code" where there is one.

        The newest code alone counts. The answer is the same whoever owns the phone.
        """
        form = VerifyInput(data=request.data)
        form.is_valid(raise_exception=True)
        _slow_down(request, form.validated_data["phone"], "send")
        if not list_accounts():
            raise DomainError(_("The café has no account for SMS yet."))
        _told(send_code, actor=Actor(kind="guest", name=""), **form.validated_data)
        sent = {
            "purpose": form.validated_data["purpose"],
            "expires_in_seconds": int(LIFETIME.total_seconds()),
        }
        return ok({"verification": sent}, status=202)


class ConfirmView(APIView):
    """Check a code."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(operation_id="sms_verify_confirm", request=ConfirmInput, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Say whether a code is the newest one sent to the phone; a right one is used up, five wrong tries end it."""
        form = ConfirmInput(data=request.data)
        form.is_valid(raise_exception=True)
        _slow_down(request, form.validated_data["phone"], "confirm")
        if not confirm_code(**form.validated_data):
            raise VerificationFailed
        return ok({"verification": {"purpose": form.validated_data["purpose"], "verified": True}})


def message_payload(message: Message) -> dict[str, Any]:
    """Return one message as the API shows it; without its text, which may hold a code."""
    return {
        "id": message.pk, "kind": message.kind, "channel": message.channel,
        "recipient": national(message.recipient, get_locale().phone_region)
        if message.recipient.startswith("+") else message.recipient,
        "status": str(message.state), "parts": message.parts, "cost": message.cost,
        "error_code": message.error_code or None, "error": message.reason or None,
        "created_at": message.created_at, "sent_at": message.sent_at, "delivered_at": message.delivered_at,
    }  # fmt: skip


def figures_payload(row: AccountFigures) -> dict[str, Any]:
    """Return one account's health as the API shows it."""
    return {
        "account": row.account.key, "name": row.name, "provider": row.account.adapter, "credit": row.credit,
        "credit_at": row.credit_at, "is_low": row.is_low, "status": row.status, "problem": row.problem or None,
        "resting_until": row.resting_until, "sent_today": row.sent_today,
    }  # fmt: skip


def _slow_down(request: Request, phone: str, action: str) -> None:
    """Count a request per phone and address, in a minute and in an hour. Raises Throttled."""
    address = f"{action}:{request.META.get('REMOTE_ADDR', '')}"
    mine = f"{action}:{phone}"
    wait = max(
        seconds_to_wait({"sms_code": mine, "sms_code_ip": address}),
        seconds_to_wait({"sms_code_hour": mine, "sms_code_ip_hour": address}, window=HOUR),
    )
    if wait:
        raise Throttled(wait=wait)


def _named(form: StrictSerializer) -> dict[str, Any]:
    """The body's values under the names of the service's arguments."""
    names = {
        "inviter_name": "inviter", "item_name": "item", "current_stock": "stock", "minimum_stock": "minimum",
    }  # fmt: skip
    return {names.get(key, key): value for key, value in form.validated_data.items()}


def _told(service: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return service(**arguments)
    except DjangoValidationError as error:
        raise ValidationError(getattr(error, "message_dict", None) or error.messages) from error
