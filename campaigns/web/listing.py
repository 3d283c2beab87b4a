"""The list of campaigns."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from campaigns.models.campaign import CampaignType
from campaigns.selectors import pages
from campaigns.web import words
from segments.models import Segment
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.digits import to_ascii

PAGE_SIZES = (20, 50, 100)


def version_of(request: HttpRequest) -> int | None:
    """Return the version the form was made from; None where it says none that can be read."""
    version = request.POST.get("version", "")
    return int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None


class CampaignPages(RolePage, View):
    """Base of the addresses of campaigns."""

    permission = P.CAMPAIGNS_VIEW

    @property
    def may_manage(self) -> bool:
        """Whether who looks may also change."""
        return can(self.request.user, P.CAMPAIGNS_MANAGE)


class CampaignList(CampaignPages):
    """All campaigns with their state and what they brought; the state of the list is its address."""

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = self.filters()
        found = pages.list_campaigns_for_page(filters)
        size = to_ascii(request.GET.get("page_size", ""))
        per_page = int(size) if size in map(str, PAGE_SIZES) else PAGE_SIZES[0]
        page = Paginator(found, per_page).get_page(to_ascii(request.GET.get("page", "1")))
        campaigns = list(page.object_list)
        page.object_list = campaigns
        counts = pages.count_by_state()
        context = {
            "page": page,
            "rows": pages.with_results(campaigns),
            "search": filters["search"],
            "segment": Segment.objects.filter(key=filters["segment"]).first() if filters["segment"] else None,
            "groups": [
                (code, text, sum(counts.get(state, 0) for state in states) or None)
                for code, text, states in words.STATE_GROUPS
            ],
            "types": [(code, words.TYPES[code]) for code in CampaignType.values],
            "kept": {name: value for name, value in request.GET.items() if name not in ("search", "page")},
            "is_narrowed": any(filters[name] for name in ("search", "states", "type", "segment")),
            "may_manage": self.may_manage,
            "has_any": bool(counts),
        }
        part = request.headers.get("HX-Target") == "campaign-results"
        response = render(request, "campaigns/_results.html" if part else "campaigns/list.html", context)
        response["Vary"] = "HX-Request, HX-Target, Cookie"
        return response

    def filters(self) -> dict[str, Any]:
        """Return the filters of the address; what is not known counts as nothing."""
        given = self.request.GET
        groups = {code: states for code, _text, states in words.STATE_GROUPS}
        return {
            "search": given.get("search", "")[:100].strip(),
            "states": groups.get(given.get("state", ""), ()),
            "type": given.get("type", "") if given.get("type") in CampaignType.values else "",
            "segment": given.get("segment", "")[:100],
            "ordering": given.get("ordering", "-created"),
        }
