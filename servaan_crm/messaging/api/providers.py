"""``/api/crm/providers``: the café's accounts at message providers. Keys go in and never come out."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.messaging.figures import AccountFigures, figures_of
from servaan_crm.messaging.gateways.registry import ADAPTERS, adapter_choices
from servaan_crm.messaging.models import Channel, ProviderAccount
from servaan_crm.messaging.services import clear_problem
from servaan_crm.messaging.services.accounts import account_of, callback_path
from servaan_crm.messaging.services.providers import (
    create_provider,
    delete_provider,
    get_provider,
    settings_of,
    test_provider,
    update_provider,
)

_PRICE: dict[str, Any] = {"max_digits": 12, "decimal_places": 2, "min_value": 0, "required": False}
_LIMIT: dict[str, Any] = {"min_value": 1, "max_value": 2_000_000_000, "required": False, "allow_null": True}


class ProviderChange(StrictSerializer):
    """What can be changed of an account. An empty secret keeps the stored one."""

    name = serializers.CharField(max_length=80)
    base_url = serializers.URLField(max_length=200, required=False, allow_blank=True)
    api_key = serializers.CharField(max_length=4000, required=False, allow_blank=True, write_only=True)
    sender = serializers.CharField(max_length=100, required=False, allow_blank=True)
    priority = serializers.IntegerField(min_value=0, max_value=32_767, required=False)
    is_active = serializers.BooleanField(required=False)
    tariff_persian = serializers.DecimalField(**_PRICE)
    tariff_latin = serializers.DecimalField(**_PRICE)
    operator_tariffs = serializers.DictField(child=serializers.DictField(), required=False)
    rate_per_minute = serializers.IntegerField(**_LIMIT)
    daily_limit = serializers.IntegerField(**_LIMIT)
    monthly_limit = serializers.IntegerField(**_LIMIT)
    low_credit = serializers.DecimalField(
        max_digits=16, decimal_places=2, min_value=0, required=False, allow_null=True
    )
    options = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=4000), required=False
    )


class ProviderInput(ProviderChange):
    """A new account."""

    adapter = serializers.ChoiceField(adapter_choices())
    channel = serializers.ChoiceField(Channel.choices, required=False, default=Channel.SMS)


class NothingInput(StrictSerializer):
    """No body: an empty object."""


class NoFilters(serializers.Serializer[Any]):
    """No parameters but the paging."""


class _Providers(APIView):
    permission_classes = (HasPermission,)
    permission = P.PROVIDERS_MANAGE
    rate_area = "customers"


class ProvidersView(_Providers):
    """The accounts of the café."""

    @extend_schema(operation_id="providers_list", responses={200: dict})
    def get(self, request: Request) -> Response:
        """List accounts in the order they are tried, with their health."""
        read_query(request, NoFilters)
        page, pagination = paginate(request, ProviderAccount.objects.order_by("channel", "priority", "id"))
        return ok({"providers": provider_payloads(page, request), "pagination": pagination})

    @extend_schema(operation_id="providers_create", request=ProviderInput, responses={201: dict})
    def post(self, request: Request) -> HttpResponse:
        """Create an account. What an adapter needs stands in ``options``; a wrong one is named ``options.<key>``."""
        form = ProviderInput(data=request.data)
        form.is_valid(raise_exception=True)
        return answer_once(request, lambda: self._create(request, dict(form.validated_data)))

    def _create(self, request: Request, values: dict[str, Any]) -> Response:
        row = _told(
            create_provider,
            actor=staff_of(request).actor,
            adapter=values.pop("adapter"),
            channel=values.pop("channel"),
            options=values.pop("options", {}),
            values=values,
        )
        return ok({"provider": _payload(row, request)}, status=201)


class ProviderView(_Providers):
    """One account."""

    @extend_schema(operation_id="providers_read", responses={200: dict})
    def get(self, request: Request, provider_id: UUID) -> Response:
        return ok({"provider": _payload(get_provider(provider_id), request)})

    @extend_schema(
        operation_id="providers_change", request=ProviderChange(partial=True), responses={200: dict}
    )
    def patch(self, request: Request, provider_id: UUID) -> Response:
        """Change an account; what is not given stays."""
        form = ProviderChange(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        options = values.pop("options", {})
        row = _told(
            update_provider,
            actor=staff_of(request).actor,
            provider_id=provider_id,
            values=values,
            options=options,
        )
        return ok({"provider": _payload(row, request)})

    @extend_schema(operation_id="providers_delete", responses={200: dict})
    def delete(self, request: Request, provider_id: UUID) -> Response:
        """Remove an account; 409 while the outcome of its messages is still being asked for."""
        payload = _payload(get_provider(provider_id), request)
        delete_provider(actor=staff_of(request).actor, provider_id=provider_id)
        return ok({"provider": payload | {"is_active": False}})


class TestProviderView(_Providers):
    """Try an account out."""

    __test__ = False  # a view, not a test class

    @extend_schema(operation_id="providers_test", request=NothingInput, responses={200: dict})
    def post(self, request: Request, provider_id: UUID) -> Response:
        """Ask the provider who we are; sends nothing. ``ok`` false comes with the provider's own words.

        ``is_proven`` false: it has no such question, and only a message of yours shows whether it works.
        """
        NothingInput(data=request.data).is_valid(raise_exception=True)
        found = test_provider(provider_id=provider_id)
        return ok(
            {
                "test": {
                    "ok": found.ok,
                    "is_proven": found.is_proven,
                    "credit": found.credit,
                    "code": found.code or None,
                    "text": found.text or None,
                }
            }
        )


class ResumeProviderView(_Providers):
    """Say that an account is repaired."""

    @extend_schema(operation_id="providers_resume", request=NothingInput, responses={200: dict})
    def post(self, request: Request, provider_id: UUID) -> Response:
        """End the account's rest: it sends again at once."""
        NothingInput(data=request.data).is_valid(raise_exception=True)
        row = get_provider(provider_id)
        clear_problem(str(row.pk))
        return ok({"provider": _payload(row, request)})


