"""«Occasions ahead»: birthdays and anniversaries of guests and their families."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views import View

from customers.selectors.events import MAX_DAYS, EventType, UpcomingEvent, upcoming_events
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.jalali import local_date

SPANS = ((7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (MAX_DAYS, _("A year")))
DEFAULT_DAYS = 30
PER_PAGE = 50


class EventsPage(RolePage, View):
    """``/customers/events/``: by day, soonest first; the span and the type are in the address."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show one page of the occasions."""
        days = self._days()
        kind = request.GET.get("event_type", "")
        types = [kind] if kind in EventType.values else []
        found: Any = upcoming_events(days, types=types)
        page: Any = Paginator(found, PER_PAGE).get_page(request.GET.get("page", "1"))
        events: list[UpcomingEvent] = list(page.object_list)
        context = {
            "page_obj": page,
            "days": [(date, list(group)) for date, group in groupby(events, key=lambda one: one.event_date)],
            "today": local_date(timezone.now()),
            "spans": SPANS,
            "span": days,
            "kind": types[0] if types else "",
            "types": EventType.choices,
        }
        return render(request, "customers/events.html", context)

    def _days(self) -> int:
        asked = self.request.GET.get("days", "")
        known = {str(days): days for days, _label in SPANS}
        return known.get(asked, DEFAULT_DAYS)
