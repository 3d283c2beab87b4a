"""Import and export over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as InvalidValue
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api import schema
from customers.api.import_undo import ImportUndoSerializer, undo_payload
from customers.api.views import CustomerAPIView
from customers.bulk_target import MAX_IDS, Target
from customers.exports.files import CSV_TYPE
from customers.exports.http import FORMATS, export_response, streamed
from customers.filters import CustomerFilter, unknown_parameters
from customers.imports import services
from customers.imports.jobs import get_job
from customers.imports.progress import progress_of
from customers.imports.reports import reject_report
from customers.imports.undo import request_undo, undo_of
from customers.imports.undo_report import kept_report
from customers.models import ImportJob
from customers.selectors.customers import DEFAULT_ORDER, DEFAULT_SORT, SORTS
from servaan_crm.accounts.permissions import P
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer

S = ImportJob.Status
# The contract knows five states; a dry run is "completed" when it is checked.
_STATES: dict[str, str] = {S.CHECKING: "running", S.CHECKED: "completed"}


class ImportSerializer(serializers.Serializer[ImportJob]):
    """An import as the API shows it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(ImportJob.Kind.choices)
    status = serializers.ChoiceField(["pending", "running", "completed", "failed", "cancelled"])
    dry_run = serializers.BooleanField()
    file_name = serializers.CharField()
    mapping = serializers.DictField(child=serializers.CharField())
    on_duplicate = serializers.ChoiceField(ImportJob.OnDuplicate.choices)
    total_rows = serializers.IntegerField()
    processed_rows = serializers.IntegerField()
    percent = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    error = serializers.CharField()
    errors_url = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    can_retry = serializers.BooleanField()
    can_undo = serializers.BooleanField()
    undo_until = serializers.DateTimeField(allow_null=True)
    undo = ImportUndoSerializer(allow_null=True)


ImportAnswer = inline_serializer(
    "ImportAnswer",
    {
        "success": serializers.BooleanField(),
        "data": inline_serializer("ImportAnswerData", {"import": ImportSerializer()}),
    },
)
UPLOAD = inline_serializer(
    "ImportUpload",
    {
        "file": serializers.FileField(help_text="CSV or XLSX."),
        "kind": serializers.ChoiceField(ImportJob.Kind.choices, required=False),
        "mapping": serializers.CharField(
            required=False, help_text="JSON object: header or column number → field; “” leaves a column out."
        ),
        "on_duplicate": serializers.ChoiceField(ImportJob.OnDuplicate.choices, required=False),
        "amount_unit": serializers.ChoiceField(services.UNITS, required=False),
        "points": serializers.BooleanField(required=False),
    },
)
COMMIT = OpenApiParameter(
    "commit", OpenApiTypes.BOOL, description="Take the file over; otherwise it is checked only."
)
IDS = OpenApiParameter("ids", OpenApiTypes.STR, description="Ids with commas between: these customers alone.")
FORMAT = OpenApiParameter("format", OpenApiTypes.STR, enum=list(FORMATS), default="csv")


def import_payload(job: ImportJob) -> dict[str, Any]:
    """Return an import as the API shows it."""
    progress = progress_of(job)
    dry = job.status in (S.CHECKING, S.CHECKED)
    errors = reverse("import-errors", args=[job.pk]) if job.rejected else None
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "status": _STATES.get(job.status, job.status),
        "dry_run": dry,
        "file_name": job.file_name,
        "mapping": {job.headers[int(number)]: key for number, key in job.mapping.items()},
        "on_duplicate": job.on_duplicate,
        "total_rows": job.total_rows,
        "processed_rows": progress.done,
        "percent": progress.percent,
        "created": job.created,
        "updated": job.updated,
        "unchanged": job.unchanged,
        "rejected": job.rejected,
        "error": job.error,
        "errors_url": errors,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "can_retry": services.can_try_again(job),
        **undo_payload(job, reverse("import-kept", args=[job.pk])),
    }


class ImportsView(CustomerAPIView):
    """Upload a file."""

    permission = P.CUSTOMERS_IMPORT
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="customers_import",
        request={"multipart/form-data": UPLOAD},
        parameters=[COMMIT],
        responses={202: ImportAnswer},
    )
    def post(self, request: Request) -> Response:
        """Check a file of customers or visits, or take it over with ``?commit=true``; poll the answer's id."""
        if problems := unknown_parameters(request.query_params, ("commit",)):
            raise ValidationError(problems)
        sent = request.FILES.get("file")
        if sent is None:
            raise ValidationError({"file": [_("Send the file in the part “file”.")]})
        form: Mapping[str, Any] = request.data  # type: ignore[assignment]  # a form is never a list
        mapping = _mapping(form.get("mapping"))
        commit = _flag("commit", request.query_params.get("commit"))
        options = {
            "unit": form.get("amount_unit") or "base",
            "points": _flag("points", form.get("points")),
        }
        job = services.upload(actor=self.actor, file=sent, kind=form.get("kind") or "customers")
        try:
            job = services.start(
                actor=self.actor,
                job_id=job.pk,
                mapping=mapping,
                by_names=True,
                on_duplicate=form.get("on_duplicate") or ImportJob.OnDuplicate.UPDATE,
                options=options,
                commit=commit,
            )
        except Exception:
            services.discard(job)
            raise
        return ok({"import": import_payload(job)}, status=202)


def _mapping(text: Any) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = json.loads(str(text))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValidationError({"mapping": [_("Give a JSON object: header → field.")]})
    return value


