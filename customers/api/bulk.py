"""Changing many customers at once over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as InvalidValue
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api.merging import StrictBody
from customers.api.schema import _answer
from customers.api.views import CustomerAPIView
from customers.bulk_target import Target
from customers.models import BulkOperation
from customers.selectors.bulk import find_operation, progress_of
from customers.services.bulk import Fingerprint, Skipped, effect_of, may_undo, preview_bulk, undo_bulk
from customers.services.bulk_jobs import cancel_bulk, start_bulk
from servaan_crm.accounts.permissions import P, can, require_permission_feature
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.responses import ok


class SkippedSerializer(serializers.Serializer[None]):
    reason = serializers.CharField()
    count = serializers.IntegerField()


class BulkResultSerializer(serializers.Serializer[None]):
    """``confirmation`` names the set of a dry run: sent along, nothing else than that set is changed."""

    id = serializers.UUIDField(allow_null=True)
    action = serializers.CharField()
    dry_run = serializers.BooleanField()
    matched = serializers.IntegerField()
    changed = serializers.IntegerField()
    skipped = SkippedSerializer(many=True)
    confirmation = serializers.CharField(allow_null=True)
    can_undo = serializers.BooleanField()
    undone_at = serializers.DateTimeField(allow_null=True)
    undone = serializers.IntegerField()


class BulkSerializer(serializers.Serializer[None]):
    """``filter`` takes the parameters of the list, ``ids`` up to 5,000 customers; exactly one of the two."""

    action = serializers.CharField()
    filter = serializers.DictField(required=False)
    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=5_000)
    tag = serializers.CharField(required=False, max_length=50, help_text=_("Id or name of a tag."))
    status = serializers.CharField(required=False, max_length=20)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200)
    text = serializers.CharField(required=False, max_length=2_000)
    dry_run = serializers.BooleanField(default=False)
    confirmation = serializers.CharField(required=False, allow_blank=True, max_length=80)
    bulk_id = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse unknown fields and anything but one way to name the customers."""
        given = self.initial_data if isinstance(self.initial_data, dict) else {}
        unknown = {name: [_("There is no such field.")] for name in given if name not in self.fields}
        if unknown:
            raise ValidationError(unknown)
        if ("filter" in attrs) == ("ids" in attrs):
            raise ValidationError({"filter": [_("Give either “filter” or “ids”.")]})
        return attrs

    @property
    def target(self) -> Target:
        """The customers meant. Raises ValidationError naming the parameter of the filter that is wrong."""
        data = self.validated_data
        try:
            return Target.of_ids(data["ids"]) if "ids" in data else Target.of_filter(data["filter"])
        except InvalidValue as error:
            if "ids" in data:
                raise ValidationError(error.message_dict) from None
            named = {f"filter.{name}": texts for name, texts in error.message_dict.items()}
            raise ValidationError(named) from None


BulkAnswer = _answer("BulkAnswer", bulk=BulkResultSerializer())


class BulkJobSerializer(serializers.Serializer[None]):
    """A change in the background. ``rate`` is customers per second, ``remaining_seconds`` null while unknown."""

    id = serializers.UUIDField()
    action = serializers.CharField()
    status = serializers.ChoiceField(BulkOperation.Status.choices)
    matched = serializers.IntegerField()
    total = serializers.IntegerField()
    processed = serializers.IntegerField()
    percent = serializers.IntegerField()
    rate = serializers.IntegerField()
    remaining_seconds = serializers.IntegerField(allow_null=True)
    changed = serializers.IntegerField()
    skipped = SkippedSerializer(many=True)
    error = serializers.CharField()
    cancel_requested = serializers.BooleanField()
    can_undo = serializers.BooleanField()
    undone_at = serializers.DateTimeField(allow_null=True)
    undone = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


BulkJobAnswer = _answer("BulkJobAnswer", job=BulkJobSerializer())


def job_payload(operation: BulkOperation) -> dict[str, Any]:
    """Return a change in the background as the API shows it."""
    progress = progress_of(operation)
    same = ("action", "status", "matched", "changed", "skipped", "error", "cancel_requested", "undone_at", "undone",
            "created_at", "started_at", "finished_at")  # fmt: skip
    return {name: getattr(operation, name) for name in same} | {
        "id": str(operation.pk),
        "total": progress.total,
        "processed": progress.done,
        "percent": progress.percent,
        "rate": progress.rate,
        "remaining_seconds": progress.remaining,
        "can_undo": may_undo(operation),
    }


def bulk_payload(operation: BulkOperation) -> dict[str, Any]:
    """Return an operation as the API shows it."""
    return {
        "id": str(operation.pk),
        "action": operation.action,
        "dry_run": False,
        "matched": operation.matched,
        "changed": operation.changed,
        "skipped": operation.skipped,
        "confirmation": None,
        "can_undo": may_undo(operation),
        "undone_at": operation.undone_at,
        "undone": operation.undone,
    }


