"""The customer list: search, filter, sort, look; the state is the address."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from customers.bulk_target import LOOK, Target
from customers.filters import CustomerFilter
from customers.models import CustomField, Tag
from customers.selectors import get_facts
from customers.selectors.counts import BoundedPaginator
from customers.selectors.custom_fields import CUSTOM_PREFIX
from customers.selectors.saved_views import list_views
from customers.services.custom_fields import active_fields
from customers.services.saved_views import remember_search
from customers.web import lists
from customers.web.bulk import choices_for, just_done, under_way
from customers.web.tier_progress import tier_progress
from servaan_crm.accounts.models import Outlet
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import DateError, parse_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import MoneyError, parse_money, unit_name

PAGE_SIZES = (20, 50, 100)
LOOKS = ("table", "cards")
LOOK_COOKIE = "customer-list"
YEAR = 365 * 24 * 3600
DELETED = "deleted_customer"


class CustomerListPage(RolePage, View):
    """The list; htmx gets the results alone."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = CustomerFilter(request.GET, extra=("page", "page_size", "look"), default_sort="last_visit")
        part = request.headers.get("HX-Target") == "customer-results"
        context = self._base(request, part=part)
        if problems := asked.problems():
            context |= {"problems": problems, "own_filters": lists.own_filters(request.GET)}
        else:
            context |= self._results(request, asked)
            if not part and asked.active.get("search"):
                remember_search(user=staff_of(request), query=asked.active["search"])
        context |= self._tools(request)
        response = render(request, "customers/_results.html" if part else "customers/list.html", context)
        response["Vary"] = "HX-Request, HX-Target, Cookie"
        if request.GET.get("look") in LOOKS:
            response.set_cookie(LOOK_COOKIE, request.GET["look"], max_age=YEAR, samesite="Lax")
        return response

    def _base(self, request: HttpRequest, *, part: bool) -> dict[str, Any]:
        apart = ("search", "page", "look")
        kept = {name: value for name, value in request.GET.items() if value and name not in apart}
        return {
            "search": request.GET.get("search", ""),
            "kept": kept,
            "groups": lists.GROUPS,
            "look": self._look(request),
            "looks": lists.looks(request.GET),
            "can_edit": can(request.user, P.CUSTOMERS_EDIT),
            "can_merge": can(request.user, P.CUSTOMERS_DELETE),
            "can_share": can(request.user, P.CUSTOMERS_DELETE),
            "can_export": can(request.user, P.CUSTOMERS_EXPORT),
            "can_import": can(request.user, P.CUSTOMERS_IMPORT),
            "sees_figures": can(request.user, P.CUSTOMERS_STATISTICS),
            "deleted": self._just_deleted(request),
            "bulk_done": just_done(request),
            "bulk_running": [] if part else under_way(request.user),
            "bulk_choices": choices_for(request.user),
            "may_campaign": can(request.user, P.CAMPAIGNS_MANAGE) and is_enabled("campaigns"),
        }

    @staticmethod
    def _look(request: HttpRequest) -> str:
        look = request.GET.get("look") or request.COOKIES.get(LOOK_COOKIE, "")
        return look if look in LOOKS else LOOKS[0]

    def _tools(self, request: HttpRequest) -> dict[str, Any]:
        state = query_of(request.GET)
        return {
            "state": state,
            "views": [(view, view.query == state) for view in list_views(staff_of(request))],
            "ranges": lists.ranges_of(request.GET),
            "range_names": {*lists.MONEY_RANGES, *lists.DAY_RANGES, *lists.NUMBER_RANGES, "tag", "outlet"}
            | {name for name in request.GET if name.startswith(CUSTOM_PREFIX)},
            "unit": unit_name(),
            "calendar": get_locale().calendar,
            "tags": list(Tag.objects.values_list("name", flat=True)),
            "outlets": list(Outlet.objects.values_list("name", flat=True)),
        }

    def _results(self, request: HttpRequest, asked: CustomerFilter) -> dict[str, Any]:
        found = asked.customers()
        size = request.GET.get("page_size", "")
        per_page = int(size) if size in map(str, PAGE_SIZES) else PAGE_SIZES[0]
        typed = request.GET.get("page", "1")
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else 1
        pages = BoundedPaginator(found, per_page, page=number)
        page = pages.get_page(number)
        search = asked.active.get("search", "")
        customers = list(page.object_list.prefetch_related("tags"))  # type: ignore[attr-defined]
        own = lists.own_filters(request.GET)
        ways = tier_progress(customers) if self._look(request) == "cards" else {}
        page.object_list = customers  # the length of the page is asked for too
        return {
            "own_filters": own,
            "page_obj": page,
            "is_exact": pages.found.is_exact,
            "rows": lists.rows_of(customers, get_facts(), search, ways),
            "heads": lists.heads(request.GET, found.sort, found.order),
            "other_chips": lists.other_chips(asked, request.GET) + lists.own_chips(asked, request.GET, own),
            "is_narrowed": bool(asked.active),
            "filter_query": filters_of(request.GET),
            "list_query": query_of(request.GET),
        }

    def _just_deleted(self, request: HttpRequest) -> dict[str, str] | None:
        if request.headers.get("HX-Request"):
            return None
        found: dict[str, str] | None = request.session.pop(DELETED, None)
        return found


class NarrowList(RolePage, View):
    """The panel of ranges: what was typed in the café's unit and calendar becomes the address of the list."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        data = request.GET.copy()
        data.pop("page", None)
        days = {
            f"{CUSTOM_PREFIX}{field.key}" for field in active_fields() if field.kind == CustomField.Kind.DATE
        }
        for name, value in list(data.items()):
            if name in days and value:
                data[name] = _as_day(str(value).strip())
                continue
            plain = _as_parameter(name, str(value).strip())
            if plain:
                data[name] = plain
            else:
                data.pop(name)
        return redirect(f"{reverse('customers:list')}?{data.urlencode()}")


class ExactCount(RolePage, View):
    """How many guests the filters find, when the page itself said "more than 10,000"."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            count = Target.of_filter(request.GET).matches.count()
        except ValidationError:
            return HttpResponse(status=204)
        return render(request, "customers/_count.html", {"count": count})


def query_of(data: QueryDict) -> str:
    """Return the filters and the order of an address, as saved views keep them."""
    return _without(data, [name for name in LOOK if name not in ("sort", "order")])


def filters_of(data: QueryDict) -> str:
    """Return the filters of an address alone."""
    return _without(data, LOOK)


def _without(data: QueryDict, names: Any) -> str:
    copy = data.copy()
    for name in {*names, *(name for name, value in data.items() if not value)}:
        copy.pop(name, None)
    return copy.urlencode()


def _as_day(typed: str) -> str:
    try:
        return parse_date(typed).isoformat()
    except DateError:
        return typed


def _as_parameter(name: str, typed: str) -> str:
    """Return what stands in the address for ``typed``; what cannot be read stays, and the list says so."""
    try:
        if name in lists.MONEY_RANGES and typed:
            return f"{parse_money(typed):f}"
        if name in lists.DAY_RANGES and typed:
            return parse_date(typed).isoformat()
    except (MoneyError, DateError):
        return typed
    return to_ascii(typed) if name in lists.NUMBER_RANGES else typed
