"""Who got a campaign, who did not, and why: the list of its guests, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors import delivery_rows, get_campaign
from campaigns.selectors.deliveries import REASONS, STATUSES, DeliveryRow
from campaigns.selectors.kept import kept
from campaigns.selectors.pages import GROUPS, count_recipients_of, list_recipients
from campaigns.services import possible_actions
from campaigns.web import words
from campaigns.web.listing import PAGE_SIZES, CampaignPages
from customers.exports.files import CSV_TYPE, csv_pieces
from customers.exports.http import note_export, streamed
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import format_datetime
from servaan_crm.l10n.money import to_screen, unit_name

CHUNK = 500
# The chips, in the order of a guest's way; those with nobody are left out.
CHIPS = (
    ("not_reached", gettext_lazy("Did not get it")),
    ("delivered", gettext_lazy("Delivered")),
    ("clicked", gettext_lazy("Followed the link")),
    ("came", gettext_lazy("Came")),
    ("pending", gettext_lazy("Waiting")),
    ("lost", gettext_lazy("Did not arrive")),
    ("skipped", gettext_lazy("Left out")),
    ("holdout", gettext_lazy("For comparison")),
)
OTHER_STATUSES = {
    "targeted": gettext_lazy("Meant"),
    "left": gettext_lazy("Sent"),
}


class _Counted(Paginator):  # type: ignore[type-arg]
    """Pages of a list whose length may be ``known`` already."""

    known: int | None = None

    @cached_property
    def count(self) -> int:
        """How many there are."""
        return int(super().count) if self.known is None else self.known


class RecipientPages(CampaignPages):
    """What the list and the file share: the filters of the address."""

    def filters(self) -> dict[str, str]:
        """Return the filters; what is not known counts as nothing."""
        given = self.request.GET
        status, reason = given.get("status", ""), given.get("reason", "")
        return {
            "status": status if status in STATUSES or status in (*GROUPS, "not_reached") else "",
            "reason": reason if reason in REASONS else "",
            "variant": given.get("variant", "") if given.get("variant") in ("A", "B", "C", "D") else "",
            "search": given.get("search", "")[:100].strip(),
        }


class RecipientList(RecipientPages):
    """The guests of one campaign."""

    def get(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = get_campaign(campaign_id)
        asked = self.filters()
        size = to_ascii(request.GET.get("page_size", ""))
        per_page = int(size) if size in map(str, PAGE_SIZES) else PAGE_SIZES[0]
        pages = _Counted(list_recipients(campaign, **asked), per_page)
        pages.known = count_recipients_of(campaign, asked)
        page = pages.get_page(to_ascii(request.GET.get("page", "1")))
        deliveries = list(page.object_list)
        told = {one.pk: one.message_id for one in deliveries if one.state == CampaignDelivery.State.QUEUED}
        rows = [(row, told.get(row.id)) for row in delivery_rows(deliveries)]
        page.object_list = cast(Any, rows)
        figures = kept(campaign, "figures")
        context = {
            "campaign": campaign,
            "page": page,
            "rows": rows,
            "asked": asked,
            "chips": [*CHIPS, *self.further_chip(asked["status"])],
            "reasons": [
                (code, words.reason_word(code), figures.by_reason[code])
                for code in REASONS
                if figures.by_reason.get(code)
            ],
            "variants": [one.key for one in campaign.variants.all()],
            "kept": {name: value for name, value in asked.items() if value and name != "search"},
            "figures": figures,
            "may_manage": self.may_manage,
            "may_see_guests": can(request.user, P.CUSTOMERS_VIEW),
            "may_see_messages": can(request.user, P.MESSAGES_VIEW),
            "may_export": can(request.user, P.CUSTOMERS_EXPORT),
            "possible": possible_actions(campaign) if self.may_manage else [],
            "is_narrowed": any(asked.values()),
        }  # fmt: skip
        return render(request, "campaigns/deliveries.html", context)

    @staticmethod
    def further_chip(status: str) -> list[tuple[str, Any]]:
        """Return the chip of a state that came by a link and has none of its own."""
        if not status or status in dict(CHIPS):
            return []
        return [(status, OTHER_STATUSES.get(status) or words.OUTCOMES[status].text)]


class RecipientFile(RecipientPages):
    """The list as CSV, written while it is read; who took it is in the audit trail."""

    def get(self, request: HttpRequest, campaign_id: UUID) -> StreamingHttpResponse:
        if not can(request.user, P.CUSTOMERS_EXPORT):
            raise PermissionDenied(details={"permission": str(P.CUSTOMERS_EXPORT)})
        campaign = get_campaign(campaign_id)
        asked = self.filters()
        note_export(
            self.actor,
            {"what": "campaign", "format": "csv", "filters": {**asked, "campaign": str(campaign.pk)}},
        )
        name = f"campaign-{str(campaign.pk)[-8:]}-{timezone.now():%Y%m%d}.csv"
        return streamed(lambda: csv_pieces(heads(), lines(campaign, asked)), name, CSV_TYPE)


def heads() -> list[str]:
    """Return the heads of the file."""
    return [
        _("Name"),
        _("Recipient"),
        _("Text"),
        _("State"),
        _("Reason"),
        _("Sent"),
        _("Delivered"),
        pgettext("of a message", "Parts"),
        f"{_('Cost')} ({unit_name()})",
        _("Clicks"),
    ]


def lines(campaign: Campaign, asked: dict[str, str]) -> Iterator[list[Any]]:
    """Yield the guests as lines of the file, some hundred at a time."""
    chunk: list[CampaignDelivery] = []
    for delivery in list_recipients(campaign, **asked).iterator(chunk_size=CHUNK):
        chunk.append(delivery)
        if len(chunk) == CHUNK:
            yield from map(_line, delivery_rows(chunk))
            chunk = []
    yield from map(_line, delivery_rows(chunk))


def _line(row: DeliveryRow) -> list[Any]:
    outcome = words.OUTCOMES.get(row.status)
    return [
        row.name,
        row.recipient,
        row.variant,
        str(outcome.text if outcome else row.status),
        str(words.reason_word(row.reason) if row.status == "skipped" else row.why),
        to_ascii(format_datetime(row.sent_at)),
        to_ascii(format_datetime(row.delivered_at)),
        row.parts or "",
        "" if row.cost is None else f"{to_screen(row.cost).normalize():f}",
        row.clicks,
    ]