class BulkView(CustomerAPIView):
    """``POST /api/crm/customers/bulk``. Each action asks for a permission of its own."""

    @extend_schema(
        operation_id="customers_bulk", request=BulkSerializer, responses={200: BulkAnswer, 202: BulkJobAnswer}
    )
    def post(self, request: Request) -> HttpResponse:
        """Add or remove a tag, set the status, delete, or send a message; ``dry_run`` changes nothing.

        More than 500 customers are changed in the background: the answer is 202 with ``data.job``, to be polled at
        ``GET /api/crm/bulk/{id}``.

        The same ``bulk_id`` (or ``Idempotency-Key``) twice is done once.
        """
        return answer_once(request, lambda: self._run(request))

    def _run(self, request: Request) -> Response:
        form = BulkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        try:
            demand_permission(request.user, data["action"])
            params = {name: data[name] for name in ("tag", "status", "reason", "text") if name in data}
            target = form.target
            missing = self._missing(target)
            if data["dry_run"]:
                found, skipped = preview_bulk(action=data["action"], params=params, matches=target.matches)
                return ok({"bulk": _dry(data["action"], found, [*skipped, *missing])})
            operation = start_bulk(
                actor=self.actor,
                action=data["action"],
                params=params,
                matches=target.matches,
                query=target.query,
                expected=data.get("confirmation", ""),
                bulk_id=data.get("bulk_id"),
            )
        except InvalidValue as error:
            raise ValidationError(error.message_dict) from None
        if operation.is_job:
            return ok({"job": job_payload(operation)}, status=202)
        payload = bulk_payload(operation)
        payload["skipped"] = [*payload["skipped"], *({"reason": s.reason, "count": s.count} for s in missing)]
        return ok({"bulk": payload})

    @staticmethod
    def _missing(target: Target) -> list[Skipped]:
        if target.asked_for is None:
            return []
        gone = target.asked_for - target.matches.count()
        return [Skipped("not_found", gone)] if gone else []


class BulkOperationView(CustomerAPIView):
    """One operation."""

    permission = P.CUSTOMERS_EDIT

    @extend_schema(operation_id="customers_bulk_read", responses={200: BulkAnswer})
    def get(self, request: Request, bulk_id: UUID) -> Response:
        """Return what an operation did."""
        operation = find_operation(bulk_id)
        demand_permission(request.user, operation.action)
        return ok({"bulk": bulk_payload(operation)})


class UndoBulkView(CustomerAPIView):
    """Taking an operation back."""

    permission = P.CUSTOMERS_EDIT

    @extend_schema(
        operation_id="customers_bulk_undo", request=None, responses={200: BulkAnswer, 202: BulkJobAnswer}
    )
    def post(self, request: Request, bulk_id: UUID) -> HttpResponse:
        """Take an operation back for the customers nobody changed since; a large one in the background (202)."""

        def undo() -> Response:
            StrictBody(data=request.data).is_valid(raise_exception=True)
            demand_permission(request.user, find_operation(bulk_id).action)
            operation = undo_bulk(actor=self.actor, bulk_id=bulk_id)
            if operation.is_job:
                return ok({"job": job_payload(operation)}, status=202)
            return ok({"bulk": bulk_payload(operation)})

        return answer_once(request, undo)


class BulkJobView(CustomerAPIView):
    """One change, small or large, with how far it is."""

    permission = P.CUSTOMERS_EDIT

    @extend_schema(operation_id="bulk_job_read", responses={200: BulkJobAnswer})
    def get(self, request: Request, bulk_id: UUID) -> Response:
        """Return the state, the figures and the remaining time of a change."""
        operation = find_operation(bulk_id)
        demand_permission(request.user, operation.action)
        return ok({"job": job_payload(operation)})


class CancelBulkView(CustomerAPIView):
    """Stopping a change that runs in the background."""

    permission = P.CUSTOMERS_EDIT

    @extend_schema(operation_id="bulk_job_cancel", request=None, responses={200: BulkJobAnswer})
    def post(self, request: Request, bulk_id: UUID) -> HttpResponse:
        """Stop within 1,000 customers; what was changed before stays and can be undone."""

        def cancel() -> Response:
            StrictBody(data=request.data).is_valid(raise_exception=True)
            demand_permission(request.user, find_operation(bulk_id).action)
            return ok({"job": job_payload(cancel_bulk(actor=self.actor, bulk_id=bulk_id))})

        return answer_once(request, cancel)


def demand_permission(user: Any, action: str) -> None:
    """Refuse who may not do ``action``. Raises PermissionDenied, FeatureDisabled, or ValidationError."""
    permission = effect_of(action).permission
    if not can(user, permission):
        raise PermissionDenied(details={"permission": str(permission)})
    require_permission_feature(permission)


def _dry(action: str, found: Fingerprint, skipped: list[Skipped]) -> dict[str, Any]:
    left = [entry for entry in skipped if entry.count]
    out = sum(entry.count for entry in left if entry.reason != "not_found")
    return {
        "id": None,
        "action": action,
        "dry_run": True,
        "matched": found.count,
        "changed": found.count - out,
        "skipped": [{"reason": entry.reason, "count": entry.count} for entry in left],
        "confirmation": str(found),
        "can_undo": effect_of(action).can_undo,
        "undone_at": None,
        "undone": 0,
    }
