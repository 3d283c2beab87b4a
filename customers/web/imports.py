"""The import wizard (upload → columns → check → take over → report), and the export of the list."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from customers.bulk_target import Target
from customers.exports.files import CSV_TYPE
from customers.exports.http import FORMATS, export_response, streamed
from customers.filters import CustomerFilter
from customers.imports import services
from customers.imports.errors import ImportNotPossible, UnreadableFile
from customers.imports.fields import REQUIRED, targets
from customers.imports.jobs import get_job
from customers.imports.limits import MAX_BYTES, MEGABYTE
from customers.imports.progress import progress_of
from customers.imports.reports import reason_writer, reject_report
from customers.models import ImportJob
from customers.web.import_undo import undo_part
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.locale import get_locale

S = ImportJob.Status
LATEST = 20
SHOWN_REJECTS = 20


class ImportsPage(RolePage, View):
    """Upload a file; below it the latest imports."""

    permission = P.CUSTOMERS_IMPORT

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show()

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.FILES.get("file")
        if sent is None:
            return self._show(_("Choose a file first."))
        try:
            job = services.upload(actor=self.actor, file=sent, kind=request.POST.get("kind") or "customers")
        except UnreadableFile as error:
            return self._show(str(error))
        except ValidationError as error:
            return self._show(" ".join(error.messages))
        return redirect("customers:import", job.pk)

    def _show(self, problem: str = "") -> HttpResponse:
        context = {
            "problem": problem,
            "kinds": ImportJob.Kind.choices,
            "kind": self.request.POST.get("kind") or self.request.GET.get("kind") or "customers",
            "jobs": ImportJob.objects.select_related("created_by")[:LATEST],
            "megabytes": MAX_BYTES // MEGABYTE,
        }
        return render(self.request, "customers/imports/list.html", context, status=422 if problem else 200)


class ImportPage(RolePage, View):
    """One import in the state it is in: columns, progress, what the check found, or the result."""

    permission = P.CUSTOMERS_IMPORT

    def get(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        job = get_job(import_id)
        mapping = job.options.get("draft") or (job.status == S.CHECKED and "columns" in request.GET)
        if mapping:
            return self._columns(job)
        context = page_of(job) | undo_part(job, request.user)
        return render(request, "customers/imports/job.html", context)

    def post(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """Check the file with the chosen columns."""
        job = get_job(import_id)
        chosen = {str(n): request.POST.get(f"column-{n}", "") for n in range(len(job.headers))}
        options = {"unit": request.POST.get("unit", ""), "points": request.POST.get("points") == "yes"}
        try:
            services.start(
                actor=self.actor,
                job_id=job.pk,
                mapping=chosen,
                on_duplicate=request.POST.get("on_duplicate") or ImportJob.OnDuplicate.UPDATE,
                options=options,
            )
        except ValidationError as error:
            job.mapping = chosen
            return self._columns(job, " ".join(error.messages))
        except ImportNotPossible:
            pass  # pressed twice: it is being checked already
        return redirect("customers:import", job.pk)

    def _columns(self, job: ImportJob, problem: str = "") -> HttpResponse:
        rows = services.sample_rows(job)
        columns = [
            {
                "number": number,
                "header": header,
                "target": job.mapping.get(str(number), ""),
                "samples": [row[number] for row in rows if row[number]][:3],
            }
            for number, header in enumerate(job.headers)
        ]
        context = {
            "job": job,
            "step": 2,
            "problem": problem,
            "columns": columns,
            "targets": targets(job.kind),
            "required": REQUIRED[ImportJob.Kind(job.kind)],
            "is_visits": job.kind == ImportJob.Kind.VISITS,
            "has_toman": get_locale().currency == "IRR",
            "unit": job.options.get("unit") or ("toman" if get_locale().in_toman else "rial"),
            "duplicates": ImportJob.OnDuplicate.choices,
        }
        return render(self.request, "customers/imports/columns.html", context, status=422 if problem else 200)


class ImportStatus(RolePage, View):
    """The progress, asked for again and again; when nothing runs any more the page is loaded anew."""

    permission = P.CUSTOMERS_IMPORT

    def get(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        job = get_job(import_id)
        if not request.headers.get("HX-Request"):
            return redirect("customers:import", job.pk)
        response = render(request, "customers/imports/_progress.html", page_of(job))
        if not services.is_active(job):
            response["HX-Refresh"] = "true"
        return response


class CommitImport(RolePage, View):
    """Take over what was checked."""

    permission = P.CUSTOMERS_IMPORT

    def post(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        with suppress(ImportNotPossible):  # pressed twice: it is under way
            services.commit_checked(actor=self.actor, job_id=import_id)
        return redirect("customers:import", import_id)


class CancelImport(RolePage, View):
    """Stop an import."""

    permission = P.CUSTOMERS_IMPORT

    def post(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        try:
            services.cancel(actor=self.actor, job_id=import_id)
        except ImportNotPossible:
            messages.info(request, _("The import was over already."))
        return redirect("customers:import", import_id)


class TryImportAgain(RolePage, View):
    """Go on with an import that failed on our side."""

    permission = P.CUSTOMERS_IMPORT

    def post(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        with suppress(ImportNotPossible):  # pressed twice: it is under way
            services.try_again(actor=self.actor, job_id=import_id)
        return redirect("customers:import", import_id)


class ImportReport(RolePage, View):
    """The rejected rows as a file."""

    permission = P.CUSTOMERS_IMPORT

    def get(self, request: HttpRequest, import_id: UUID) -> HttpResponseBase:
        job = get_job(import_id)
        return streamed(lambda: reject_report(job), f"rejected-{job.pk}.csv", CSV_TYPE)


class ExportCustomers(RolePage, View):
    """The list as a file, with the filters and the order of the list."""

    permission = P.CUSTOMERS_EXPORT

    def get(self, request: HttpRequest) -> HttpResponseBase:
        known = ("page", "page_size", "look", "format")
        asked = CustomerFilter(request.GET, extra=known, default_sort="last_visit")
        format_name = request.GET.get("format", "csv")
        if asked.problems() or format_name not in FORMATS:
            return redirect("customers:list")
        return export_response(
            actor=self.actor, found=asked.customers(), format_name=format_name, asked=asked.active
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The rows that were ticked, or with ``scope=all`` everybody the filters of ``query`` find."""
        asked = CustomerFilter(QueryDict(request.POST.get("query", "")), default_sort="last_visit")
        format_name = request.POST.get("format", "csv")
        if asked.problems() or format_name not in FORMATS:
            return redirect("customers:list")
        found, told = asked.customers(), asked.active
        if request.POST.get("scope") != "all":
            try:
                chosen = Target.of_ids(request.POST.getlist("ids"))
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
                return redirect("customers:list")
            found, told = chosen.as_list(found.sort, found.order), {"ids": chosen.asked_for}
        return export_response(actor=self.actor, found=found, format_name=format_name, asked=told)


def page_of(job: ImportJob) -> dict[str, Any]:
    """Return what the page and the progress of a job show."""
    words = reason_writer(job)
    rejects = list(job.rejects.order_by("row_number")[:SHOWN_REJECTS]) if not services.is_active(job) else []
    good = job.created + job.updated + job.unchanged
    return {
        "job": job,
        "active": services.is_active(job),
        "progress": progress_of(job),
        "rejects": [(reject, words(reject)) for reject in rejects],
        "more_rejects": max(0, job.rejected - len(rejects)),
        "can_try_again": services.can_try_again(job),
        "can_commit": job.status == S.CHECKED and job.created + job.updated > 0,
        "good": good,
        "step": {S.CHECKING: 3, S.CHECKED: 3, S.PENDING: 4, S.RUNNING: 4}.get(S(job.status), 5),
        "is_visits": job.kind == ImportJob.Kind.VISITS,
    }
