"""The history tab."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator

from customers.models import Customer
from customers.selectors.history import history_keys, history_lines
from customers.web.tabs import TabPage
from servaan_crm.accounts.permissions import P

PER_PAGE = 25


class HistoryTab(TabPage):
    """Who changed what of the guest and when, newest first."""

    tab = "history"
    template_name = "customers/tabs/history.html"
    permission = P.AUDIT_VIEW

    def context(self, customer: Customer) -> dict[str, Any]:
        pages = Paginator(history_keys(customer.pk), PER_PAGE)
        page = pages.get_page(self.request.GET.get("page", "1"))
        return {"page_obj": page, "lines": history_lines(list(page.object_list))}
