"""The home page: how the café stands, what today brought, what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Count, Window
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView

from analytics.periods import Period, last_days, month_so_far, this_month
from analytics.selectors.statistics import (
    change_in_percent,
    get_customer_overview,
    get_points_now,
)
from analytics.selectors.today import Setup, get_setup, list_last_days, list_latest_visits
from customers.selectors.birthdays import get_birthdays
from feedback.models import LOW_RATING
from feedback.selectors import list_unanswered_low_ratings
from servaan_crm.accounts.models import User
from servaan_crm.accounts.permissions import P, can, feature_of
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import format_date
from servaan_crm.l10n.money import format_number, from_screen, to_screen

CHART_DAYS = 14


@dataclass(frozen=True, slots=True)
class Step:
    """Something that waits to be done, and where."""

    icon: str
    text: str | Promise
    url: str
    label: str | Promise
    css: str = ""


def address(name: str, *args: Any, **query: Any) -> str:
    """Return the address of a page with a query, or "" when there is no such page."""
    try:
        url = reverse(name, args=args)
    except NoReverseMatch:
        return ""
    return f"{url}?{urlencode(query)}" if query else url


def is_open(user: Any, permission: P) -> bool:
    """Whether the role may and the café has the feature on."""
    feature = feature_of(permission)
    return can(user, permission) and (feature is None or is_enabled(feature))


class HomePage(LoginRequiredMixin, TemplateView):
    """``/``. Staff at the counter are sent there; each block shows to those who may see it."""

    template_name = "web/home.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if user.is_authenticated and user.role == User.Role.STAFF and is_open(user, P.VISITS_RECORD):
            counter = address("checkout:counter")
            if counter:
                return redirect(counter)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        assert isinstance(user, User)
        context = super().get_context_data(**kwargs)
        context["today"] = last_days(1).first
        context["may_record"] = is_open(user, P.VISITS_RECORD)
        if is_open(user, P.CUSTOMERS_STATISTICS):
            context |= _figures()
            context["urls"]["visits"] = _visits_url(user, context["day"].date) or context["urls"]["guests"]
        if is_open(user, P.CUSTOMERS_VIEW):
            context["birthdays"] = get_birthdays(context["today"])
            context["latest_visits"] = list(list_latest_visits(6))
        if is_open(user, P.FEEDBACK_VIEW):
            context |= _low_ratings(user)
        if can(user, P.ADMIN_SITE):
            context["steps"] = list(
                _steps(get_setup(user), context.get("low_count", 0), context.get("low_url", ""))
            )
        return context


def _figures() -> dict[str, Any]:
    """Return the key figures and today's, with the addresses of the lists behind them."""
    so_far, same_days_before = month_so_far()
    today = last_days(1)
    statistics, new = get_customer_overview(so_far=so_far, before=same_days_before, today=today)
    days = list_last_days(CHART_DAYS)
    return {
        "statistics": statistics,
        # A card has no room for fractions of the unit it shows.
        "lifetime_value": from_screen(round(to_screen(statistics["average_lifetime_value"]))),
        "new_so_far": new["so_far"],
        "new_before": new["before"],
        "new_trend": change_in_percent(new["so_far"], new["before"]),
        "new_today": new["today"],
        "points": _points() if is_enabled("loyalty") else None,
        "day": days[-1],
        "yesterday": days[-2],
        "chart": [(format_date(day.date, style="day_month"), day.visits) for day in days],
        "urls": _lists_behind(so_far, today),
    }


def _points() -> dict[str, Any]:
    """Return the points guests hold, and by how many percent that changed since the month began."""
    flow, active = get_points_now(this_month())
    at_start = active - flow["issued"] + flow["redeemed"]
    return {"active": active, "trend": change_in_percent(active, at_start), **flow}


def _lists_behind(month: Period, today: Period) -> dict[str, str]:
    return {
        "customers": address("customers:list"),
        "new": address("customers:list", created_from=month.first.isoformat()),
        "points": address("customers:list", sort="points", order="desc"),
        "value": address("customers:list", sort="lifetime_spent", order="desc"),
        "guests": address("customers:list", last_visit_from=today.first.isoformat()),
        "new_today": address("customers:list", created_from=today.first.isoformat()),
    }


def _visits_url(user: User, day: dt.date) -> str:
    """Return the list of the visits since ``day`` began, for those who may open the back office."""
    if not can(user, P.ADMIN_SITE):
        return ""
    return address("admin:customers_visit_changelist", visit_date__gte=Period(day, day).start.isoformat())


def _low_ratings(user: User) -> dict[str, Any]:
    """Return the worst open ratings and how many there are, from one query."""
    rows = list(list_unanswered_low_ratings().annotate(count=Window(Count("pk")))[:4])
    url = ""
    if can(user, P.ADMIN_SITE):
        url = address("admin:feedback_feedback_changelist", status__exact="open", rating__lte=LOW_RATING)
    return {"low_ratings": rows, "low_count": rows[0].count if rows else 0, "low_url": url}


def _steps(setup: Setup, low_ratings: int, low_url: str) -> Iterator[Step]:
    """Yield what to do next, the most urgent first."""
    if setup.provider_problem:
        problem_url = address("providers:list")
        yield Step(
            "alert-circle",
            _("The SMS account has a problem; messages wait."),
            problem_url,
            _("Look"),
            "is-bad",
        )
    if setup.low_credit:
        yield Step(
            "wallet",
            _("The credit for messages is low. Top it up before the next campaign."),
            address("providers:list"),
            _("Look"),
            "is-warn",
        )
    if low_ratings:
        text = ngettext(
            "%(count)s low rating has no answer.", "%(count)s low ratings have no answer.", low_ratings
        )
        yield Step(
            "message-dots", text % {"count": format_number(low_ratings)}, low_url, _("Answer"), "is-warn"
        )
    if not setup.has_provider:
        provider_url = address("providers:choose")
        yield Step(
            "message", _("There is no SMS account yet: guests get no thanks."), provider_url, _("Set it up")
        )
    if not setup.has_menu:
        menu_url = address("admin:customers_menuitem_add")
        yield Step("coffee", _("The menu is empty: bills carry amounts only."), menu_url, _("Add items"))
    if not setup.has_visits:
        yield Step(
            "receipt", _("No visit was recorded yet."), address("checkout:counter"), _("Record the first one")
        )
    if not setup.has_colleagues:
        user_url = address("admin:accounts_user_add")
        yield Step("user-plus", _("Nobody else can log in yet."), user_url, _("Add staff"))
