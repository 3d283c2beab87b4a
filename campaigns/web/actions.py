"""What is decided about a campaign by pressing a button; the services say what is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns import services
from campaigns.models import Campaign
from campaigns.selectors import get_campaign
from campaigns.web.composer import step_url
from campaigns.web.listing import CampaignPages, version_of
from servaan_crm.accounts.permissions import P
from servaan_crm.core.errors import DomainError, NotFound
from servaan_crm.l10n.money import format_number

ACTIONS: dict[str, tuple[Callable[..., Any], str | Promise]] = {
    "submit": (services.submit_campaign, gettext_lazy("It waits for approval now.")),
    "approve": (services.approve_campaign, gettext_lazy("It is approved.")),
    "withdraw": (services.withdraw_campaign, gettext_lazy("It is a draft again; change what you like.")),
    "schedule": (services.schedule_campaign, gettext_lazy("It will be sent at its time.")),
    "send": (services.send_campaign, gettext_lazy("It is on its way. You may leave this page.")),
    "pause": (
        services.pause_campaign,
        gettext_lazy("It stands still. Nothing more is sent until you continue."),
    ),
    "resume": (services.resume_campaign, gettext_lazy("It goes on.")),
    "cancel": (services.cancel_campaign, gettext_lazy("It is stopped. What was sent stays sent.")),
}
# Sending asks for a yes; the page says what to.
NEED_YES = frozenset({"send", "schedule"})


class Act(CampaignPages):
    """Do one of ``ACTIONS``."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, campaign_id: UUID, action: str) -> HttpResponse:
        if action not in ACTIONS:
            raise NotFound()
        campaign = get_campaign(campaign_id)
        if action in NEED_YES and campaign.has_messages and request.POST.get("sure") != "yes":
            messages.error(request, _("Say first that you have read the text and know who gets it."))
            return redirect(step_url(campaign, "check"))
        service, said = ACTIONS[action]
        try:
            campaign = service(actor=self.actor, campaign_id=campaign_id, version=version_of(request))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, str(said))
        return self.onward(campaign, action)

    @staticmethod
    def onward(campaign: Campaign, action: str) -> HttpResponse:
        """Go to where the campaign is now: its check while it is a draft, else its page."""
        is_draft = campaign.status == Campaign.Status.DRAFT
        return redirect(
            step_url(campaign, "check") if is_draft and action != "reject" else campaign_url(campaign)
        )


def campaign_url(campaign: Campaign) -> str:
    """Return the address of the page of a campaign that is no draft any more."""
    return reverse("campaigns:detail", args=[campaign.pk])


def tell(request: HttpRequest, error: DomainError) -> None:
    """Say why it was refused; what is not there is no page."""
    if isinstance(error, NotFound):
        raise error
    messages.error(request, str(error))


class Reject(CampaignPages):
    """Send a campaign back to its author, with the reason."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        get_campaign(campaign_id)
        reason = request.POST.get("reason", "")[:500].strip()
        try:
            services.reject_campaign(
                actor=self.actor, campaign_id=campaign_id, reason=reason, version=version_of(request)
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except DomainError as error:
            tell(request, error)
        else:
            messages.success(request, _("It went back to its author."))
        return redirect("campaigns:detail", campaign_id)


class Retry(CampaignPages):
    """Send again to those whose message failed."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        try:
            count = services.retry_failed(
                actor=self.actor, campaign_id=campaign_id, version=version_of(request)
            )
        except DomainError as error:
            tell(request, error)
        else:
            said = ngettext("It is sent again to %(n)s guest.", "It is sent again to %(n)s guests.", count)
            messages.success(request, said % {"n": format_number(count)})
        return redirect("campaigns:detail", campaign_id)


class SendTest(CampaignPages):
    """Send the text once to a phone."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = get_campaign(campaign_id)
        try:
            services.send_test(
                actor=self.actor,
                campaign_id=campaign_id,
                to=request.POST.get("to", "")[:254],
                variant=request.POST.get("variant", "")[:1],
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The test is on its way."))
        return Act.onward(campaign, "test")


class Duplicate(CampaignPages):
    """A new draft like this campaign."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        copy = services.duplicate_campaign(actor=self.actor, campaign_id=campaign_id)
        messages.success(request, _("This is your copy; change what you like."))
        return redirect(step_url(copy, "who"))


class Delete(CampaignPages):
    """Delete a draft."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        try:
            services.delete_campaign(actor=self.actor, campaign_id=campaign_id, version=version_of(request))
        except DomainError as error:
            tell(request, error)
            return redirect("campaigns:detail", campaign_id)
        messages.success(request, _("The draft is deleted."))
        return redirect("campaigns:list")