def _flag(name: str, text: Any) -> bool:
    if text is None or text == "":
        return False
    word = str(text).lower()
    if word not in ("true", "false", "1", "0"):
        raise ValidationError({name: [_("Give true or false.")]})
    return word in ("true", "1")


class ImportView(CustomerAPIView):
    """One import."""

    permission = P.CUSTOMERS_IMPORT

    @extend_schema(operation_id="imports_read", responses={200: ImportAnswer})
    def get(self, request: Request, import_id: UUID) -> Response:
        """Return the state and the figures of an import."""
        return ok({"import": import_payload(get_job(import_id))})


class CommitImportView(CustomerAPIView):
    """Take over what a dry run checked."""

    permission = P.CUSTOMERS_IMPORT

    @extend_schema(operation_id="imports_commit", request=None, responses={202: ImportAnswer})
    def post(self, request: Request, import_id: UUID) -> Response:
        """Take the checked file over in the background, without sending it again."""
        job = services.commit_checked(actor=self.actor, job_id=import_id)
        return ok({"import": import_payload(job)}, status=202)


class CancelImportView(CustomerAPIView):
    """Stop an import."""

    permission = P.CUSTOMERS_IMPORT

    @extend_schema(operation_id="imports_cancel", request=None, responses={200: ImportAnswer})
    def post(self, request: Request, import_id: UUID) -> Response:
        """Stop within one chunk of rows; what was taken over before stays."""
        services.cancel(actor=self.actor, job_id=import_id)
        return ok({"import": import_payload(get_job(import_id))})


class RetryImportView(CustomerAPIView):
    """Go on with an import that failed."""

    permission = P.CUSTOMERS_IMPORT

    @extend_schema(operation_id="imports_retry", request=None, responses={202: ImportAnswer})
    def post(self, request: Request, import_id: UUID) -> Response:
        """Go on after the last row that was taken over, in the background; for imports with ``can_retry``."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        job = services.try_again(actor=self.actor, job_id=import_id)
        return ok({"import": import_payload(job)}, status=202)


class ImportErrorsView(CustomerAPIView):
    """The report of rejected rows."""

    permission = P.CUSTOMERS_IMPORT

    @extend_schema(operation_id="imports_errors", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, import_id: UUID) -> HttpResponseBase:
        """Return the rejected rows as CSV: the file's own columns, the row number and the reason."""
        job = get_job(import_id)
        return streamed(lambda: reject_report(job), f"rejected-{job.pk}.csv", CSV_TYPE)


class UndoImportView(CustomerAPIView):
    """Take a whole import back."""

    permission = P.CUSTOMERS_DELETE

    @extend_schema(operation_id="imports_undo", request=None, responses={202: ImportAnswer})
    def post(self, request: Request, import_id: UUID) -> Response:
        """Undo a finished import in the background, within 30 days; asking again changes nothing.

        Guests it entered are deleted unless something was attached to them since, guests it changed get their
        earlier values where nobody changed them since, its visits are voided with their points. Poll the import.
        """
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        request_undo(actor=self.actor, job_id=import_id)
        return ok({"import": import_payload(get_job(import_id))}, status=202)


class KeptView(CustomerAPIView):
    """What an undo left."""

    permission = P.CUSTOMERS_IMPORT

    @extend_schema(operation_id="imports_undo_kept", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, import_id: UUID) -> HttpResponseBase:
        """Return as CSV what the undo of an import kept, and why."""
        undo = undo_of(get_job(import_id))
        return streamed(lambda: kept_report(undo), f"kept-{import_id}.csv", CSV_TYPE)


class ExportSerializer(StrictSerializer):
    """Chosen customers, and how they are written."""

    ids = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_IDS, allow_empty=False)
    format = serializers.ChoiceField(FORMATS, default="csv")
    sort = serializers.ChoiceField(SORTS, default=DEFAULT_SORT)
    order = serializers.ChoiceField(("asc", "desc"), default=DEFAULT_ORDER)


class ExportView(CustomerAPIView):
    """The customer list as a file."""

    permission = P.CUSTOMERS_EXPORT

    @extend_schema(
        operation_id="customers_export",
        parameters=[FORMAT, IDS, *(part for part in schema.LIST if part.name not in ("page", "limit"))],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return all customers that match, with the filters and the order of the list; streamed."""
        asked = CustomerFilter(request.query_params, extra=("format", "ids"))
        problems = asked.problems()
        format_name = request.query_params.get("format", "csv")
        chosen = _chosen(request.query_params["ids"].split(",")) if "ids" in request.query_params else None
        if chosen and asked.active:
            problems["ids"] = [_("Give either filters or “ids”.")]
        if format_name not in FORMATS:
            problems["format"] = [_("Choose one of: %(values)s.") % {"values": ", ".join(FORMATS)}]
        if problems:
            raise ValidationError(problems)
        found, told = asked.customers(), asked.active
        if chosen:
            found, told = chosen.as_list(found.sort, found.order), {"ids": chosen.asked_for}
        return export_response(actor=self.actor, found=found, format_name=format_name, asked=told)

    @extend_schema(
        operation_id="customers_export_chosen",
        request=ExportSerializer,
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Return up to 5,000 chosen customers as a file."""
        form = ExportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        chosen = _chosen(asked["ids"])
        return export_response(
            actor=self.actor,
            found=chosen.as_list(asked["sort"], asked["order"]),
            format_name=asked["format"],
            asked={"ids": chosen.asked_for},
        )


def _chosen(ids: Iterable[Any]) -> Target:
    try:
        return Target.of_ids(ids)
    except InvalidValue as error:
        raise ValidationError(error.message_dict) from None
