"""«At risk»: who is dropping off, the most valuable first, with what to do about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View

from analytics.selectors.dropoff import RISK_LEVELS, AtRisk, count_at_risk, describe_at_risk, find_at_risk
from customers.selectors import get_customer, get_facts
from customers.selectors.derived import Facts, Risk
from outreach.models import Interaction
from outreach.services import log_interaction
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.money import format_number

PER_PAGE = 20
TONES = {"low": "", "medium": "warn", "high": "bad", "critical": "bad"}


class AtRiskPage(RolePage, View):
    """``/customers/at-risk/``; the level is in the address."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show one page of the guests at risk."""
        facts = get_facts()
        level = request.GET.get("risk_level", "")
        levels = [level] if level in RISK_LEVELS else []
        found: Any = find_at_risk(levels, facts)
        page = Paginator(found, PER_PAGE).get_page(request.GET.get("page", "1"))
        context = {
            "page_obj": page,
            "rows": [
                (row, Risk(row.risk_level).label, TONES[row.risk_level], overdue_words(row))
                for row in describe_at_risk(page.object_list, facts)
            ],
            "levels": levels_of(facts),
            "may_call": can(request.user, P.OUTREACH_WORK) and is_enabled("outreach"),
            "outcomes": Interaction.Outcome.choices,
        }
        return render(request, "analytics/at_risk.html", context)


def levels_of(facts: Facts) -> list[tuple[str, Any, int]]:
    """Return (level, its name, how many guests) for the chips."""
    counts = count_at_risk(facts)
    return [(level, Risk(level).label, counts[level]) for level in RISK_LEVELS]


def overdue_words(row: AtRisk) -> str:
    """Return how late the guest is by its own rhythm, in words; "" while that is not known."""
    days, factor = row.rhythm.own_days, row.overdue_factor
    if days is None or factor is None:
        return ""
    if not row.is_late:
        return _("within its rhythm of %(days)s days") % {"days": format_number(days)}
    words = _("%(factor)s times its rhythm of %(days)s days")
    return words % {"factor": format_number(factor, places=1), "days": format_number(days)}


class NoteCall(RolePage, View):
    """Note a call to a guest with its outcome, from a list; then back to that list."""

    permission = P.OUTREACH_WORK

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Write the contact. An unknown outcome changes nothing and is said."""
        customer = get_customer(customer_id)
        back = request.POST.get("next", "")
        if not (back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)):
            back = reverse("analytics:at-risk")
        outcome = request.POST.get("outcome", "")
        if outcome not in Interaction.Outcome.values:
            messages.error(request, _("Choose how the call went."))
            return HttpResponseRedirect(back)
        log_interaction(
            actor=self.actor,
            customer_id=customer.pk,
            type=Interaction.Type.CALL,
            direction=Interaction.Direction.OUTBOUND,
            outcome=outcome,
        )
        messages.success(request, _("The call to %(name)s was noted.") % {"name": customer.name})
        return HttpResponseRedirect(back)
