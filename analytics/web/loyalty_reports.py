"""The reports of the club: points month by month, and what the café owes. Every figure opens what is behind it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from analytics.calendar_months import month_code, month_span
from analytics.periods import TIME_RANGES, Period, last_days, today
from customers.exports.http import note_export, streamed
from customers.models import CustomerSummary
from customers.web.visit_csv import BOM
from loyalty.selectors.flow import KINDS, Flow, entries, get_flow, get_monthly_flow
from loyalty.selectors.liability import Holders, Liability, get_liability
from loyalty.web.ledger_csv import ledger_lines
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import NotFound
from servaan_crm.l10n.forms import LocalDateField
from servaan_crm.l10n.jalali import format_date
from servaan_crm.l10n.money import to_screen, unit_name

PER_PAGE = 25
KIND_LABELS: dict[str, Promise] = {
    "issued": gettext_lazy("Points issued"),
    "redeemed": gettext_lazy("Points redeemed"),
    "expired": gettext_lazy("Points expired"),
    "corrected": gettext_lazy("Taken off by hand"),
}
RANGES: dict[str, Promise] = {
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
    "1y": gettext_lazy("A year"),
}


class PeriodForm(forms.Form):
    """A range of the list, or two days of the café's calendar."""

    time_range = forms.ChoiceField(choices=[(name, name) for name in TIME_RANGES], required=False)
    from_date = LocalDateField(label=gettext_lazy("From date"), required=False)
    to_date = LocalDateField(label=gettext_lazy("To date"), required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("from_date"), values.get("to_date") or today()
        if first and first > last:
            self.add_error("to_date", _("The first day is after the last one."))
        elif first and (last - first).days > 3660:
            self.add_error("from_date", _("Ask for ten years at most."))
        return values

    def period(self) -> Period:
        """Return the period; the last year when nothing usable was asked for."""
        values = self.cleaned_data if self.is_valid() else {}
        if values.get("from_date"):
            return Period(values["from_date"], values.get("to_date") or today())
        return last_days(TIME_RANGES[values.get("time_range") or "1y"])

    @property
    def chosen_range(self) -> str:
        """The range of the list in force; "" while free dates are."""
        if not self.is_valid() or self.cleaned_data.get("from_date"):
            return ""
        return str(self.cleaned_data.get("time_range") or "1y")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure with the address of the rows behind it."""

    label: str | Promise
    points: int
    url: str


def entries_url(kind: str, first: date, last: date) -> str:
    query = urlencode({"kind": kind, "from_date": first.isoformat(), "to_date": last.isoformat()})
    return f"{reverse('loyalty_reports:entries')}?{query}"


def holders_url(**query: str) -> str:
    return f"{reverse('loyalty_reports:guests')}?{urlencode(query)}".rstrip("?")


def flow_cells(flow: Flow, first: date, last: date) -> list[Cell]:
    """Return the four figures of a span, each opening its ledger rows."""
    return [Cell(KIND_LABELS[kind], getattr(flow, kind), entries_url(kind, first, last)) for kind in KINDS]


class ReportsPage(RolePage, View):
    """``/loyalty/reports/``."""

    permission = P.LOYALTY_MANAGE

    def get(self, request: HttpRequest) -> HttpResponse:
        form = PeriodForm(request.GET)
        period = form.period()
        months = get_monthly_flow(period.first, period.last)
        owed = get_liability(today())
        kept = request.GET.urlencode()
        context = {
            "form": form,
            "period": period,
            "ranges": RANGES.items(),
            "cells": flow_cells(get_flow(period.start, period.end), period.first, period.last),
            "months": [
                (month, flow_cells(flow, max(month, period.first), min(_end_of(month), period.last)))
                for month, flow in reversed(months)
            ],
            "charts": [
                (KIND_LABELS[kind], [(short_month(month), getattr(flow, kind)) for month, flow in months])
                for kind in ("issued", "redeemed", "expired")
            ],
            "every": _label_step(len(months)),
            **owed_context(owed),
            "export_query": kept,
            "can_export": can(request.user, P.CUSTOMERS_EXPORT),
        }
        return render(request, "loyalty/reports.html", context)


def owed_context(owed: Liability) -> dict[str, Any]:
    """Return what the part about the liability shows."""
    return {
        "owed": owed,
        "owed_months": [
            (month, points, points * owed.point_value, holders_url(month=month_code(month)))
            for month, points in owed.by_month.items()
        ],
        "owed_every": _label_step(len(owed.by_month)),
        "owed_chart": [(short_month(month), points) for month, points in owed.by_month.items()],
        "owed_tiers": [
            (tier, owed.by_tier.get(tier, 0), holders_url(tier=tier))
            for tier in CustomerSummary.TierLevel.values
        ],
        "never_url": holders_url(never="1"),
        "all_url": holders_url(),
    }


def short_month(month: date) -> str:
    """Return the name of a month and its year: «آبان ۱۴۰۴»."""
    return format_date(month, style="month_year")


def _label_step(columns: int) -> int:
    """Return how many columns share one label, so that names of months neither meet nor leave the drawing."""
    step = 1 if columns <= 3 else 4 if columns <= 13 else 12
    while step > 1 and (columns - 1) % step == 0:  # the last column has no room for a name
        step += 1
    return step


def _end_of(month: date) -> date:
    return month_span(month_code(month))[1]


class EntriesPage(RolePage, View):
    """The ledger rows behind a figure; as a file too."""

    permission = P.LOYALTY_MANAGE
    as_file = False

    def get(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        kind = request.GET.get("kind", "")
        if kind not in KINDS:
            raise NotFound
        period = PeriodForm(request.GET).period()
        rows = entries((kind,), first=period.first, last=period.last).order_by("-created_at", "-id")
        if self.as_file:
            return self._file(request, kind, rows)
        found = rows.select_related("customer", "created_by")
        context = {
            "title": KIND_LABELS[kind],
            "period": period,
            "points": getattr(get_flow(period.start, period.end), kind),
            "page_obj": Paginator(found, PER_PAGE).get_page(request.GET.get("page", "1")),
            "export_url": f"{reverse('loyalty_reports:entries-export')}?{request.GET.urlencode()}",
            "can_export": can(request.user, P.CUSTOMERS_EXPORT),
        }
        return render(request, "loyalty/report_entries.html", context)

    def _file(self, request: HttpRequest, kind: str, rows: Any) -> StreamingHttpResponse:
        note_export(self.actor, {"what": "ledger", "filters": request.GET.dict()})
        name = f"points-{kind}-{timezone.now():%Y%m%d}.csv"
        return streamed(lambda: ledger_lines(rows, with_guest=True), name, "text/csv; charset=utf-8")


class EntriesExport(EntriesPage):
    permission = P.CUSTOMERS_EXPORT
    as_file = True


class HoldersPage(RolePage, View):
    """The guests behind a figure of the liability."""

    permission = P.LOYALTY_MANAGE

    def get(self, request: HttpRequest) -> HttpResponse:
        query = request.GET
        tier, month = query.get("tier", ""), query.get("month", "")
        try:
            span = month_span(month) if month else None
        except ValueError:
            raise NotFound from None
        if tier and tier not in CustomerSummary.TierLevel.values:
            raise NotFound
        found: Any = Holders(today(), tier=tier, never=query.get("never") == "1", span=span)
        title = _("Guests with points")
        if span:
            title = _("Points that run out in %(month)s") % {"month": short_month(span[0])}
        elif query.get("never") == "1":
            title = _("Points that never run out")
        page = Paginator(found, PER_PAGE).get_page(query.get("page", "1"))
        return render(request, "loyalty/report_guests.html", {"title": title, "tier": tier, "page_obj": page})


class ReportExport(RolePage, View):
    """The report as a CSV file: the months of the flow, then the months in which points run out."""

    permission = P.CUSTOMERS_EXPORT

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        period = PeriodForm(request.GET).period()
        note_export(self.actor, {"what": "loyalty report", "filters": request.GET.dict()})
        name = f"loyalty-{timezone.now():%Y%m%d}.csv"
        return streamed(lambda: report_lines(period), name, "text/csv; charset=utf-8")


class _Echo:
    def write(self, text: str) -> str:
        return text


def report_lines(period: Period) -> Iterator[bytes]:
    """Yield the file: months as codes of the café's calendar, amounts in the unit of the screen."""
    writer = csv.writer(_Echo())
    yield (BOM + writer.writerow([_("Month"), *(str(label) for label in KIND_LABELS.values())])).encode()
    for month, flow in get_monthly_flow(period.first, period.last):
        yield writer.writerow([month_code(month), *(getattr(flow, kind) for kind in KINDS)]).encode()
    owed = get_liability(today())
    yield writer.writerow([]).encode()
    yield writer.writerow([_("Runs out in"), _("Points"), f"{_('Worth')} ({unit_name()})"]).encode()
    rows = [(month_code(month), points) for month, points in owed.by_month.items()]
    for label, points in [*rows, (_("never"), owed.never)]:
        yield writer.writerow([label, points, f"{to_screen(points * owed.point_value):f}"]).encode()