def provider_payloads(rows: list[ProviderAccount], request: Request) -> list[dict[str, Any]]:
    """Return accounts as the API shows them; of secrets only whether they are there."""
    found = figures_of(rows)
    return [_shape(row, found[str(row.pk)], request) for row in rows]


def _payload(row: ProviderAccount, request: Request) -> dict[str, Any]:
    return provider_payloads([row], request)[0]


def _shape(row: ProviderAccount, figures: AccountFigures, request: Request) -> dict[str, Any]:
    return {
        "id": row.pk, "name": row.name, "adapter": row.adapter, "channel": row.channel, "base_url": row.base_url,
        "sender": row.sender, "priority": row.priority, "is_active": row.is_active, "has_api_key": bool(row.api_key),
        "options": shown_options(row), "tariff_persian": row.tariff_persian, "tariff_latin": row.tariff_latin,
        "operator_tariffs": row.operator_tariffs, "rate_per_minute": row.rate_per_minute,
        "daily_limit": row.daily_limit, "monthly_limit": row.monthly_limit, "low_credit": row.low_credit,
        "status": figures.status, "problem": figures.problem or None, "resting_until": figures.resting_until,
        "limit_reached": figures.limit_reached or None, "credit": figures.credit, "credit_at": figures.credit_at,
        "is_low": figures.is_low, "sent_today": figures.sent_today, "reaches_guests": figures.reaches_guests,
        "callbacks": {
            kind: request.build_absolute_uri(path) for kind, path in callback_paths(row).items()
        },
    }  # fmt: skip


def callback_paths(row: ProviderAccount) -> dict[str, str]:
    """The addresses to enter in the provider's panel, by what it calls there about: see ``Gateway.callback_kinds``."""
    if row.adapter not in ADAPTERS:
        return {}
    return {kind: callback_path(row, kind) for kind in account_of(row).gateway.called_about()}


def shown_options(row: ProviderAccount) -> dict[str, Any]:
    """The account's settings; of a secret True when there is one."""
    if row.adapter not in ADAPTERS:
        return {}
    stored = json.loads(row.options or "{}")
    return {
        setting.key: bool(stored.get(setting.key)) if setting.is_secret else stored.get(setting.key, "")
        for setting in settings_of(row.adapter, row.channel)
    }


def _told(service: Any, **arguments: Any) -> Any:
    try:
        return service(**arguments)
    except DjangoValidationError as error:
        raise ValidationError(error.message_dict) from error
