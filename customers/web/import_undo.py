"""Taking a whole import back: ask first, then watch it on the page of the import."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views import View

from customers.exports.files import CSV_TYPE
from customers.exports.http import streamed
from customers.imports.errors import ImportNotFound, ImportNotPossible
from customers.imports.jobs import get_job
from customers.imports.undo import UNDO_DAYS, can_undo, percent_of, request_undo, undo_of, undo_until
from customers.imports.undo_report import kept_report, kept_rows
from customers.models import ImportJob, ImportUndo
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage

SHOWN = 20


class UndoImport(RolePage, View):
    """Say what the undo will do, then begin it."""

    permission = P.CUSTOMERS_DELETE

    def get(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        job = get_job(import_id)
        if not can_undo(job):
            return redirect("customers:import", import_id)
        context = {
            "job": job,
            "until": undo_until(job),
            "days": UNDO_DAYS,
            "is_visits": job.kind == ImportJob.Kind.VISITS,
        }
        return render(request, "customers/imports/undo.html", context)

    def post(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        try:
            request_undo(actor=self.actor, job_id=import_id)
        except ImportNotPossible as error:
            messages.error(request, str(error))
        return redirect("customers:import", import_id)


class UndoStatus(RolePage, View):
    """How far the undo is, asked for again and again; when it is over the page is loaded anew."""

    permission = P.CUSTOMERS_IMPORT

    def get(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        job = get_job(import_id)
        undo = undo_of(job)
        if undo is None or not request.headers.get("HX-Request"):
            return redirect("customers:import", import_id)
        context = {"job": job, "undo": undo, "undo_percent": percent_of(undo)}
        response = render(request, "customers/imports/_undo_progress.html", context)
        if undo.status != ImportUndo.Status.RUNNING:
            response["HX-Refresh"] = "true"
        return response


class KeptReport(RolePage, View):
    """What the undo left, and why, as a file."""

    permission = P.CUSTOMERS_IMPORT

    def get(self, request: HttpRequest, import_id: UUID) -> HttpResponseBase:
        undo = undo_of(get_job(import_id))
        if undo is None:
            raise ImportNotFound(details={"import_id": str(import_id)})
        return streamed(lambda: kept_report(undo), f"kept-{import_id}.csv", CSV_TYPE)


def undo_part(job: ImportJob, user: Any) -> dict[str, Any]:
    """Return what the page of an import shows about its undo."""
    undo = undo_of(job)
    shown = kept_rows(undo, SHOWN) if undo and undo.status != ImportUndo.Status.RUNNING else []
    return {
        "undo": undo,
        "undo_percent": percent_of(undo) if undo else 0,
        "may_undo": can_undo(job) and can(user, P.CUSTOMERS_DELETE),
        "undo_until": undo_until(job),
        "kept_rows": shown,
        "more_kept": max(0, undo.kept - len(shown)) if undo else 0,
    }
